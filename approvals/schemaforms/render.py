"""Turn a form into HTML. The only module here that knows Django."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import available_timezones

from django.template.loader import get_template
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from approvals.schemaforms.controls.base import Control
from approvals.schemaforms.controls.choices import Choice, Fixed, Ticks
from approvals.schemaforms.controls.files import File
from approvals.schemaforms.controls.groups import Group
from approvals.schemaforms.controls.maps import MapControl
from approvals.schemaforms.controls.moments import DateTime
from approvals.schemaforms.controls.objects import ObjectControl
from approvals.schemaforms.controls.problems import Problem, has_problems
from approvals.schemaforms.controls.rows import ListControl
from approvals.schemaforms.controls.searching import Search, SearchTicks
from approvals.schemaforms.controls.texts import AnyJSON
from approvals.schemaforms.controls.unions import UnionControl
from approvals.schemaforms.limits import MAX_HELP_LENGTH
from approvals.schemaforms.posted import JUDGED, OPERATION, SEEN
from approvals.schemaforms.values import UNPRINTABLE, clip

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable("image").enable("table")
_TAGS = set("a p br em strong code pre ul ol li blockquote hr table thead tbody tr th td".split())


@lru_cache(maxsize=256)
def markdown(text: str) -> SafeString:
    """Render Markdown that a stranger wrote: no raw HTML, no images, no links but to the web."""
    import nh3  # two megabytes, for the first form

    html = nh3.clean(
        _MARKDOWN.render(printable(clip(text, MAX_HELP_LENGTH))),
        tags=_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener nofollow noreferrer",
    )
    return mark_safe(html.strip())  # noqa: S308 -- sanitised by nh3 just above


def printable(text: str) -> str:
    return UNPRINTABLE.sub("\ufffd", text)


@lru_cache(maxsize=1)
def _zone_options() -> SafeString:
    """The names of hundreds of zones, which took a form longer to write than its fields."""
    regions = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Pacific/")
    names = ["UTC", *sorted(name for name in available_timezones() if name.startswith(regions))]
    return format_html_join("", '<option value="{}"></option>', ((name,) for name in names))


class ShownForm(Protocol):
    """What a form tells its page beside its controls."""

    root: Control
    focus_id: str
    operation: str
    is_bound: bool
    is_judged: bool
    is_served: bool

    @property
    def problems(self) -> list[Problem]: ...
    @property
    def warnings(self) -> list[Problem]: ...


@dataclass(frozen=True)
class _Page:
    """What every control of one rendering needs to know beside itself."""

    focus_id: str
    is_bound: bool
    encoding: str
    is_served: bool
    operation: str = OPERATION


def render_fields(form: ShownForm) -> SafeString:
    controls = list(form.root.walk())
    has_files = any(isinstance(control, File) for control in controls)
    is_bare = isinstance(form.root, ObjectControl)
    encoding = "multipart/form-data" if has_files else ""
    page = _Page(form.focus_id, form.is_bound, encoding, form.is_served)
    html = _render(
        "form",
        form=form,
        seen=SEEN,
        judged=JUDGED if form.is_judged and form.problems else "",
        fields=_render_control(form.root, page, is_bare=is_bare),
        zones=_zone_options() if any(isinstance(control, DateTime) for control in controls) else "",
        about=_help(form.root) if is_bare else "",
        problems=form.root.problems if is_bare else [],
        has_buttons=any(
            control.is_group or isinstance(control, (AnyJSON, File)) for control in controls
        ),
    )
    return mark_safe(printable(html))  # noqa: S308 -- as above, with some characters replaced


def render_summary(form: ShownForm) -> SafeString:
    problems = form.problems
    warnings = form.warnings
    # It takes the focus once, not from whoever goes on to press a button of the form
    context = {"problems": problems, "warnings": warnings, "is_first": not form.operation}
    html = _render("summary", **context) if problems or warnings else ""
    return mark_safe(printable(html))  # noqa: S308 -- as above, with some characters replaced


def render_found(control: Search | SearchTicks) -> SafeString:
    """The options that a search brought, and words about them to be announced."""
    html = _render("search_found", c=control, **_options(control))
    return mark_safe(printable(html))  # noqa: S308 -- as above, with some characters replaced


def _render(name: str, **context: Any) -> SafeString:
    html = get_template(f"schemaforms/{name}.html").render(context)
    return mark_safe(html)  # noqa: S308 -- rendered by escaping templates


def _render_control(control: Control, page: _Page, *, is_bare: bool = False) -> SafeString:
    if control.is_hidden:
        return SafeString("")
    context = {
        "c": control,
        "page": page,
        "has_focus": page.focus_id in (control.id, control.focus_id),
        "notes": _notes(control),
        "described": _described_by(control),
        **_options(control),
    }
    inner = _render(control.template, **context, **_surroundings(control, page))
    if is_bare:
        return inner
    wrapper = "group" if _is_fieldset(control) else "field"
    return _render(wrapper, **context, inner=inner, help=_help(control))


def _help(control: Control) -> SafeString:
    description = control.node.description
    return markdown(description) if description else SafeString("")


def _notes(control: Control) -> list[str]:
    """Short remarks that stand between a field's help and the field."""
    notes = list(control.hints)
    if control.node.unsupported:
        notes.append(f"This is entered as JSON. {control.node.unsupported}")
    return [note for note in notes if note]


