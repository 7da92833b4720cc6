"""What is wrong with a value or its schema, for whoever tells of it and validates nothing."""

from dataclasses import dataclass


class SchemaUnusable(Exception):
    """Nothing can be held against the schema; the message says why."""


class CircularSchema(SchemaUnusable):
    """Unable to validate schema with circular references."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place of a value."""

    path: tuple[str | int, ...]
    message: str


def describe_problem(problem: Problem) -> str:
    """Say what is wrong in Prefect 3.9's sentence, which its clients show."""
    where = ".".join(str(part) for part in problem.path)
    field_name = f" for field {where!r}" if where else ""
    return f"Validation failed{field_name}. Failure reason: {problem.message}"
