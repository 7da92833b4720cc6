"""Templates that clients send, rendered with Jinja: as much of it as cannot do harm.

What a template may be made of is looked at before anything of it is computed: text, `{{ … }}`,
`{% if %}` and `{% for %}`, with literals, comparisons, arithmetic, `~`, `range`, and the filters
and tests of `template_filters`. It names nothing of the server's, so what it does not make itself
is empty. Nothing is kept in a name but what a loop goes over, and everything that makes much of
little (`**`, calls, `'a' * 9`, `center`, …) is refused or bounded, so that all values stay small;
and all templates of one request share one allowance of steps.
"""

from collections.abc import Iterator
from typing import Any

from jinja2 import ChainableUndefined, TemplateError, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from flowruns.evaluation.budget import EvaluationTooSlow, spend
from flowruns.evaluation.template_filters import (
    FILTERS,
    TESTS,
    TemplateRefused,
    call_filter,
    measure,
    settle,
)

MAX_TEMPLATES = 100
MAX_CHARACTERS = 10_000
MAX_RENDERED = 100_000
MAX_STEPS = 30_000
_MAX_DEPTH = 50
_MAX_LOOPS = 10
_MAX_NESTED_LOOPS = 2
_MAX_ITEMS = 100
_CHARACTERS_PER_STEP = 50
_SEARCHED_PER_STEP = 10
# In steps of an evaluation, which are shorter
_COST_OF_STEP = 10

_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For),
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr),
    *(nodes.Concat, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod),
    *(nodes.Neg, nodes.Pos, nodes.Getattr, nodes.Getitem, nodes.Slice),
    *(nodes.Filter, nodes.Test, nodes.Call),
)
_NUMERIC = frozenset({"-", "*", "/", "//", "%"})
# Filters that no template can name
_EACH = "_each"
_SEARCHED = "_searched"


