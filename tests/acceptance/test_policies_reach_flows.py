"""What an author says of who may answer, end to end: asked, voted on, and told to the flow."""

import json
from pathlib import Path

from tests.acceptance.clients import connect, resume, start_flow, state_of, until
from tests.acceptance.people import Person, make_people, person
from tests.servers import ApprovalsServer

FLOWS = Path(__file__).with_name("flows_under_policies.py")


def test_a_flow_is_told_who_has_agreed_whichever_way_it_asked(
    our_server: ApprovalsServer, tmp_path: Path
) -> None:
    make_people(our_server)
    notes = tmp_path / "notes"
    process = start_flow(our_server, FLOWS, str(notes))
    try:
        with (
            connect(our_server) as api,
            person(our_server, "fay") as fay,
            person(our_server, "finn") as finn,
        ):

            def asks(key: str) -> bool:
                state = api.get(f"/flow_runs/{run}").json()["state"]
                return bool(
                    state["type"] == "PAUSED" and state["state_details"]["pause_key"] == key
                )

            def agree(key: str, *people: Person) -> str:
                until(lambda: asks(key) or None)
                return [each.answer(run, f_0="1") for each in people][-1]

            name = "/deployments/name/refund/guarded"
            until(lambda: api.get(name).status_code == 200 or None)
            deployment = api.get(name).json()["id"]
            made = api.post(f"/deployments/{deployment}/create_flow_run", json={})
            run = made.raise_for_status().json()["id"]
            assert "Waits for one of finance" in agree("1", fay)
            refused = resume(api, run, {"approve": True})
            assert refused["details"]["reason"] == "Waits for 1 of @finance"
            agree("1", finn)
            agree("2", fay)
            agree("last", finn, fay)
            until(lambda: state_of(api, run) == "COMPLETED" or None)
            told = json.loads(api.get(f"/flow_runs/{run}/input/suspended-last-votes").content)
    finally:
        process.kill()
        process.communicate()
    first = [["fay", "yes", "2 of @finance"], ["finn", "yes", "2 of @finance"]]
    second = [["fay", "yes", "1 of @finance"]]
    last = [["finn", "yes", "1 of finn"], ["fay", "yes", "1 of fay"]]
    # The suspended run began anew, and was told again what had been answered
    lines = [json.loads(line) for line in notes.read_text().splitlines()]
    assert lines == [first, second, first, second, last]
    assert [vote["name"] for vote in told] == ["finn", "fay"]
