"""What a server answered, read item by item: an odd one is left out, not the page it is on."""

import logging
from typing import Any

from pydantic import ValidationError

from flowruns.connectors.prefect.errors import RemoteFault
from flowruns.domain.texts import readable
from flowruns.wire import Wire

_log = logging.getLogger(__name__)


def parse[Item: Wire](kind: type[Item], found: Any) -> Item:
    """Return one thing; raises `RemoteFault` for what it cannot be."""
    try:
        return kind.model_validate(readable(found))
    except (ValidationError, RecursionError) as error:
        raise RemoteFault(f"The server described a {kind.__name__} oddly.") from error


def parse_each[Item: Wire](kind: type[Item], found: Any) -> list[Item]:
    """Return those of a list that can be read, and log which cannot."""
    if not isinstance(found, list):
        raise RemoteFault("The server answered something else than a list.")
    return [item for each in found if (item := _try_to_parse(kind, each)) is not None]


def _try_to_parse[Item: Wire](kind: type[Item], found: Any) -> Item | None:
    try:
        return parse(kind, found)
    except RemoteFault as fault:
        name = found.get("id") if isinstance(found, dict) else None
        _log.warning("Left out the %s %s: %s", kind.__name__, name, fault.__cause__)
        return None
