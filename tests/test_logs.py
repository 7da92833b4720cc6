"""The report of a failed test shows what the processes beside it printed meanwhile."""

from pathlib import Path

from tests.logs import begin_logs, follow_log, read_logs


def shown(log: Path) -> list[str]:
    return [text for title, text in read_logs() if title == f"Log of the server, {log}"]


def test_what_was_written_before_is_left_out(tmp_path: Path) -> None:
    log = follow_log(tmp_path / "server.log", "the server")
    log.write_text("started\n")
    begin_logs()
    assert shown(log) == []
    with log.open("a") as output:
        output.write("Traceback\n")
    assert shown(log) == ["Traceback"]


def test_a_log_that_is_begun_by_the_test_is_shown_from_its_beginning(tmp_path: Path) -> None:
    begin_logs()
    log = follow_log(tmp_path / "server.log", "the server")
    log.write_text("started\n")
    assert shown(log) == ["started"]


def test_a_log_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    log = follow_log(tmp_path / "server.log", "the server")
    log.write_text("started\n")
    log.unlink()
    assert shown(log) == []
    begin_logs()
    log.write_text("of somebody else\n")
    assert shown(log) == []


def test_of_a_long_log_the_end_is_shown(tmp_path: Path) -> None:
    log = follow_log(tmp_path / "server.log", "the server")
    log.write_text("chatter\n" * 10_000 + "the cause\n")
    [text] = shown(log)
    assert len(text) <= 20_000
    assert text.endswith("the cause")
