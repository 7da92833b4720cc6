"""A desk in several processes with its loops beside it, each of which can die at any moment."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from tests.forking import fork_command, fork_python
from tests.logs import follow_log
from tests.network import Network, network
from tests.postgres import PostgreSQL, create_migrated_database, stoppable_postgresql
from tests.servers import ROOT, ApprovalsServer
from tests.servers import Process as AnyProcess

PASSWORD = "correct horse battery"
_LET_IN = """
from django.contrib.auth.models import Group, User
from flowruns.services.api_keys import create_api_key
finance = Group.objects.get_or_create(name="finance")[0]
for name in {people!r}:
    User.objects.create_user(name, password={password!r}).groups.add(finance)
for name in {programs!r}:
    print(create_api_key(name, scopes=["flows", "resume"]))
"""


@dataclass(kw_only=True)
class Process:
    """A process beside the servers that can be killed and started again."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    _process: AnyProcess | None = None

    def start(self) -> None:
        with follow_log(self.log, self.name).open("ab") as log:
            self._process = self._begin(log)

    def _begin(self, log: IO[bytes]) -> AnyProcess:
        if "LD_PRELOAD" in self.environment:  # that of a fork has begun long before
            return subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        match self.command:
            case [_, "manage.py", *arguments]:
                return fork_command(arguments, self.environment, output=(log, log))
            case _:
                return fork_python(self.command, self.environment, output=log, in_new_session=True)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it like a power cut (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait(self, seconds: float) -> int:
        """Wait for its own end, and return its exit code."""
        assert self._process is not None
        return self._process.wait(seconds)


@dataclass(kw_only=True)
class Desk:
    """Servers that share a database, by way of one network, and a worker with the loops."""

    folder: Path
    servers: list[ApprovalsServer]
    net: Network
    work: Process
    database: PostgreSQL | None
    _more: list[Process] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of all servers, which reaches one that is there."""
        return self.net.url

    @property
    def api_url(self) -> str:
        return f"{self.url}/api"

    @property
    def is_closing(self) -> bool:
        """Whether nobody is to begin anything new."""
        return (self.folder / "stop").exists()

    @property
    def first(self) -> ApprovalsServer:
        return self.servers[0]

    def make_process(self, name: str, *command: str, **environment: str) -> Process:
        """Return a process of flows that use this desk, which it does not outlive."""
        process = Process(
            name=name,
            command=[sys.executable, *command],
            environment=self.first.flow_environment
            | {"FLOWRUNS_API_URL": self.api_url}
            | environment,
            log=self.folder / f"{name}.log",
        )
        self._more.append(process)
        return process

    def let_in(self, people: Sequence[str], programs: Sequence[str]) -> dict[str, str]:
        """Let people of the group finance log in, and return the API keys of programs by name."""
        given = {"people": people, "programs": programs, "password": PASSWORD}
        printed = self.first.manage("shell", "--command", _LET_IN.format(**given))
        keys = [line for line in printed.splitlines() if line.startswith("fr_")]
        return dict(zip(programs, keys, strict=True))

    def clear(self) -> None:
        for process in (*self._more, self.work):
            process.kill()
        for server in self.servers:
            if server.is_running:
                server.kill()
        _kill_orphans(self.folder)


def _kill_orphans(folder: Path) -> None:
    """Kill the runs that outlived the process which served them, known by their environment."""
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if os.fsencode(folder) in environment.read_bytes():
                os.kill(int(environment.parent.name), signal.SIGKILL)


@contextmanager
def sqlite_desk(**environment: str) -> Iterator[Desk]:
    """Run one server and its loops on SQLite."""
    with _desk(1, environment, database=None) as desk:
        yield desk


@contextmanager
def postgresql_desk(
    number: int = 3, of_database: Mapping[str, str] | None = None, **environment: str
) -> Iterator[Desk]:
    """Run so many servers and one process of loops on a PostgreSQL server of their own.

    `of_database` adds variables to those of PostgreSQL's processes.
    """
    with stoppable_postgresql(**(of_database or {})) as database:
        environment |= {"DATABASE_URL": create_migrated_database(database.url)}
        with _desk(number, environment, database=database) as desk:
            yield desk


@contextmanager
def _desk(
    number: int, environment: dict[str, str], *, database: PostgreSQL | None
) -> Iterator[Desk]:
    with TemporaryDirectory(prefix="approvals-faults-") as name, ExitStack() as stack:
        folder = Path(name)
        servers = [
            ApprovalsServer(
                home=folder / "home",
                options=("--no-background",),
                environment=environment,
                is_command="LD_PRELOAD" in environment,  # the clock is wrong for a whole process
            )
            for _ in range(number)
        ]
        work = Process(
            name="work",
            command=[sys.executable, "manage.py", "work"],
            environment=servers[0].full_environment,
            log=folder / "work.log",
        )
        net = stack.enter_context(network(*(server.port for server in servers)))
        desk = Desk(folder=folder, servers=servers, net=net, work=work, database=database)
        stack.callback(desk.clear)
        # The first one makes the tables, without which the others would wait for it
        servers[0].start()
        with ThreadPoolExecutor() as pool:
            list(pool.map(ApprovalsServer.start, servers[1:]))
        work.start()
        yield desk
