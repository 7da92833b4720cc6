"""Patterns of a schema, searched for in bounded time: they come from flows, texts from anybody."""

from functools import lru_cache
from typing import TYPE_CHECKING

from flowruns.evaluation.budget import EvaluationTooSlow, is_bounded, leave_to_a_process, spend

if TYPE_CHECKING:
    import regex

# Characters of a pattern that is compiled where nobody could end it, in ten milliseconds.
MAX_PATTERN = 1_000
_SEARCH_SECONDS = 0.1
_CHARACTERS_PER_STEP = 10


class PatternBroken(Exception):
    """The pattern cannot be checked."""


def search(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text, as Python searches.

    Raises `PatternBroken`, and `EvaluationTooSlow` where this would cost more than its bound.
    """
    compiled = _compile(pattern)
    spend(1 + len(text) // _CHARACTERS_PER_STEP)
    if not is_bounded():
        return compiled.search(text) is not None
    try:
        return compiled.search(text, timeout=_SEARCH_SECONDS) is not None
    except TimeoutError:
        raise EvaluationTooSlow from None


def is_pattern(pattern: str) -> bool:
    """Whether a pattern can be searched for; raises `EvaluationTooSlow`."""
    try:
        _compile(pattern)
    except PatternBroken:
        return False
    return True


def _compile(pattern: str) -> "regex.Pattern[str]":
    if not isinstance(pattern, str):
        raise PatternBroken
    if len(pattern) > MAX_PATTERN:
        leave_to_a_process()
    compiled = _compile_once(pattern)
    if compiled is None:
        raise PatternBroken
    return compiled


@lru_cache(maxsize=512)
def _compile_once(pattern: str) -> "regex.Pattern[str] | None":
    import regex  # a megabyte, for those whose flows ask by patterns

    spend(1 + len(pattern))
    try:
        return regex.compile(pattern, cache_pattern=False)
    except (regex.error, TypeError, ValueError, LookupError, RecursionError, OverflowError):
        return None
