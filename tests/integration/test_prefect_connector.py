"""A connector to a Prefect server that misbehaves: what was asked, and what became of it."""

import json
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from flowruns.connectors.prefect.client import close_clients
from flowruns.connectors.prefect.connector import PrefectConnector
from flowruns.connectors.prefect.errors import (
    Busy,
    RemoteFault,
    RemoteTrouble,
    Unauthorized,
    Unconfirmed,
    UnknownVersion,
    Unreachable,
)
from flowruns.connectors.prefect.outcomes import (
    Claimed,
    Continued,
    Ended,
    Moved,
    MovedOn,
    TakenBy,
)
from flowruns.domain.errors import FlowRunNotFound
from flowruns.domain.states import StateType
from flowruns.models import RemoteServer
from flowruns.services.servers import Credentials, CredentialsKind, lock_credentials, lock_headers
from tests.fake_prefect import FakePrefect, Fault

YES = '{"approve": true}'
OURS, THEIRS = "approvals:a:1:alice", "approvals:b:1:bob"


@pytest.fixture(scope="module")
def running() -> Iterator[FakePrefect]:
    with FakePrefect().running() as running:
        yield running


@pytest.fixture
def theirs(running: FakePrefect) -> Iterator[FakePrefect]:
    """A Prefect server that nobody has asked before."""
    running.forget()
    yield running
    close_clients()


@pytest.fixture
def desk(theirs: FakePrefect) -> PrefectConnector:
    return connect_to(theirs)


def connect_to(theirs: FakePrefect, **fields: object) -> PrefectConnector:
    """Return a connector to it, as one who found its version."""
    given = {"name": "theirs", "url": theirs.url, "version": theirs.version} | fields
    return PrefectConnector(RemoteServer(**given))


def pause(theirs: FakePrefect, **fields: object) -> tuple[UUID, UUID]:
    run_id, state_id = theirs.pause(**fields)  # type: ignore[arg-type]
    return UUID(run_id), UUID(state_id)


# Reaching it


def test_a_probe_tells_version_and_clock(desk: PrefectConnector) -> None:
    probe = desk.probe()
    assert (probe.version, probe.clock_offset) == ("3.8.8", 0)


def test_a_clock_that_is_ahead_is_noticed(theirs: FakePrefect, desk: PrefectConnector) -> None:
    theirs.clock_ahead = timedelta(minutes=10)
    assert 598 < desk.probe().clock_offset < 602


def test_a_server_that_is_not_there_got_nothing() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/api"
        desk = PrefectConnector(RemoteServer(name="gone", url=url, version="3.8.8"))
        with pytest.raises(Unreachable, match="cannot be reached"):
            desk.probe()


def test_what_is_no_prefect_server_is_told_apart(theirs: FakePrefect) -> None:
    elsewhere = connect_to(theirs, url=theirs.url.removesuffix("/api"))
    with pytest.raises(RemoteFault, match="check the address"):
        elsewhere.probe()
    with pytest.raises(RemoteFault):  # a run is not gone because an address is wrong
        elsewhere.read_flow_run(uuid4())


def test_an_auth_string_is_sent_as_prefect_wants_it(theirs: FakePrefect) -> None:
    theirs.auth = f"Basic {b64encode(b'desk:secret').decode()}"
    desk = connect_to(theirs, credentials=lock(CredentialsKind.BASIC, "desk:secret"))
    assert desk.probe().version == "3.8.8"
    with pytest.raises(Unauthorized):
        connect_to(theirs).probe()


def lock(kind: CredentialsKind, secret: str) -> str:
    return lock_credentials(Credentials(kind=kind, secret=secret))


def test_a_cloud_workspace_gets_a_bearer_key_on_both_ways(theirs: FakePrefect) -> None:
    theirs.auth, theirs.prefix = "Bearer pnu_1", "/api/accounts/a/workspaces/w"
    credentials = lock(CredentialsKind.BEARER, "pnu_1")
    desk = connect_to(theirs, kind="cloud", version="", credentials=credentials)
    assert desk.probe().version == "cloud"
    assert desk.can_answer
    assert theirs.requests == ["GET /api/me/workspaces"]
    assert next(desk.watch(since=datetime.now(UTC), stopped=lambda: False)) is None
    assert theirs.said[0] == {"type": "auth", "token": "pnu_1"}


