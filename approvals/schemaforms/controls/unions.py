"""Controls whose value has one of several shapes, chosen before it is filled in."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from approvals.schemaforms.controls.base import NULL, OMIT, Answer, Control, Key
from approvals.schemaforms.posted import Posted
from approvals.schemaforms.schema.branches import Branch
from approvals.schemaforms.values import MISSING, MaybeJSON, as_dict, same_json

_BLANKS = {OMIT: "Not set", NULL: "None"}


class UnionControl(Control):
    """A value of one of several shapes; what was typed for the others waits for their return."""

    template = "union"
    is_group = True

    def open(self) -> None:
        self.branches: dict[str, Control] = {}
        self.initial_branch = self._find_branch()
        self.chosen = OMIT if self.keeps_default else self.initial_branch
        if not self.chosen and self.initial in (None, MISSING) and self.meanings:
            is_forced = self.initial is MISSING and OMIT not in self.meanings
            self.chosen = "" if is_forced else self.meanings[0]
        if self.chosen not in {"", *self.meanings}:
            self.branches[self.chosen] = self._build_branch(self.chosen, None)

    def read(self, posted: Posted) -> None:
        self.branches = {}
        known = {"", *self.meanings, *map(str, range(len(self.node.branches)))}
        chosen = posted.text(f"{self.name}.?")
        self.chosen = chosen if chosen in known else ""
        for index in range(len(self.node.branches)):
            name = f"{self.name}.{index}"
            is_typed = posted.holds_inside(name) or posted.holds(name)
            if str(index) == self.chosen or is_typed:
                self.branches[str(index)] = self._build_branch(str(index), posted)

    def _build_branch(self, token: str, posted: Posted | None) -> Control:
        branch = self.node.branches[int(token)]
        is_initial = token == self.initial_branch
        slot = replace(
            self.slot,
            name=f"{self.name}.{token}",
            raw=branch.raw,
            label=branch.label,
            required=True,
            given=self.initial if is_initial else MISSING,
            sealed=False,
            tags={**self.slot.tags, **branch.tags},
            depth=self.slot.depth + 1,
        )
        return self.context.build(slot, posted)

    def _find_branch(self) -> str:
        """Return the branch of the initial value: by its tag, else the first that accepts it."""
        if self.initial is MISSING or (self.initial is None and self.node.nullable):
            return ""
        candidates = [
            index for index, branch in enumerate(self.node.branches) if self._may_be(branch)
        ]
        exact = [index for index in candidates if self._has_exact_keys(index)]
        for index in exact or candidates:
            self.initial_branch = str(index)
            if self._build_branch(str(index), None).fits_initial():
                return str(index)
        return str(candidates[0]) if candidates else ""

    def _may_be(self, branch: Branch) -> bool:
        if branch.tags:
            value = as_dict(self.initial)
            return all(same_json(value.get(tag, MISSING), branch.tags[tag]) for tag in branch.tags)
        return self.context.accepts(branch.raw, self.initial)

    def _has_exact_keys(self, index: int) -> bool:
        keywords = self.context.resolve_quietly(self.node.branches[index].raw)
        if not isinstance(self.initial, dict) or "properties" not in keywords:
            return False
        return as_dict(keywords["properties"]).keys() == self.initial.keys()

    def options(self) -> list[tuple[str, str]]:
        """The (token, label) of everything that can be chosen."""
        listed = [(str(index), branch.label) for index, branch in enumerate(self.node.branches)]
        blanks = _BLANKS | ({OMIT: self.words_of_default} if self.keeps_default else {})
        return listed + [(word, blanks[word]) for word in self.meanings]

    def state(self) -> tuple[object, ...]:
        return (self.chosen,)

    def choose(self, token: str) -> None:
        """Show another branch, with what was typed there before if anything was."""
        if token not in {known for known, _ in self.options()}:
            return
        self.chosen = token
        if token not in self.branches and token not in self.meanings:
            self.branches[token] = self._build_branch(token, None)

    @property
    def current(self) -> Control | None:
        return self.branches.get(self.chosen)

    def set_aside(self) -> list[Control]:
        """The branches that are not chosen and hold something typed."""
        return [part for token, part in self.branches.items() if token != self.chosen]

    def children(self) -> Iterable[tuple[Key, Control]]:
        return [(None, self.current)] if self.current else []

    def inner_controls(self) -> Iterable[Control]:
        return self.branches.values()

    def decode(self) -> MaybeJSON:
        self.problems.clear()
        if self.current:
            return self.current.decode()
        if self.chosen in self.meanings:
            return MISSING if self.chosen == OMIT else None
        self.note_problem("Choose what kind of answer you give.")
        return MISSING

    @property
    def focus_id(self) -> str:
        return f"{self.id}-b{self.options()[0][0]}"

    @property
    def entry_id(self) -> str:
        return self.current.entry_id if self.current else self.focus_id

    def inputs(self) -> Iterator[tuple[str, str]]:
        yield f"{self.name}.?", self.chosen
        for part in self.branches.values():
            yield from part.inputs()

    def answers(self) -> Iterator[Answer]:
        if self.current is None:
            return
        if self.current.is_group:
            yield (self.label,), self.current.label
        for labels, text in self.current.answers():
            yield (self.label, *labels[1:]), text
