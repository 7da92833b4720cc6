"""Who holds the other end of a connection on this machine."""

import os
import socket
import sys
from pathlib import Path

import pytest

from flowruns.sockets import same_user
from flowruns.sockets.same_user import belongs_to_our_user

LINUX = sys.platform == "linux"


def test_our_own_connection_is_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as client, server.accept()[0]:
            assert belongs_to_our_user(client.getsockname(), address) is LINUX
            assert not belongs_to_our_user(("127.0.0.1", 1), address)


def test_addresses_of_version_6_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "tcp6"
    loopback = "000000000000000000000000" + f"{int.from_bytes(b'\0\0\0\1', sys.byteorder):08X}"
    table.write_text(f"head\n 0: {loopback}:1388 {loopback}:1F40 01 0:0 00:0 0 {os.getuid()} 0 1\n")
    monkeypatch.setattr(same_user, "_TABLES", {6: table})
    assert belongs_to_our_user(("::1", 5000), ("::1", 8000))


def test_another_users_connection_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "tcp"
    line = "  0: 0100007F:{:04X} 0100007F:1F40 01 00000000:00000000 00:00000000 00000000 {} 0 1\n"
    own, other = line.format(5000, os.getuid()), line.format(5001, os.getuid() + 1)
    table.write_text("head\n" + own + other)
    monkeypatch.setattr(same_user, "_TABLES", {4: table})
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
