"""Variables, from flows and by the `prefect` command."""

import json

import httpx

from tests.prefect_clients.clients import PrefectClient, results


def test_flows_keep_read_change_and_forget_variables(newest: PrefectClient) -> None:
    output = newest.start_flow("sharing.py").finish()
    assert results(output) == [
        [100, "none"],
        [True],
        [{"refunds": 50}],
        [True, False, None],
        ["good morning", True],
    ]


def test_the_command_line_keeps_shows_and_forgets_variables(
    newest: PrefectClient, api: httpx.Client
) -> None:
    limits = '{"refunds": 100, "credits": 7}'
    assert "Set variable 'limits'" in newest.command("variable", "set", "limits", limits)
    assert json.loads(newest.command("variable", "get", "limits")) == json.loads(limits)
    tagged = ("variable", "set", "limits", "50", "--overwrite", "--tag", "money")
    assert "Set variable 'limits'" in newest.command(*tagged)
    assert "limits" in newest.command("variable", "ls")
    shown = newest.command("variable", "inspect", "limits")
    assert "name='limits'" in shown
    assert "tags=['money']" in shown
    assert api.get("/variables/name/limits").json()["value"] == 50
    assert "Unset variable 'limits'" in newest.command("variable", "unset", "limits")
    assert api.post("/variables/count").json() == 0
