"""What was found out about values once, to be looked up by the values themselves."""

from collections.abc import Callable


class Memo[T]:
    """What is known of values that are told apart by identity, as parts of a document are."""

    def __init__(self, known: "dict[int, tuple[object, T]] | None" = None) -> None:
        # Each with the value itself, for the id of one that is gone may be another's
        self._known = known or {}

    def find(self, about: object, find_out: Callable[[], T]) -> T:
        """Return what is known about a value, having found it out if nothing is."""
        known = self._known.get(id(about))
        if known is None or known[0] is not about:
            known = self._known[id(about)] = (about, find_out())
        return known[1]

    def copy(self) -> "Memo[T]":
        return Memo(self._known.copy())

    def __len__(self) -> int:
        return len(self._known)
