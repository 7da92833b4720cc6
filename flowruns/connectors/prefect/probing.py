"""Whether a Prefect server answers to what opens it, and how far its clock is from ours."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from flowruns.connectors.prefect.client import Client
from flowruns.connectors.prefect.errors import RemoteFault
from flowruns.connectors.prefect.outcomes import Answer, Probe

# The header `Date` has whole seconds, so a smaller difference may be none.
_SMALLEST_OFFSET = 2.0
_HALF_A_SECOND = timedelta(seconds=0.5)


def probe(client: Client) -> Probe:
    """Ask what only those may know who have the credentials; raises `RemoteTrouble`."""
    asked = datetime.now(UTC)
    answer = client.probe()
    answered = datetime.now(UTC)
    return Probe(
        version=_read_version(client, answer),
        clock_offset=_read_offset(answer, asked + (answered - asked) / 2),
    )


def _read_version(client: Client, answer: Answer) -> str:
    """Return the version; in the cloud, which tells none, the workspaces are answered."""
    if answer.status == 200 and client.address.is_cloud and isinstance(answer.body, list):
        return "cloud"
    if answer.status == 200 and isinstance(answer.body, str):
        return answer.body
    raise RemoteFault("What answers there is not the API of a Prefect server: check the address.")


def _read_offset(answer: Answer, moment: datetime) -> float:
    try:
        there = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC) + _HALF_A_SECOND
    except (KeyError, ValueError, TypeError):
        return 0.0
    offset = (there - moment).total_seconds()
    return offset if abs(offset) >= _SMALLEST_OFFSET else 0.0
