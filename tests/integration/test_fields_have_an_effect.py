"""Every field of a body that Prefect knows is read back, or is named as one without effect.

`flowruns/api/left_out.py` names those, and the documented table of what is served is made of it.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from flowruns.api.left_out import WITHOUT_EFFECT, find_unused
from tests.dialect.calls import Call, Conversation, Json
from tests.dialect.fields import BODIES, PARTS, VALUES, WORLD, fill
from tests.integration.conftest import Api
from tests.openapi import anonymous
from tests.served_paths import THEIRS, read_our_outline

# Where a field is read back under another name; a `.` leads into a part
SHOWN_AS = {
    "POST /deployments/ concurrency_limit": "global_concurrency_limit.limit",
    "POST /deployments/ global_concurrency_limit_id": "global_concurrency_limit.id",
    "PATCH /deployments/{} concurrency_limit": "global_concurrency_limit.limit",
    "PATCH /deployments/{} global_concurrency_limit_id": "global_concurrency_limit.id",
}
# What is not there to be read: where it is seen that these have an effect
SEEN_ELSEWHERE = {
    r"POST /deployments/{}/create_flow_run enforce_parameter_schema": "test_deployments.py",
    "PATCH /deployments/{}/schedules/{} replaces": "the dialect's conversation about schedules",
    "PATCH /block_documents/{} merge_existing_data": "test_blocks.py",
    "POST /flow_runs/ work_pool_name": "refused: test_answers_like_prefect.py",
    "POST /deployments/ work_pool_name": "refused: test_answers_like_prefect.py",
    "PATCH /deployments/{} work_pool_name": "refused: test_answers_like_prefect.py",
    # These ask for something to happen; each has its own tests
    "POST /concurrency_limits/decrement *": "test_tag_limits.py",
    "POST /concurrency_limits/increment *": "test_tag_limits.py",
    "POST /concurrency_limits/tag/{}/reset *": "test_tag_limits.py",
    "POST /deployments/get_scheduled_flow_runs *": "test_deployments.py",
    "POST /deployments/{}/schedule *": "test_scheduling.py",
    "POST /flow_runs/{}/input *": "test_run_inputs.py",
    "POST /flow_runs/{}/resume *": "test_resume_flow_run.py",
    "POST /flow_runs/{}/set_state *": "test_set_flow_run_state.py",
    "POST /task_runs/{}/set_state *": "test_task_runs.py",
    "POST /v2/concurrency_limits/decrement slots": "test_concurrency_limits.py",
    "POST /v2/concurrency_limits/decrement names": "test_concurrency_limits.py",
    "POST /v2/concurrency_limits/decrement-with-lease *": "test_concurrency_limits.py",
    "POST /v2/concurrency_limits/increment slots": "test_concurrency_limits.py",
    "POST /v2/concurrency_limits/increment names": "test_concurrency_limits.py",
    "POST /v2/concurrency_limits/increment mode": "test_concurrency_limits.py",
    "POST /v2/concurrency_limits/increment-with-lease *": "test_concurrency_limits.py",
    "POST /v2/concurrency_limits/leases/{}/renew *": "test_concurrency_limits.py",
    "PATCH /variables/name/{} *": "as by id",
    "PUT /admin/storage *": "test_result_storage.py",
    "POST /ui/schemas/validate *": "test_schema_trials.py",
}
_SELECTIONS = ("/filter", "/count", "/paginate")  # see test_answers_like_prefect.py


def list_fields() -> Iterator[tuple[str, str]]:
    """Yield each field of a body that makes, changes or asks for something, with its operation."""
    served = read_our_outline()["operations"]
    for name, theirs in THEIRS["operations"].items():
        schema = THEIRS["schemas"].get(theirs["request"])
        is_selection = name.endswith(_SELECTIONS)
        if anonymous(name) in served and isinstance(schema, dict) and not is_selection:
            yield from ((name, field.removesuffix("!")) for field in schema)


def find_elsewhere(operation: str, field: str) -> str | None:
    given = (f"{operation} {field}", f"{operation} *")
    return next((entry for entry in given if entry in SEEN_ELSEWHERE), None)


@pytest.fixture
def talk(api: Api) -> Conversation:
    conversation = Conversation(api.request)
    for name, request, body in WORLD:
        assert conversation.put(Call(name, request, body))["status"] == 201, name
    schedules = [{"schedule": {"interval": 60}}]
    answer = api.post(f"/deployments/{conversation.ids['planned']}/schedules", schedules)
    conversation.ids["schedule"] = json.loads(answer.content)[0]["id"]
    return conversation


def test_every_field_is_read_back_or_named(talk: Conversation) -> None:
    bodies = {anonymous(name.replace("<", "{").replace(">", "}")): name for name in BODIES}
    lost, elsewhere, unused = set(), set(), set()
    for theirs, field in list_fields():
        operation = anonymous(theirs)
        if entry := find_elsewhere(operation, field):
            elsewhere.add(entry)
        elif operation not in bodies or not is_read_back(talk, bodies[operation], operation, field):
            lost.add(f"{operation} {field}")
            unused.add(find_unused(operation, field))
    assert {place for place in lost if find_unused(*place.rsplit(" ", 1)) is None} == set()
    assert elsewhere == set(SEEN_ELSEWHERE), "no longer Prefect's"
    assert unused == set(WITHOUT_EFFECT), "has an effect by now: take it out of left_out.py"


def is_read_back(talk: Conversation, request: str, operation: str, field: str) -> bool:
    body = BODIES[request]
    sent = fill(body.needed | {field: (VALUES | body.values)[field]})
    made = talk.put(Call(f"{operation} {field}", request, sent, ("",)))
    assert made["status"] in {200, 201, 204}, (operation, field, made)
    shown = talk.put(Call("read", body.read, None, ("",))) if body.read else made
    found: Json = shown[""]
    if "schedules/{}" in operation:
        found = found["schedules"][0]
    for part in SHOWN_AS.get(f"{operation} {field}", field).split("."):
        found = (found or {}).get(part)
    return holds(found, talk.name_ids(json.loads(talk.fill(json.dumps(sent[field])))))


def holds(found: Any, sent: Any) -> bool:
    """Whether what was sent is there, maybe in another order and with more beside it."""
    if isinstance(sent, dict):
        return isinstance(found, dict) and all(
            value is None or holds(found.get(name), value) for name, value in sent.items()
        )
    if isinstance(sent, list):
        return isinstance(found, list) and all(any(holds(f, s) for f in found) for s in sent)
    if isinstance(sent, str) and isinstance(found, str) and sent.endswith("Z"):
        return datetime.fromisoformat(found) == datetime.fromisoformat(sent)
    return bool(found == sent)


def test_parts_have_all_fields_that_prefect_knows() -> None:
    for name, part in PARTS.items():
        known = {field.removesuffix("!") for field in THEIRS["schemas"][name]}
        assert set(part) == known, name
