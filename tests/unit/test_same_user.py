"""Who holds the other end of a connection on this machine."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flowruns.web.sockets import same_user
from flowruns.web.sockets.same_user import Address, belongs_to_our_user

LINUX = sys.platform == "linux"
OURS = 4711
CONNECT = """
import os, socket, sys
os.setuid(int(sys.argv[2]))
client = socket.socket()
client.connect(("127.0.0.1", int(sys.argv[1])))
print(client.getsockname()[1], flush=True)
sys.stdin.readline()
"""
LINE = "  0: 0100007F:{:04X} 0100007F:1F40 {} 00000000:00000000 00:00000000 00000000 {} 0 {}\n"


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> int:
    """The user of this server: anybody but root."""
    ours = os.getuid() or OURS
    monkeypatch.setattr(same_user, "getuid", lambda: ours)
    return ours


@contextmanager
def connection_of(user: int, port: int) -> Iterator[tuple[subprocess.Popen[str], Address]]:
    """Connect to a port in a process of that user."""
    process = subprocess.Popen(
        [sys.executable, "-c", CONNECT, str(port), str(user)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, ("127.0.0.1", int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


def write_table(path: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    path.write_text("head\n" + "".join(lines))
    monkeypatch.setattr(same_user, "_TABLES", {4: path})


def test_a_connection_of_our_user_is_ours_while_its_process_lives(user: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with connection_of(user, address[1]) as (process, client), server.accept()[0]:
            assert belongs_to_our_user(client, address) is LINUX
            assert not belongs_to_our_user(("127.0.0.1", 1), address)
            process.kill()
            process.wait()
            assert not belongs_to_our_user(client, address)


def test_nothing_is_roots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What nobody holds any more is root's in the table, whoever it was of."""
    monkeypatch.setattr(same_user, "getuid", lambda: 0)
    write_table(tmp_path / "tcp", monkeypatch, LINE.format(5000, "01", 0, 7))
    assert not belongs_to_our_user(("127.0.0.1", 5000), ("127.0.0.1", 8000))


@pytest.mark.parametrize(("state", "inode"), [("01", 0), ("05", 7), ("06", 0), ("08", 7)])
def test_what_nobody_holds_open_is_nobodys(
    state: str, inode: int, user: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_table(tmp_path / "tcp", monkeypatch, LINE.format(5000, state, user, inode))
    assert not belongs_to_our_user(("127.0.0.1", 5000), ("127.0.0.1", 8000))


def test_addresses_of_version_6_are_found(
    user: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "tcp6"
    loopback = "000000000000000000000000" + f"{int.from_bytes(b'\0\0\0\1', sys.byteorder):08X}"
    table.write_text(f"head\n 0: {loopback}:1388 {loopback}:1F40 01 0:0 00:0 0 {user} 0 1\n")
    monkeypatch.setattr(same_user, "_TABLES", {6: table})
    assert belongs_to_our_user(("::1", 5000), ("::1", 8000))


def test_another_users_connection_is_not(
    user: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = LINE.format(5000, "01", user, 7), LINE.format(5001, "01", user + 1, 8)
    write_table(tmp_path / "tcp", monkeypatch, own, other)
    assert belongs_to_our_user(("127.0.0.1", 5000), ("127.0.0.1", 8000))
    assert not belongs_to_our_user(("127.0.0.1", 5001), ("127.0.0.1", 8000))


def test_nobody_from_elsewhere_is_ours() -> None:
    assert not belongs_to_our_user(("192.0.2.1", 5000), ("192.0.2.2", 8000))
    assert not belongs_to_our_user(None, ("127.0.0.1", 8000))
    assert not belongs_to_our_user(("127.0.0.1", 5000), None)


def test_where_the_system_does_not_say_nobody_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_user, "_TABLES", {4: tmp_path / "none"})
    assert not belongs_to_our_user(("127.0.0.1", 5000), ("127.0.0.1", 8000))
