"""Questions that flows really ask: the forms that must look and work best."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, Field, SecretStr

from approvals.schemaforms import JSONValue
from flowruns.sdk.inputs.schemas import schema_of


class Expense(BaseModel):
    approve: bool = Field(description="Paid with the **next** salary run if you say yes.")
    amount: Decimal = Field(Decimal("129.90"), gt=0, description="What is paid, in EUR.")
    cost_center: Literal["Sales", "Research", "Operations", "Finance", "People"]
    due: date | None = None
    comment: str | None = Field(None, description="Shown to the person who asked.")


class Canary(BaseModel):
    percent: int = Field(10, ge=1, le=100, description="Share of the traffic at first.")
    watch_for: timedelta = timedelta(hours=2)


class Target(BaseModel):
    environment: Literal["staging", "production"]
    region: str = "eu-central-1"
    canary: Canary | None = None


class Promotion(BaseModel):
    """Promote **fraud-model 2.4.1**."""

    decision: Literal["promote", "hold", "roll back"]
    starts_at: datetime
    targets: list[Target] = Field(min_length=1)
    labels: dict[str, str] = {"team": "risk"}
    notify: set[Literal["mail", "chat", "pager"]] = {"mail"}
    token: SecretStr


class Fix(BaseModel):
    kind: Literal["fix"] = "fix"
    column: str
    how: Literal["drop", "fill"]


class Accept(BaseModel):
    kind: Literal["accept"] = "accept"
    reason: str = Field(min_length=5)


class SignOff(BaseModel):
    dataset: str = Field("orders-2026-10", json_schema_extra={"readOnly": True})
    rows_seen: int = Field(description="How many rows you looked at.")
    findings: list[Annotated[Fix | Accept, Field(discriminator="kind")]]
    quality: float | None = Field(None, ge=0, le=1)


class ToolCall(BaseModel):
    allow: bool
    arguments: Any = Field({"path": "/reports/q3.csv"}, description="Correct it before it runs.")
    fallback: int | str
    note: str = ""


ZONES: Any = Literal[tuple(sorted(available_timezones()))]


class Maintenance(BaseModel):
    zone: ZONES = Field(description="Times on the schedule are in this zone.")
    backup_zone: ZONES | None = None
    skip: set[ZONES] = set()
    message: str = ""


SAMPLES: dict[str, JSONValue] = {
    model.__name__: schema_of(model)
    for model in (Expense, Promotion, SignOff, ToolCall, Maintenance)
}
