"""Processes that serve flows, and a client that looks at what they do."""

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowruns import get_client
from flowruns.sdk.calls.client import SyncFlowRunsClient
from flowruns.sdk.config import Config, override_config
from tests.acceptance.waiting import PATIENCE_SECONDS, eventually
from tests.forking import fork_python
from tests.logs import follow_log, show_log
from tests.servers import ApprovalsServer, PrefectServer

type Server = ApprovalsServer | PrefectServer


@contextmanager
def client_of(server: Server) -> Iterator[SyncFlowRunsClient]:
    """Connect to `server`; the SDK's functions in this process use it too, meanwhile."""
    key = server.api_key if isinstance(server, ApprovalsServer) else None
    previous = override_config(Config(api_url=server.api_url, api_key=key))
    try:
        with get_client(sync_client=True) as client:
            yield client
    finally:
        override_config(previous)


@contextmanager
def serving(
    server: Server, file: Path, *arguments: str, last: str, **settings: str
) -> Iterator[None]:
    """Run `file`, which serves flows, until the block ends; `last` is its last deployment."""
    with tempfile.NamedTemporaryFile() as output:
        process = fork_python(
            [sys.executable, file, *arguments],
            server.flow_environment | {"FLOWRUNS_SERVE_POLL_SECONDS": "0.5"} | settings,
            output=output,
        )
        log = follow_log(Path(output.name), f"{file.name}, which serves")

        def serves() -> bool:
            assert process.poll() is None, log.read_text()
            return f"Serving '{last}'" in log.read_text()

        try:
            eventually(serves, f"{last} is served")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)
            show_log(file.name, log.read_text())