class Templates:
    """The templates of one request, and what is left of their common allowance."""

    def __init__(self) -> None:
        self._environment = _Environment()
        self._count = 0
        self._characters = 0
        self._rendered = 0

    def check(self, template: str) -> nodes.Template:
        """Return the template parsed; raises `TemplateRefused` for what it must not hold."""
        spend(1 + len(template))
        self._count += 1
        self._characters += len(template)
        if self._count > MAX_TEMPLATES or self._characters > MAX_CHARACTERS:
            raise TemplateRefused(
                f"There may be {MAX_TEMPLATES} templates in a request,"
                f" with {MAX_CHARACTERS:,} characters together."
            )
        try:
            parsed = self._environment.parse(template)
        except RecursionError:
            raise TemplateRefused("The template is nested too deeply.") from None
        except (TemplateError, ValueError) as error:
            raise TemplateRefused(str(error)) from None
        _check_node(parsed, depth=0)
        _check_loops(parsed)
        return parsed

    def render(self, template: str) -> str:
        """Return what the template gives; raises `TemplateRefused`."""
        parsed = self.check(template)
        if "{{" not in template and "{%" not in template:
            return template  # with its comments, as Prefect 3.9
        try:
            return "".join(self._generate(parsed))
        except (TemplateRefused, EvaluationTooSlow):
            raise
        except Exception as error:  # noqa: BLE001 -- whatever a template does is its author's fault
            raise TemplateRefused(
                f"Failed to render template due to the following error: {error!r:.300}"
            ) from None

    def _generate(self, parsed: nodes.Template) -> Iterator[str]:
        environment = self._environment
        _have_counted(parsed)
        code = environment.compile(parsed)
        names = environment.make_globals(None)
        for part in environment.template_class.from_code(environment, code, names).generate():
            self._rendered += len(part)
            if self._rendered > MAX_RENDERED:
                raise TemplateRefused(f"Templates may give {MAX_RENDERED:,} characters together.")
            yield part


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which nothing is computed ahead and each value is measured."""

    intercepted_binops = frozenset({"+", *_NUMERIC})

    def __init__(self) -> None:
        # With `finalize` in need of a context, no output is computed by the compiler either
        super().__init__(optimized=False, undefined=ChainableUndefined, finalize=_finalize)
        self._steps_left = MAX_STEPS
        self.filters = {name: _measured(name) for name in FILTERS} | {
            _EACH: _each,
            _SEARCHED: _searched,
        }
        self.tests = dict(TESTS)
        self.globals = {"range": _range}

    def measure(self, *values: object) -> None:
        """Raise `TemplateRefused` for what is too large or no value, and take its steps."""
        self.spend(1 + measure(values) // _CHARACTERS_PER_STEP)

    def spend(self, steps: int) -> None:
        spend(_COST_OF_STEP * steps)
        self._steps_left -= steps
        if self._steps_left < 0:
            raise TemplateRefused(f"The templates take more than {MAX_STEPS:,} steps.")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        self.measure(left, right)
        if operator in _NUMERIC and not _are_no_sequences(left, right):
            raise TemplateRefused(f"`{operator}` is for numbers alone.")
        return settle(super().call_binop(context, operator, left, right))


def _are_no_sequences(*values: object) -> bool:
    return not any(isinstance(value, str | list | tuple | dict | range) for value in values)


def _range(*arguments: int) -> range:
    numbers = range(*arguments)
    if len(numbers) > _MAX_ITEMS:
        raise TemplateRefused(f"A range may have {_MAX_ITEMS} numbers.")
    return numbers


@pass_context
def _finalize(context: Context, value: object) -> object:
    _environment_of(context).measure(value)
    return value


@pass_context
def _each(context: Context, items: Any, steps: int) -> Any:
    """Let a loop go over so many items, each of which takes as many steps as the loop has parts."""
    items = settle(items)
    if len(items) > _MAX_ITEMS:
        raise TemplateRefused(f"A loop may go over {_MAX_ITEMS} items.")
    _environment_of(context).measure(items)
    _environment_of(context).spend(len(items) * steps)
    return items


@pass_context
def _searched(context: Context, value: Any) -> Any:
    """Let a value be searched, which takes the longer the larger it is."""
    _environment_of(context).spend(measure(value) // _SEARCHED_PER_STEP)
    return value


def _measured(name: str) -> Any:
    @pass_context
    def apply(context: Context, *values: Any, **options: Any) -> Any:
        _environment_of(context).measure(*values, *options.values())
        return settle(call_filter(name, context, *values, **options))

    return apply


def _environment_of(context: Context) -> _Environment:
    environment = context.environment
    assert isinstance(environment, _Environment)  # noqa: S101 -- no other one compiles templates here
    return environment


def _check_loops(parsed: nodes.Template) -> None:
    count = sum(1 for _ in parsed.find_all(nodes.For))
    if count > _MAX_LOOPS:
        raise TemplateRefused(
            f"Contains {count} for loops. Templates can contain no more than"
            f" {_MAX_LOOPS} for loops."
        )


def _check_node(node: nodes.Node, *, depth: int, loops: int = 0) -> None:
    if depth > _MAX_DEPTH:
        raise TemplateRefused("The template is nested too deeply.")
    if isinstance(node, nodes.For):
        loops += 1
    if loops > _MAX_NESTED_LOOPS:
        raise TemplateRefused(
            f"Contains nested for loops at a depth of {loops}. Templates can nest for loops"
            f" no more than {_MAX_NESTED_LOOPS} loops deep."
        )
    if problem := _find_problem(node):
        raise TemplateRefused(problem)
    for child in node.iter_child_nodes():
        _check_node(child, depth=depth + 1, loops=loops)


def _find_problem(node: nodes.Node) -> str | None:
    problem = None
    match node:
        case nodes.Filter(name=name) if name not in FILTERS:
            problem = f"There is no filter {name!r} here."
        case nodes.Test(name=name) if name not in TESTS:
            problem = f"There is no test {name!r} here."
        case nodes.Call(node=called) if not _is_range(called):
            problem = "Nothing is called here but `range`."
        case nodes.For(recursive=True):
            problem = "No loop is recursive here."
        case nodes.Const(value=value):
            problem = _find_problem_of(value)
        case _ if not isinstance(node, _ALLOWED):
            problem = f"{type(node).__name__!r} is nothing that a template may hold here."
    return problem


def _is_range(called: nodes.Expr) -> bool:
    return isinstance(called, nodes.Name) and called.name == "range"


def _find_problem_of(value: Any) -> str | None:
    try:
        settle(value)
    except TemplateRefused as refused:
        return str(refused)
    return None


def _have_counted(parsed: nodes.Template) -> None:
    """Have loops and searches ask for the steps they take."""
    for loop in parsed.find_all(nodes.For):
        repeated = [part for part in (*loop.body, loop.test) if part is not None]
        steps = 1 + sum(map(_count_parts, repeated))
        loop.iter = nodes.Filter(loop.iter, _EACH, [nodes.Const(steps)], [], None, None)
    for operand in parsed.find_all(nodes.Operand):
        if operand.op in {"in", "notin"}:
            operand.expr = nodes.Filter(operand.expr, _SEARCHED, [], [], None, None)


def _count_parts(node: nodes.Node) -> int:
    return 1 + sum(1 for _ in node.find_all(nodes.Node))
