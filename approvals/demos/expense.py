"""An expense claim: the rules look first, then a person decides, then it is paid."""

import random
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field

from flowruns import RunInput, flow, get_run_logger, pause_flow_run, tags, task

HOTEL_LIMIT = Decimal(160)
RECEIPT_LIMIT = Decimal(25)


class Position(BaseModel):
    """One line of a claim."""

    what: str
    amount: Decimal
    has_receipt: bool = True


class Claim(BaseModel):
    """What an employee hands in."""

    employee: str
    occasion: str
    positions: list[Position]

    @property
    def total(self) -> Decimal:
        return sum((position.amount for position in self.positions), Decimal(0))


class Approval(RunInput):
    """The answer of whoever approves."""

    approve: bool = Field(title="Pay this claim")
    amount: Decimal = Field(title="Amount to pay, in EUR", ge=0, decimal_places=2)
    cost_center: Literal["Sales", "Engineering", "Marketing"] = Field("Sales", title="Charged to")
    comment: str = Field("", title="Comment for the employee", max_length=500)


@task
def check_policy(claim: Claim) -> list[str]:
    """Return what a person should look at."""
    findings = []
    for position in claim.positions:
        if position.amount > RECEIPT_LIMIT and not position.has_receipt:
            findings.append(f"No receipt for **{position.what}** ({position.amount} EUR).")
        if "hotel" in position.what.lower() and position.amount > HOTEL_LIMIT:
            findings.append(f"**{position.what}** is above the limit of {HOTEL_LIMIT} EUR a night.")
    return findings


@task
def pay(employee: str, amount: Decimal, cost_center: str) -> str:
    """Hand the transfer to the bank."""
    reference = f"EXP-{random.randint(10_000, 99_999)}"
    print(f"Transfer {reference}: {amount} EUR to {employee}, charged to {cost_center}.")
    return reference


def describe(claim: Claim, findings: list[str]) -> str:
    rows = "\n".join(
        f"| {p.what} | {p.amount} | {'yes' if p.has_receipt else '**no**'} |"
        for p in claim.positions
    )
    remarks = "\n".join(f"- {finding}" for finding in findings) or "- Nothing out of the ordinary."
    return f"""
{claim.employee} asks for **{claim.total} EUR**: {claim.occasion}.

| Position | EUR | Receipt |
|---|---:|---|
{rows}

### What the rules found
{remarks}
"""


@flow(log_prints=True, retries=1, flow_run_name="{claim.employee}")
def expense_claim(claim: Claim) -> str | None:
    logger = get_run_logger()
    logger.info("Checking %s positions of %s EUR in all.", len(claim.positions), claim.total)
    findings = check_policy(claim)
    for finding in findings:
        logger.warning(finding.replace("*", ""))
    answer = pause_flow_run(
        wait_for_input=Approval.with_initial_data(
            description=describe(claim, findings), amount=claim.total
        ),
        timeout=3 * 24 * 3600,
    )
    if not answer.approve:
        logger.info("Declined: %s", answer.comment or "no comment")
        return None
    return pay(claim.employee, answer.amount, answer.cost_center)


CLAIMS = [
    Claim(
        employee="Maria Lindqvist",
        occasion="customer visit in Hamburg, 12 to 14 November",
        positions=[
            Position(what="Train Berlin - Hamburg and back", amount=Decimal("118.40")),
            Position(what="Hotel, 2 nights", amount=Decimal("358.00")),
            Position(what="Dinner with the customer, 4 people", amount=Decimal("187.30")),
            Position(what="Taxi", amount=Decimal("31.50"), has_receipt=False),
        ],
    ),
    Claim(
        employee="Tomasz Nowak",
        occasion="headset and keyboard for the home office",
        positions=[
            Position(what="Headset", amount=Decimal("129.00")),
            Position(what="Keyboard", amount=Decimal("89.90")),
        ],
    ),
    Claim(
        employee="Aisha Rahman",
        occasion="PyData conference, one day",
        positions=[
            Position(what="Ticket", amount=Decimal("249.00")),
            Position(what="Hotel, 1 night", amount=Decimal("174.50")),
            Position(what="Lunch", amount=Decimal("18.20"), has_receipt=False),
        ],
    ),
]

if __name__ == "__main__":
    with tags("finance", "travel"):
        expense_claim(random.choice(CLAIMS))
