"""A command that cannot use the database says why in one sentence, and what to do."""

import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.environments import clean_environment
from tests.forking import fork_command
from tests.postgres import create_database
from tests.servers import free_port


def manage(home: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = clean_environment() | {"APPROVALS_HOME": str(home)} | environment
    done = fork_command(command, variables)
    return subprocess.CompletedProcess(command, done.wait(), *done.communicate())


def test_a_server_that_cannot_be_reached_is_told_with_its_reason(tmp_path: Path) -> None:
    url = f"postgresql://shop@127.0.0.1:{free_port()}/approvals"
    told = manage(tmp_path, "listservers", DATABASE_URL=url)
    assert told.returncode == 1
    assert told.stderr.startswith("The database cannot be used: connection failed:")
    assert "Connection refused" in told.stderr
    assert told.stderr.count("\n") == 1
    assert "Connection refused" in manage(tmp_path, "doctor", DATABASE_URL=url).stdout


def test_a_database_without_tables_is_told_how_to_get_them(tmp_path: Path) -> None:
    told = manage(tmp_path, "createapikey", "etl")
    assert told.returncode == 1
    expected = "The database lacks tables of this release. Run `migrate` or `serve` first.\n"
    assert told.stderr == expected
    assert "Traceback" in manage(tmp_path, "createapikey", "etl", "--traceback").stderr


@pytest.mark.parametrize("command", ["migrate", "serve"])
def test_a_user_who_may_make_no_tables_is_told_how_to_let_them(
    command: str, tmp_path: Path, postgresql: str
) -> None:
    url = create_database(postgresql)
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS shop")
        connection.execute("CREATE ROLE shop LOGIN")
    told = manage(tmp_path, command, DATABASE_URL=url.replace("postgres:@", "shop@"))
    assert told.returncode == 1
    assert "permission denied for schema public" in told.stderr
    assert f"ALTER DATABASE {name} OWNER TO shop" in told.stderr
    assert "Traceback" not in told.stderr
