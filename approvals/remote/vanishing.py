"""Runs that are gone from their server: withdrawn one by one, but not when most are gone at once.

Then the server is probably another one than before, or has lost its database: the staff is asked.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from approvals.models import Vanishing
from approvals.remote.settling import settle
from flowruns.connectors import PrefectConnector

# Fewer than that prove nothing
_ENOUGH = 4


def close_vanished(
    connector: PrefectConnector, flow_run_ids: Collection[UUID], *, known: int
) -> None:
    """Close the approvals of runs that are gone; where that is more than half, ask first."""
    asked = Vanishing.objects.filter(connector=connector.name)
    is_most = len(flow_run_ids) >= _ENOUGH and 2 * len(flow_run_ids) > known
    if is_most and not asked.filter(is_confirmed=True).exists():
        Vanishing.objects.update_or_create(
            connector=connector.name,
            defaults={"flow_run_ids": [str(each) for each in flow_run_ids]},
            create_defaults={
                "flow_run_ids": [str(each) for each in flow_run_ids],
                "found_at": datetime.now(UTC),
            },
        )
        return
    for flow_run_id in flow_run_ids:
        settle(connector, flow_run_id)
    asked.delete()


def read_vanishing(connector: str) -> Vanishing | None:
    """Return what the staff is asked about a server, None where nothing is."""
    return Vanishing.objects.filter(connector=connector, is_confirmed=False).first()


def confirm_vanishing(connector: str) -> bool:
    """Say that the runs are gone indeed: their approvals are closed with the next look."""
    return bool(Vanishing.objects.filter(connector=connector).update(is_confirmed=True))
