"""What a connector reads of a Prefect server that misbehaves: reach, lists, questions, stream."""

import json
import logging
import socket
import threading
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

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
    Unauthorized,
    Unconfirmed,
    UnknownVersion,
    Unreachable,
)
from flowruns.connectors.prefect.outcomes import Claimed, Moved
from flowruns.models import RemoteServer
from flowruns.services.servers import CredentialsKind, lock_headers
from tests.fake_prefect import FakePrefect, Fault
from tests.integration.connecting import OURS, YES, connect_to, lock, pause

# Reaching it


def test_a_probe_tells_version_and_clock(desk: PrefectConnector) -> None:
    probe = desk.probe()
    assert (probe.version, probe.clock_offset) == ("3.9.1", 0)


def test_a_clock_that_is_ahead_is_noticed(theirs: FakePrefect, desk: PrefectConnector) -> None:
    theirs.clock_ahead = timedelta(minutes=10)
    assert 598 < desk.probe().clock_offset < 602


def test_a_server_that_is_not_there_got_nothing() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/api"
        desk = PrefectConnector(RemoteServer(name="gone", url=url, version="3.9.1"))
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
    assert desk.probe().version == "3.9.1"
    with pytest.raises(Unauthorized):
        connect_to(theirs).probe()


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


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ({"Retry-After": "30"}, 30),
        ({"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}, 3600),
        ({"Retry-After": "soon"}, 5),
        ({"Retry-After": "nan"}, 5),
        ({"Retry-After": "-1"}, 0.3),
        ({}, 5),
    ],
)
def test_a_limit_is_kept_in_whatever_way_it_is_told(
    theirs: FakePrefect, desk: PrefectConnector, told: dict[str, str], seconds: float
) -> None:
    theirs.faults = [Fault("GET /flow_runs", 429, told)]
    with pytest.raises(Busy) as busy:
        desk.read_flow_run(uuid4())
    assert busy.value.retry_after == seconds


def test_a_server_behind_a_log_in_page_is_told_as_such(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    theirs.faults = [Fault("GET /admin", 302, {"Location": "https://login.example.com/"})]
    with pytest.raises(RemoteFault, match="leads elsewhere: check the address"):
        desk.probe()
    assert theirs.requests == ["GET /admin/version"]


def test_a_ca_file_is_trusted_on_both_ways_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    file.write_bytes(make_certificate())
    with FakePrefect().running(certificate=str(file)) as theirs:
        desk = connect_to(theirs, ca_file=str(file))
        assert desk.probe().version == "3.9.1"
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
    assert ([run.id for run in changes.ended], changes.gone) == ([known[1]], [known[2]])


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


def test_no_log_holds_what_opens_a_server(
    theirs: FakePrefect, caplog: pytest.LogCaptureFixture
) -> None:
    """As with `LOG_LEVEL=DEBUG`."""
    theirs.auth = f"Basic {b64encode(b'desk:secret').decode()}"
    credentials = lock(CredentialsKind.BASIC, "desk:secret")
    headers = lock_headers({"X-Proxy": "lets-us-in"})
    desk = connect_to(theirs, credentials=credentials, headers=headers)
    with caplog.at_level(logging.DEBUG):
        desk.probe()
        next(desk.watch(since=datetime.now(UTC), stopped=lambda: False))
    assert caplog.text
    for secret in ("secret", "lets-us-in", theirs.auth.removeprefix("Basic ")):
        assert secret not in caplog.text
