"""What every page tells the staff of the server itself."""

from collections.abc import Sequence

from django.http import HttpRequest

from flowruns.services.upkeep.rounds import StillLoop
from flowruns.web.loop_watch import watch

_NAMED = 3


def still_loops(request: HttpRequest) -> dict[str, object]:
    """Say which background loops stand still, to the staff alone."""
    user = getattr(request, "user", None)
    still = watch.still
    if not still or user is None or not user.is_staff:
        return {}
    return {"still_loops": _name(still), "still_since": min(each.since for each in still)}


def _name(still: Sequence[StillLoop]) -> str:
    names = ", ".join(each.name for each in still[:_NAMED])
    return f"{names} and {len(still) - _NAMED} more" if len(still) > _NAMED else names
