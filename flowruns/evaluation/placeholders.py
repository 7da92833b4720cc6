"""What stands in a value on trial in the place of something else."""

from dataclasses import dataclass


class Placeholder:
    """What stands in a value on trial where something else will be."""


class Unrendered(Placeholder):
    """A template that is rendered later: nobody knows into what."""


@dataclass(frozen=True, slots=True)
class Trouble(Placeholder):
    """A placeholder that cannot be replaced, and why."""

    message: str


class Removed(Placeholder):
    """What is left out of the object or list that it stands in."""