def _described_by(control: Control) -> str:
    marks = {
        "help": control.node.description,
        "optional": control.is_optional,
        "note": _notes(control),
        "error": control.problems,
        "warning": control.warning,
    }
    return " ".join(f"{control.id}-{mark}" for mark, is_there in marks.items() if is_there)


def _options(control: Control) -> dict[str, Any]:
    """What can be chosen or ticked, each with what its author says about it."""
    if not isinstance(control, (Choice, Ticks)):
        return {}
    options = [(option, markdown(option.description)) for option in control.options()]
    return {
        "options": options,
        "is_described": any(about for _, about in options),
        "ticks": isinstance(control, Ticks),
    }


def _is_fieldset(control: Control) -> bool:
    return control.is_group or isinstance(control, (Ticks, Search)) or _is_radio(control)


def _is_radio(control: Control) -> bool:
    return isinstance(control, Choice) and control.is_radio


def _surroundings(control: Control, page: _Page) -> dict[str, Any]:
    """Render what stands inside a control, before the control itself."""
    match control:
        case UnionControl():
            return _union_parts(control, page)
        case ListControl():
            rows = [
                (token, row.label, _render_control(row, page))
                for token, row in control.number_rows()
            ]
            slots = [_render_control(slot, page) for slot in control.slots]
            return {"rows": rows, "slots": slots, "kept": _kept(control)}
        case MapControl():
            rows_of_two = [
                (token, key.label, _render_control(key, page), _render_control(value, page))
                for token, key, value in control.number_rows()
            ]
            return {"rows": rows_of_two, "kept": _kept(control)}
        case Group():
            return _object_parts(control, page)
        case DateTime():
            is_chosen = control.zone is not None
            return {"zone": control.zone if is_chosen else timezone.get_current_timezone_name()}
    return {}


def _object_parts(control: Group, page: _Page) -> dict[str, Any]:
    shown = [part for part in control.parts() if not _is_folded(part)]
    folded = [part for part in control.parts() if _is_folded(part)]
    return {
        "parts": [_render_control(part, page) for part in shown],
        "folded": [_render_control(part, page) for part in folded],
        "is_unfolded": any(map(has_problems, folded)),
        "kept": _kept(control),
        "aside": _hidden([pair for part in _set_aside(control) for pair in part.inputs()]),
    }


def _set_aside(control: Group) -> list[Control]:
    return control.set_aside() if isinstance(control, ObjectControl) else []


def _is_folded(control: Control) -> bool:
    return control.node.keywords.get("deprecated") is True and not control.is_hidden


def _union_parts(control: UnionControl, page: _Page) -> dict[str, Any]:
    current = control.current
    aside = [pair for part in control.set_aside() for pair in part.inputs()]
    is_bare = isinstance(current, Group)
    is_told = current is None or isinstance(current, Fixed)  # by the button that is pressed
    shown = "" if current is None or is_told else _render_control(current, page, is_bare=is_bare)
    return {
        "current": shown,
        "kept": _hidden(aside),
        "about": _help(current) if current and is_bare else "",
        "problems": current.problems if current and is_bare else [],
    }


def _kept(group: Group) -> SafeString:
    """Keep what was typed in a group that is switched off."""
    if group.is_present:
        return SafeString("")
    return _hidden([pair for pair in group.inputs() if pair[0] != f"{group.name}.!"])


def _hidden(pairs: list[tuple[str, str]]) -> SafeString:
    return format_html_join(
        "", '<input type="hidden" name="{}" value="{}">', ((n, printable(v)) for n, v in pairs)
    )
