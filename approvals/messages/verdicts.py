"""What becomes of an attempt to send, whatever the channel."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side took it; `receipt` is what it is called there."""

    receipt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """It may work later, not before `seconds` where the other side has said so.

    `is_outage` where the channel as a whole does not work, so that the next address would not
    either.
    """

    why: str
    seconds: float = 0.0
    is_outage: bool = False


@dataclass(frozen=True, slots=True)
class Dead:
    """It will never work."""

    why: str


type SendVerdict = Sent | Later | Dead
