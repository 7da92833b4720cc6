"""Patterns of a schema, which a form searches for as the server will."""

from flowruns.evaluation.budget import EvaluationTooSlow
from flowruns.evaluation.patterns import PatternBroken, is_pattern, search


def can_check_pattern(pattern: str) -> bool:
    try:
        return is_pattern(pattern)
    except EvaluationTooSlow:
        return False


def matches(pattern: str, text: str) -> bool:
    """Search as Python does; a broken pattern matches all."""
    try:
        return search(pattern, text)
    except PatternBroken:
        return True
