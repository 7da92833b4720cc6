"""A support agent's tool call: the agent proposes, a person corrects, only then it runs."""

import os
import random
from typing import Any, Literal

from pydantic import BaseModel, Field

from flowruns import RunInput, flow, get_run_logger, pause_flow_run, tags, task
from flowruns.artifacts import create_table_artifact


class Ticket(BaseModel):
    """What the customer wrote."""

    number: int
    customer: str
    text: str


class RefundCall(RunInput):
    """The call as the agent would make it; every argument may be corrected."""

    order: str = Field(title="Order number", pattern=r"^[A-Z]{2}-\d{5}$")
    amount: float = Field(title="Amount, in EUR", gt=0, le=500)
    reason: Literal["damaged", "late", "wrong item", "goodwill"] = "goodwill"
    message: str = Field(
        title="Message to the customer",
        max_length=2000,
        json_schema_extra={"format": "multiline"},
    )
    notify: bool = Field(default=True, title="Send the message")


@task
def ask_agent(ticket: Ticket, proposal: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that the agent wants to call `refund` with."""
    print(f"The agent read ticket {ticket.number} and chose the tool `refund`.")
    return proposal


@task
def show_orders(customer: str) -> None:
    """Put what the customer has bought beside the question, which the agent has not seen."""
    create_table_artifact(
        ORDERS[customer], key="orders", description=f"Orders of {customer} in this year"
    )


@task
def refund(call: RefundCall) -> str:
    receipt = f"RF-{random.randint(100_000, 999_999)}"
    print(f"Refunded {call.amount:.2f} EUR for order {call.order} ({call.reason}): {receipt}.")
    if call.notify:
        print(f"Told the customer: {call.message}")
    return receipt


def describe(ticket: Ticket) -> str:
    quoted = "\n".join(f"> {line}" for line in ticket.text.splitlines())
    return f"""
The agent wants to call **`refund`** for ticket **{ticket.number}**. {ticket.customer} wrote:

{quoted}

Correct the arguments where the agent is wrong, then submit: the call runs as you leave it,
once whoever else is asked agrees.
To forbid it, reject.
"""


@flow(log_prints=True, retries=1, flow_run_name="ticket-{ticket.number}")
def answer_ticket(ticket: Ticket, proposal: dict[str, Any]) -> str:
    logger = get_run_logger()
    arguments = ask_agent(ticket, proposal)
    show_orders(ticket.customer)
    call = pause_flow_run(
        wait_for_input=RefundCall.with_initial_data(description=describe(ticket), **arguments),
        timeout=4 * 3600,
        policy=os.environ.get("DEMO_POLICY"),
    )
    for name, proposed in arguments.items():
        decided = getattr(call, name)
        if decided != proposed:
            logger.info("Corrected %s: %r instead of %r.", name, decided, proposed)
    return refund(call)


ORDERS = {
    "Jonas Weber": [
        {"Order": "KL-20731", "Item": "Table lamp", "EUR": 79.9, "Refunded": 0},
        {"Order": "KL-18044", "Item": "Bulbs, 4 pieces", "EUR": 19.6, "Refunded": 0},
    ],
    "Priya Nair": [
        {"Order": "MZ-11482", "Item": "Board game", "EUR": 44.9, "Refunded": 0},
        {"Order": "MZ-09930", "Item": "Jigsaw puzzle", "EUR": 24.0, "Refunded": 12.0},
        {"Order": "MZ-07715", "Item": "Playing cards", "EUR": 9.5, "Refunded": 0},
    ],
    "Claire Dubois": [
        {"Order": "TR-55010", "Item": "Chairs, 2 pieces", "EUR": 318.0, "Refunded": 0},
        {"Order": "TR-51276", "Item": "Desk", "EUR": 449.0, "Refunded": 0},
    ],
}

CASES = [
    (
        "Jonas Weber",
        (
            "The lamp from order KL-20731 came with a cracked shade. I would keep it\n"
            "for something off the price. It was 79,90."
        ),
        {
            "order": "KL-20731",
            "amount": 79.9,
            "reason": "damaged",
            "message": "Hello Jonas, we are sorry about the shade and return the full 79.90 EUR.",
        },
    ),
    (
        "Priya Nair",
        (
            "My parcel MZ-11482 is nine days late and it was a birthday present.\n"
            "This is the second time. What are you going to do about it?"
        ),
        {
            "order": "MZ-11482",
            "amount": 15.0,
            "reason": "late",
            "message": "Hello Priya, twice is twice too often. We return 15 EUR as an apology.",
        },
    ),
    (
        "Claire Dubois",
        (
            "I ordered the blue chairs (TR-55010) and got the green ones. Two of them.\n"
            "Please send the right ones, I do not want the money back."
        ),
        {
            "order": "TR-55010",
            "amount": 318.0,
            "reason": "wrong item",
            "message": "Hello Claire, we return 318 EUR. Please send the green chairs back.",
        },
    ),
]

if __name__ == "__main__":
    customer, text, proposal = random.choice(CASES)
    ticket = Ticket(number=random.randint(4_000, 4_999), customer=customer, text=text)
    with tags("support", "agent"):
        answer_ticket(ticket, proposal)
