"""Blocks: in scripts, by the `prefect` command, and as the place of results."""

import json
from pathlib import Path

import httpx

from tests.acceptance.clients import resume, until
from tests.prefect_clients.clients import FLOWS, PrefectClient, results
from tests.prefect_clients.served import (
    start,
    started_run,
    wait_for_question,
    wait_for_the_end_of_process,
)
from tests.servers import ApprovalsServer

MASK = "*" * 8


def test_blocks_are_saved_loaded_changed_nested_and_deleted(
    prefect: PrefectClient, tmp_path: Path
) -> None:
    output = prefect.start_flow("keeping.py", str(tmp_path / "folder")).finish()
    secret, changed, taken, gone, value, folder, nested, renewed, anonymous = results(output)
    assert secret == ["sesame"]
    assert changed == [{"user": "ada"}, {"user": "ada"}]
    assert [taken, gone] == [[True], [True]]
    assert value in ([None], [{"z": [1, None], "a": 2.5}])
    assert folder == ["hello", "hello"]
    assert nested == ["sesame-open", "main", "t2", None, {"x": {"y": "z"}}]
    assert renewed == ["t3", "eve", None]
    assert anonymous == [True, "t"]


def test_the_command_line_registers_lists_shows_and_deletes_blocks(
    newest: PrefectClient, server: ApprovalsServer, api: httpx.Client
) -> None:
    assert "Successfully registered" in newest.command(
        "block", "register", "--file", str(FLOWS / "keeping.py")
    )
    types = newest.command("block", "type", "ls")
    assert "vault" in types
    assert "local-file-system" in types
    assert "Keeps a token" in newest.command("block", "type", "inspect", "vault")
    newest.start_flow("keeping.py").finish()
    listed = newest.command("block", "ls")
    assert "vault/main" in listed
    assert "desk/front" in listed
    shown = newest.command("block", "inspect", "desk/front")
    assert MASK in shown
    assert "sesame-open" not in shown
    assert not any(b"sesame-open" in path.read_bytes() for path in database_files(server))
    for slug in ("vault/main", "desk/front"):
        assert "Deleted Block" in newest.command("block", "delete", slug)
    for slug in ("vault", "desk"):
        assert "Deleted Block Type" in newest.command("block", "type", "delete", slug)
    assert api.post("/block_documents/count", json={}).json() == 0


def database_files(server: ApprovalsServer) -> list[Path]:
    found = list(server.home.glob("approvals.sqlite3*"))
    assert found
    return found


def test_a_suspended_run_finds_the_results_that_a_block_keeps(
    newest: PrefectClient, api: httpx.Client, notes: Path
) -> None:
    serving = newest.start_flow("storing.py", str(notes))
    until(lambda: "prefect deployment run" in serving.output)
    starting = start(newest, "ship", notes)
    run = started_run(starting)
    wait_for_question(api, run)
    wait_for_the_end_of_process(notes)
    assert len(list(notes.with_name("results").iterdir())) == 1
    assert resume(api, run, {"approve": True})["status"] == "ACCEPT"
    assert results(starting.finish())[-1] == {"state": "Completed"}
    first, charged, second, answered = notes.read_text().splitlines()
    assert first != second
    assert (charged, answered) == ("charged", "True for receipt")
    forget_folder(newest)


def test_flows_keep_results_where_the_server_says(
    newest: PrefectClient, api: httpx.Client, notes: Path
) -> None:
    newest.start_flow("storing.py", str(notes), "once").finish()
    kept = notes.with_name("results")
    assert not kept.exists()
    newest.command("experimental", "result-storage", "set", "local-file-system/mine")
    shown = newest.command("experimental", "result-storage", "inspect", "--output", "json")
    assert json.loads(shown)["block"] == "local-file-system/mine"
    newest.start_flow("storing.py", str(notes), "once").finish()
    assert len(list(kept.iterdir())) == 1
    newest.command("experimental", "result-storage", "clear")
    assert api.get("/admin/storage").json() == {"default_result_storage_block_id": None}
    forget_folder(newest)


def forget_folder(prefect: PrefectClient) -> None:
    prefect.command("block", "delete", "local-file-system/mine")
