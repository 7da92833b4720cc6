"""Concurrency limits on the wire, in the dialect of Prefect 3.9's REST API."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from flowruns.wire.base import DateTime, FlowName, Request, Wire
from flowruns.wire.queries import Limit, Offset

type Count = Annotated[int, Field(ge=0, lt=2**31)]
type Slots = Annotated[int, Field(gt=0, lt=2**31)]
type Decay = Annotated[float, Field(ge=0, lt=1e9)]
type LimitNames = Annotated[list[str], Field(min_length=1, max_length=1000)]
type LeaseSeconds = Annotated[float, Field(ge=60, le=86_400)]


class ConcurrencyOptions(Wire):
    """What happens to a run that finds no slot, and how long one that starts may keep its own.

    `grace_period_seconds` runs from its submission to its start.
    """

    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]
    grace_period_seconds: Annotated[int, Field(ge=60, le=86_400)] | None = None


class LimitCreate(Request):
    name: FlowName
    limit: Count
    active: bool = True
    active_slots: Count = 0
    denied_slots: Count = 0
    slot_decay_per_second: Decay = 0


class LimitUpdate(Request):
    """Only the fields that are present change anything."""

    name: FlowName | None = None
    limit: Count | None = None
    active: bool | None = None
    active_slots: Count | None = None
    denied_slots: Count | None = None
    slot_decay_per_second: Decay | None = None


class GlobalConcurrencyLimit(Wire):
    """A limit as the server has it, with the slots that are taken now."""

    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    active: bool = True
    name: str
    limit: int
    active_slots: int
    slot_decay_per_second: float = 0


class NewConcurrencyLimit(GlobalConcurrencyLimit):
    """A limit that was just made. Of refused slots and their use nothing is counted here."""

    denied_slots: int = 0
    avg_slot_occupancy_seconds: float = 2.0


class LimitWindow(Request):
    limit: Limit = 200
    offset: Offset = 0


class MinimalLimit(Wire):
    id: UUID
    name: str
    limit: int


class SlotsRequest(Request):
    """Slots of all limits of these names, or of none."""

    slots: Slots
    names: LimitNames
    mode: Literal["concurrency", "rate_limit"] = "concurrency"
    create_if_missing: bool | None = None


class LeaseHolder(Wire):
    model_config = ConfigDict(extra="forbid", defer_build=True)

    type: Literal["flow_run", "task_run", "deployment"]
    id: UUID


class LeaseRequest(SlotsRequest):
    """Slots until they are given back, or for so many seconds unless renewed."""

    lease_duration: LeaseSeconds = 300
    holder: LeaseHolder | None = None


class Leased(Wire):
    lease_id: UUID
    limits: list[MinimalLimit]


class SlotsReturned(Request):
    slots: Slots
    names: LimitNames
    occupancy_seconds: Annotated[float, Field(gt=0)] | None = None
    create_if_missing: bool | None = None


class LeaseReturned(Request):
    lease_id: UUID


class Renewal(Request):
    lease_duration: LeaseSeconds = 300
