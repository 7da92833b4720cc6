"""The addresses that templates write, beside those of Django's own tag."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.template import Context, Engine, Template
from django.urls import NoReverseMatch, set_script_prefix

_KEPT = ["approvals.templatetags.addresses"]
_ID = uuid4()


@pytest.fixture(params=["/", "/approvals/", "/a&b/"])
def prefix(request: pytest.FixtureRequest) -> Iterator[str]:
    set_script_prefix(request.param)
    yield request.param
    set_script_prefix("/")


def write(source: str, *, builtins: list[str]) -> str:
    context = Context({"name": "history", "id": _ID})
    return Template(source, engine=Engine(builtins=builtins)).render(context)


@pytest.mark.parametrize(
    "source",
    [
        "{% url 'inbox' %}",
        "{% url name %}",
        "{% autoescape off %}{% url 'inbox' %}{% endautoescape %} {% url 'inbox' %}",
        "{% url 'approval' id %}",
        "{% url 'history' as there %}[{{ there }}]",
        "{% url 'no-such-page' as there %}[{{ there }}]",
        "{% url 'admin:index' %}",
    ],
)
def test_an_address_is_the_one_that_django_writes(source: str, prefix: str) -> None:
    expected = write(source, builtins=[])
    assert [write(source, builtins=_KEPT) for _ in range(2)] == [expected, expected]


def test_an_address_that_is_none_is_an_error_each_time() -> None:
    for _ in range(2):
        with pytest.raises(NoReverseMatch, match="no-such-page"):
            write("{% url 'no-such-page' %}", builtins=_KEPT)
