"""A browser without JavaScript: reads a form's HTML, fills it in by label, submits it."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from django.http import QueryDict

from approvals.schemaforms import Form, JSONValue, open_form, read_form

_SANITISED = {
    "date": r"\d{4}-\d{2}-\d{2}",
    "time": r"\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?",
    "datetime-local": r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?",
}


@dataclass
class Input:
    """One control as a browser keeps it."""

    name: str
    type: str
    value: str
    id: str = ""
    checked: bool = False
    options: list[tuple[str, str]] = field(default_factory=list)


class Page(HTMLParser):
    """The controls of one form, and the names by which a person finds them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.inputs: list[Input] = []
        self.buttons: dict[str, tuple[str, str]] = {}
        self.labels: dict[str, str] = {}
        self.ids: list[str] = []
        self._text: list[str] | None = None
        self._open_label = ""
        self._button: tuple[str, str] | None = None
        self._is_unheard = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.append(found["id"])
        self._is_unheard = "aria-hidden" in found
        match tag:
            case "input":
                self._take_input(found)
            case "textarea":
                self.inputs.append(Input(found["name"], "textarea", "", found.get("id", "")))
                self._text = []
            case "select":
                self.inputs.append(Input(found["name"], "select", "", found.get("id", "")))
            case "option" if self.inputs and self.inputs[-1].type == "select":
                self.inputs[-1].options.append((found["value"], ""))
                if "selected" in found:
                    self.inputs[-1].value, self.inputs[-1].checked = found["value"], True
                self._text = []
            case "label":
                self._open_label, self._text = found.get("for", "?"), []
            case "button":
                self._button, self._text = (found.get("name", ""), found.get("value", "")), []

    def _take_input(self, found: dict[str, str]) -> None:
        kind = found.get("type", "text")
        value = found.get("value", "on" if kind in {"radio", "checkbox"} else "")
        if kind in _SANITISED and not re.fullmatch(_SANITISED[kind], value):
            value = ""
        if kind in {"time", "datetime-local"}:
            value = re.sub(r"(\.\d*?)0+$", r"\1", value.replace(" ", "T")).removesuffix(".")
            value = re.sub(r"(\d\d:\d\d):00$", r"\1", value)
        if kind in {"text", "password"}:
            value = value.replace("\r", "").replace("\n", "")
        if self._open_label == "?":
            self._open_label = found["id"]
        self.inputs.append(
            Input(found.get("name", ""), kind, value, found.get("id", ""), "checked" in found)
        )

    def handle_data(self, data: str) -> None:
        if self._text is not None and not self._is_unheard:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._is_unheard = False
        if self._text is None or tag not in {"textarea", "option", "label", "button"}:
            return
        text = "".join(self._text)
        self._text = None
        match tag:
            case "textarea":
                text = text.removeprefix("\r\n" if text.startswith("\r\n") else "\n")
                self.inputs[-1].value = text.replace("\x00", "\ufffd")
            case "option":
                self.inputs[-1].options[-1] = (self.inputs[-1].options[-1][0], text)
            case "label":
                self.labels.setdefault(" ".join(text.split()), self._open_label)
                self._open_label = ""
            case "button" if self._button:
                self.buttons.setdefault(" ".join(text.split()), self._button)

    def find(self, label: str) -> Input:
        wanted = self.labels[label]
        return next(item for item in self.inputs if item.id == wanted)

    def fill(self, label: str, text: str) -> None:
        found = self.find(label)
        if found.type == "select":
            text = next(value for value, words in found.options if words == text)
        found.value, found.checked = text, True

    def tick(self, label: str) -> None:
        found = self.find(label)
        for other in self.inputs:
            if found.type == "radio" and other.name == found.name:
                other.checked = False
        found.checked = True

    def submit(self, button: str = "") -> QueryDict:
        data = QueryDict(mutable=True)
        for item in self.inputs:
            if not item.name or item.type == "file":
                continue
            if item.type in {"radio", "checkbox"} and not item.checked:
                continue
            if item.type == "select" and not item.checked:
                item.value = item.options[0][0]
            data.appendlist(item.name, re.sub(r"\r\n|\r|\n", "\r\n", item.value))
        if button:
            data.appendlist(*self.buttons[button])
        return data


class Reviewer:
    """A person at a form: opens it, fills in fields by label, presses buttons, submits."""

    def __init__(self, schema: JSONValue) -> None:
        self.schema = schema
        self.show(open_form(schema))

    def show(self, form: Form) -> None:
        self.form = form
        self.html = str(form.render())
        self.page = Page(self.html)

    def fill(self, **answers: str) -> "Reviewer":
        for label, text in answers.items():
            self.page.fill(label.replace("_", " "), text)
        return self

    def tick(self, *labels: str) -> "Reviewer":
        for label in labels:
            self.page.tick(label)
        return self

    def press(self, button: str) -> "Reviewer":
        self.show(read_form(self.schema, self.page.submit(button)))
        return self

    def submit(self) -> Form:
        self.show(read_form(self.schema, self.page.submit()))
        return self.form

    def answer(self) -> JSONValue:
        form = self.submit()
        assert form.problems == []
        assert form.is_valid
        return form.value

    def messages(self) -> list[tuple[tuple[str | int, ...], str]]:
        return [(problem.path, problem.message) for problem in self.submit().problems]


def ask(*optional: str, **properties: JSONValue) -> Reviewer:
    """Open a form of `properties`, all of them required but those named in `optional`."""
    required: list[JSONValue] = [name for name in properties if name not in optional]
    return Reviewer({"type": "object", "properties": properties, "required": required})