def test_the_cloud_is_not_asked_more_often_than_its_budget(theirs: FakePrefect) -> None:
    desk = connect_to(theirs, kind="cloud")
    run_id, pause_id = pause(theirs)
    for _ in range(50):
        desk.read_flow_run(run_id)
    with pytest.raises(Busy) as busy:
        desk.read_flow_run(run_id)
    assert len(theirs.requests) == 50
    assert 50 < busy.value.retry_after <= 60
    claim = desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    assert claim == Claimed()  # some is kept for answers


def test_who_is_asked_to_wait_does_not_ask_before(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, _ = pause(theirs)
    theirs.faults = [Fault("GET /flow_runs", 429, {"Retry-After": "30"})]
    for _ in range(2):
        with pytest.raises(Busy) as busy:
            desk.read_flow_run(run_id)
        assert 29 < busy.value.retry_after <= 30
    assert len(theirs.requests) == 1


def test_a_ca_file_is_trusted_on_both_ways_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    file.write_bytes(make_certificate())
    with FakePrefect().running(certificate=str(file)) as theirs:
        desk = connect_to(theirs, ca_file=str(file))
        assert desk.probe().version == "3.8.8"
        assert next(desk.watch(since=datetime.now(UTC), stopped=lambda: False)) is None
        stranger = connect_to(theirs)
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            stranger.probe()
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            next(stranger.watch(since=datetime.now(UTC), stopped=lambda: False))
    close_clients()


def make_certificate() -> bytes:
    """Return a certificate of this machine that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return made.public_bytes(pem) + key.private_bytes(pem, kind, plain)


def test_own_headers_go_with_requests_and_the_stream(theirs: FakePrefect) -> None:
    desk = connect_to(theirs, headers=lock_headers({"X-Proxy": "lets us in"}))
    desk.probe()
    next(desk.watch(since=datetime.now(UTC), stopped=lambda: False))
    assert theirs.headers[0]["x-proxy"] == theirs.socket_headers["x-proxy"] == "lets us in"


def test_csrf_protection_may_be_switched_on_meanwhile(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    for theirs.csrf_token in ("", "one", "two"):
        run_id, pause_id = pause(theirs)
        claim = desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
        assert claim == Claimed()


def test_a_server_with_other_rules_is_read_and_not_answered(theirs: FakePrefect) -> None:
    run_id, pause_id = pause(theirs)
    for version in ("2.20.3", "3.3.9", "4.0.0", ""):
        desk = connect_to(theirs, version=version)
        assert desk.read_flow_run(run_id).id == run_id
        with pytest.raises(UnknownVersion):
            desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    assert theirs.answer_of(str(run_id)) is None


def test_a_read_whose_connection_broke_is_made_once_more(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, _ = pause(theirs)
    theirs.faults = [Fault("GET /flow_runs")]
    assert desk.read_flow_run(run_id).id == run_id
    theirs.faults = [Fault("GET /flow_runs"), Fault("GET /flow_runs")]
    with pytest.raises(Unconfirmed):
        desk.read_flow_run(run_id)


# Which runs wait


def test_a_walk_sees_each_run_once_though_some_leave(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    ids = [pause(theirs)[0] for _ in range(450)]
    seen = []
    for number, page in enumerate(desk.walk()):
        seen += [run.id for run in page]
        theirs.put(str(ids[number]), "RUNNING")  # one that was read already
    assert seen == ids


def test_a_walk_passes_a_crowd_that_starts_at_one_time(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    moment = "2026-02-01T00:00:00+00:00"
    crowd = {pause(theirs, expected_start_time=moment)[0] for _ in range(500)}
    last, _ = pause(theirs, expected_start_time="2026-02-02T00:00:00+00:00")
    seen = [run.id for page in desk.walk() for run in page]
    assert len(seen) == 501
    assert set(seen) == crowd | {last}


def test_a_walk_ends_where_the_server_repeats_itself(
    theirs: FakePrefect, desk: PrefectConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = "2026-02-01T00:00:00+00:00"
    for _ in range(200):
        pause(theirs, expected_start_time=moment)
    monkeypatch.setattr(theirs, "_find", lambda _: list(theirs.runs.values()))
    with pytest.raises(RemoteFault, match="again and again"):
        list(desk.walk())


def test_an_odd_run_is_left_out_alone(theirs: FakePrefect, desk: PrefectConnector) -> None:
    good, _ = pause(theirs)
    odd, _ = pause(theirs)
    theirs.runs[str(odd)]["state"] |= {"type": "NAPPING"}
    assert [run.id for page in desk.walk() for run in page] == [good]


def test_only_runs_with_one_of_the_tags_are_shown(theirs: FakePrefect) -> None:
    pause(theirs)
    tagged, _ = pause(theirs, tags=["desk", "x"])
    desk = connect_to(theirs, tags=["desk", "office"])
    assert [run.id for page in desk.walk() for run in page] == [tagged]
    assert [run.id for run in desk.find_changes([]).new] == [tagged]


def test_changes_tell_new_ended_and_deleted_runs(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    known = [pause(theirs)[0] for _ in range(5)]
    theirs.put(str(known[1]), "RUNNING")
    del theirs.runs[str(known[2])]
    new, _ = pause(theirs)
    changes = desk.find_changes(known)
    assert [run.id for run in changes.new] == [new]
    assert (changes.ended, changes.gone) == ([known[1]], [known[2]])


# What a pause asks


def test_the_question_may_come_after_the_pause(theirs: FakePrefect, desk: PrefectConnector) -> None:
    run_id, _ = pause(theirs)
    schema = theirs.inputs.pop((str(run_id), "paused-1-schema"))
    run = desk.read_flow_run(run_id)
    finds: list[str] = []

    def arrive(request: str) -> None:
        finds.append(request)
        if len(finds) == 3:
            theirs.inputs[str(run_id), "paused-1-schema"] = schema

    theirs.before = arrive
    form = desk.read_pause(run)
    assert form is not None
    assert form.schema == schema["value"]


def test_what_its_author_says_of_answers_is_read_with_the_question(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs)
    theirs.store(str(run_id), "paused-1-policy", "@finance")
    theirs.store(str(run_id), "paused-1-description", json.dumps("**Refund?**"))
    form = desk.read_pause_form(run_id, pause_id)
    assert (form.policy, form.description) == ("@finance", "**Refund?**")


def test_an_answer_is_checked_with_formats_and_all_problems(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs)
    bad = {"approve": "maybe", "until": "tomorrow"}
    checked = desk.check_answer(run_id, run_input=bad, pause_state_id=pause_id)
    assert {path for path, _ in checked.reply.problems} == {("approve",), ("until",)}
    good = {"approve": True, "until": "2026-02-03"}
    checked = desk.check_answer(run_id, run_input=good, pause_state_id=pause_id)
    assert checked.reply.accepted
    assert json.loads(checked.text) == good
    assert not any("input" in request and "filter" not in request for request in theirs.requests)


# Answering


@pytest.mark.parametrize("suspended", [False, True], ids=["paused", "suspended"])
def test_claim_and_move_give_the_flow_the_answer(
    theirs: FakePrefect, desk: PrefectConnector, suspended: bool
) -> None:
    run_id, pause_id = pause(theirs, suspended=suspended)
    claim = desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    assert claim == Claimed()
    assert isinstance(desk.move(run_id, pause_state_id=pause_id), Continued)
    key = "suspended-1-response" if suspended else "paused-1-response"
    assert theirs.answer_of(str(run_id), key) == YES
    state = theirs.runs[str(run_id)]["state"]
    expected = ("SCHEDULED", "Resuming") if suspended else ("RUNNING", "Running")
    assert (state["type"], state["name"]) == expected


def test_a_second_desk_hears_who_has_the_pause(theirs: FakePrefect, desk: PrefectConnector) -> None:
    run_id, pause_id = pause(theirs)
    desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    other = desk.claim(run_id, pause_state_id=pause_id, value="{}", sender=THEIRS)
    assert other == TakenBy(value=YES, sender=OURS)
    again = desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    assert again == Claimed()


def test_a_claim_after_our_own_move_says_that_the_answer_was_ours(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs)
    desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    desk.move(run_id, pause_state_id=pause_id)
    theirs.put(str(run_id), "COMPLETED")
    again = desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    assert isinstance(again, MovedOn)
    assert again.state is not None
    assert again.state.type is StateType.RUNNING  # how the pause ended, not where the run is
    assert again.response is not None
    assert again.response.sender == OURS


def test_a_claim_whose_reply_got_lost_is_found_again(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs)
    theirs.faults = [Fault(f"POST /flow_runs/{run_id}/input", takes_effect=True)]
    with pytest.raises(Unconfirmed):
        desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    response = desk.read_response(run_id, pause_id)
    assert response is not None
    assert response.sender == OURS
    assert desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS) == Claimed()


def test_a_write_is_never_sent_twice_by_itself(theirs: FakePrefect, desk: PrefectConnector) -> None:
    run_id, pause_id = pause(theirs)
    call = f"POST /flow_runs/{run_id}/resume"
    theirs.faults = [Fault(call)]
    with pytest.raises(Unconfirmed):
        desk.resume(run_id, pause_state_id=pause_id, value=YES)
    assert theirs.requests.count(call) == 1


def test_no_step_touches_the_next_pause(theirs: FakePrefect, desk: PrefectConnector) -> None:
    run_id, pause_id = pause(theirs)
    theirs.put(str(run_id), "RUNNING")
    theirs.put(str(run_id), "PAUSED", name="Paused")
    for moved in (
        desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS),
        desk.move(run_id, pause_state_id=pause_id),
        desk.resume(run_id, pause_state_id=pause_id, value=YES),
        desk.end(run_id, pause_state_id=pause_id, reviewer="bob", reason="no"),
    ):
        assert isinstance(moved, MovedOn)
        assert moved.state is not None
        assert moved.state.type is StateType.RUNNING
    assert theirs.kinds_of(str(run_id)) == ["PAUSED", "RUNNING", "PAUSED"]


def test_an_answer_that_loses_the_race_to_move_is_told_how_it_ended(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs)

    def cancel(request: str) -> None:
        if request.endswith("/set_state") and len(theirs.states[str(run_id)]) == 1:
            theirs.put(str(run_id), "CANCELLED")

    theirs.before = cancel
    moved = desk.move(run_id, pause_state_id=pause_id)
    assert isinstance(moved, MovedOn)
    assert moved.state is not None
    assert moved.state.type is StateType.CANCELLED


def test_only_our_own_claim_is_released(theirs: FakePrefect, desk: PrefectConnector) -> None:
    run_id, pause_id = pause(theirs)
    desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=THEIRS)
    desk.release(run_id, pause_state_id=pause_id, sender=OURS)
    assert theirs.answer_of(str(run_id)) == YES
    desk.release(run_id, pause_state_id=pause_id, sender=THEIRS)
    assert theirs.answer_of(str(run_id)) is None


def test_a_pause_that_asks_nothing_has_a_lock_between_desks(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs, asks=False)
    assert desk.claim(run_id, pause_state_id=pause_id, value="{}", sender=OURS) == Claimed()
    other = desk.claim(run_id, pause_state_id=pause_id, value="{}", sender=THEIRS)
    assert isinstance(other, TakenBy)
    assert isinstance(desk.move(run_id, pause_state_id=pause_id), Continued)


def test_resume_sends_the_answer_literally(theirs: FakePrefect, desk: PrefectConnector) -> None:
    run_id, pause_id = pause(theirs)
    odd = '{"approve": {"__prefect_kind": "jinja"}}'
    assert isinstance(desk.resume(run_id, pause_state_id=pause_id, value=odd), Continued)
    assert theirs.answer_of(str(run_id)) == odd


@pytest.mark.parametrize("step", ["claim", "move", "resume", "end"])
def test_a_deleted_run_is_gone_at_each_step(
    theirs: FakePrefect, desk: PrefectConnector, step: str
) -> None:
    run_id, pause_id = pause(theirs)

    def delete(request: str) -> None:
        if request.startswith("POST") and not request.endswith("/filter"):
            theirs.runs.pop(str(run_id), None)

    theirs.before = delete
    asked = {
        "claim": {"value": YES, "sender": OURS},
        "move": {},
        "resume": {"value": YES},
        "end": {"reviewer": "bob", "reason": "no"},
    }[step]
    with pytest.raises(FlowRunNotFound):
        getattr(desk, step)(run_id, pause_state_id=pause_id, **asked)


@pytest.mark.parametrize(
    ("status", "trouble"), [(503, Busy), (500, RemoteFault), (401, Unauthorized)]
)
def test_what_the_server_refuses_leaves_no_claim(
    theirs: FakePrefect, desk: PrefectConnector, status: int, trouble: type[RemoteTrouble]
) -> None:
    run_id, pause_id = pause(theirs)
    theirs.faults = [Fault(f"POST /flow_runs/{run_id}/input", status)]
    with pytest.raises(trouble):
        desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    assert desk.read_response(run_id, pause_id) is None


# Rejecting


def reject(desk: PrefectConnector, run_id: UUID, pause_id: UUID) -> object:
    return desk.end(run_id, pause_state_id=pause_id, reviewer="bob", reason="too much")


@pytest.mark.parametrize(
    ("version", "status", "suspended", "kind"),
    [
        ("3.8.8", "READY", False, "CANCELLING"),
        ("3.8.8", "READY", True, "CANCELLED"),
        ("3.8.8", "NOT_READY", False, "CANCELLED"),
        ("3.8.7", "READY", False, "CANCELLED"),
        ("3.4.25", "READY", False, "CANCELLED"),
    ],
)
def test_a_rejection_ends_the_run_as_far_as_its_server_can(
    theirs: FakePrefect, version: str, status: str, suspended: bool, kind: str
) -> None:
    deployment_id = str(uuid4())
    theirs.deployments[deployment_id] = {"name": "desk", "status": status, "paused": False}
    run_id, pause_id = pause(theirs, suspended=suspended, deployment_id=deployment_id)
    desk = connect_to(theirs, version=version)
    ended = reject(desk, run_id, pause_id)
    assert isinstance(ended, Ended)
    assert ended.is_final == (kind == "CANCELLED")
    state = theirs.runs[str(run_id)]["state"]
    assert (state["type"], state["message"]) == (kind, "Rejected by bob: too much")


def test_a_suspended_run_that_nothing_can_bring_back_ends_without_our_words(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs, suspended=True)
    ended = reject(desk, run_id, pause_id)
    assert isinstance(ended, Ended)
    assert ended.is_final
    assert theirs.kinds_of(str(run_id)) == ["PAUSED", "CANCELLED"]


def test_a_process_that_does_not_end_is_cancelled_after_a_minute(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    deployment_id = str(uuid4())
    theirs.deployments[deployment_id] = {"name": "desk", "status": "READY"}
    run_id, pause_id = pause(theirs, deployment_id=deployment_id)
    reject(desk, run_id, pause_id)
    assert not desk.finish_end(run_id, reviewer="bob", reason="too much").is_final
    theirs.runs[str(run_id)]["state"]["timestamp"] = "2026-01-01T00:00:00+00:00"
    assert desk.finish_end(run_id, reviewer="bob", reason="too much").is_final
    assert theirs.runs[str(run_id)]["state"]["name"] == "Rejected"


# The stream


def test_the_stream_tells_moves_by_their_type_whatever_their_name(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs)
    events = desk.watch(since=datetime.now(UTC), stopped=lambda: False)
    assert next(events) is None  # connected
    while not theirs._listeners:
        threading.Event().wait(0.01)
    theirs.runs[str(run_id)]["state"]["name"] = "Waiting for CFO"
    theirs._say("no JSON")
    theirs.tell(str(run_id))
    moves = [move for move in (next(events), next(events)) if move]
    assert [(m.flow_run_id, m.state_id, m.state_type) for m in moves] == [
        (run_id, pause_id, "PAUSED")
    ]
    assert isinstance(moves[0], Moved)
    assert theirs.said[1]["filter"]["occurred"]["until"] > "2098"
    theirs.hang_up()
    with pytest.raises(Unreachable):
        next(events)


def test_a_stream_that_refuses_us_says_so(theirs: FakePrefect) -> None:
    theirs.auth = "Bearer right"
    desk = connect_to(theirs, credentials=lock(CredentialsKind.BEARER, "wrong"))
    with pytest.raises(Unauthorized):
        next(desk.watch(since=datetime.now(UTC), stopped=lambda: False))
