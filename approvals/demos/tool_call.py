"""A support agent's tool call: the agent proposes, a person corrects, only then it runs."""

import random
from typing import Any, Literal

from pydantic import BaseModel, Field

from flowruns import RunInput, flow, get_run_logger, pause_flow_run, tags, task


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

Correct the arguments where the agent is wrong, then submit: the call runs as you leave it.
To forbid it, reject.
"""


@flow(log_prints=True, retries=1, flow_run_name="ticket-{ticket.number}")
def answer_ticket(ticket: Ticket, proposal: dict[str, Any]) -> str:
    logger = get_run_logger()
    arguments = ask_agent(ticket, proposal)
    call = pause_flow_run(
        wait_for_input=RefundCall.with_initial_data(description=describe(ticket), **arguments),
        timeout=4 * 3600,
    )
    for name, proposed in arguments.items():
        decided = getattr(call, name)
        if decided != proposed:
            logger.info("Corrected %s: %r instead of %r.", name, decided, proposed)
    return refund(call)


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
