"""Who voted on an approval that only its own people see is told to its flow, and to nobody else."""

import json
from uuid import uuid4

import pytest

from approvals.models import Approval
from approvals.services.decisions import Decided
from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import APPROVAL_SCHEMA, Api, Run
from tests.integration.pages import log_in
from tests.teams import hold, make_teams, say_yes

VOTES = "paused-1-votes"


@pytest.fixture
def outsider(db: None) -> Api:
    return Api(create_api_key("outsider", scopes=["flows", "resume"]))


@pytest.fixture(autouse=True)
def teams(db: None) -> None:
    make_teams()


def ask(run: Run) -> Approval:
    run.pause_for_input(APPROVAL_SCHEMA)
    return Approval.objects.get(flow_run_id=run.uuid)


def keys_seen(api: Api, run: Run) -> list[str]:
    body = {"prefix": "paused-1", "limit": 20}
    found = json.loads(api.post(f"/flow_runs/{run.id}/input/filter", body).content)
    return [each["key"] for each in found]


def test_the_votes_of_a_hidden_approval_are_read_by_the_keys_of_its_run(
    run: Run, outsider: Api
) -> None:
    hold("1 of @hr, seen by them only")
    assert say_yes(ask(run), "H1") == Decided()
    path = f"/flow_runs/{run.id}/input/{VOTES}"
    assert [vote["name"] for vote in json.loads(run.read_input(VOTES).content)] == ["H1"]
    assert VOTES in keys_seen(run.api, run)
    assert outsider.get(path).status_code == 404
    assert outsider.request("delete", path).status_code == 404
    assert VOTES not in keys_seen(outsider, run)


def test_another_key_that_runs_the_flow_run_reads_its_votes(run: Run, outsider: Api) -> None:
    hold("1 of @hr, seen by them only")
    assert say_yes(ask(run), "H1") == Decided()
    state = {"state": {"type": "RUNNING"}, "force": True}
    outsider.post(f"/flow_runs/{run.id}/set_state", state)
    assert VOTES in keys_seen(outsider, run)


def test_votes_that_everybody_sees_are_read_by_every_key(run: Run, outsider: Api) -> None:
    hold("1 of @finance")
    assert say_yes(ask(run), "F1") == Decided()
    assert VOTES in keys_seen(outsider, run)
    assert outsider.get(f"/flow_runs/{run.id}/input/{VOTES}").status_code == 200


def test_a_guarded_approval_whose_run_is_gone_is_shown(run: Run) -> None:
    hold("1 of @finance")
    approval = ask(run)
    approval.pk, approval.flow_run_id, approval.pause_state_id = uuid4(), uuid4(), uuid4()
    approval.save(force_insert=True)
    assert log_in("F1").get(f"/approvals/{approval.pk}/").status_code == 200
