"""Templates that nobody would write, put together from what templates are made of."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from flowruns.evaluation.template_filters import TemplateRefused
from flowruns.evaluation.templates import Templates

PIECES = st.sampled_from(
    [
        *(
            "{{ ",
            " }}",
            "{% for a in ",
            "{% endfor %}",
            " %}",
            "{% if ",
            "{% else %}",
            "{% endif %}",
        ),
        *("a", "loop", "range", "'x'", "7", "1.5", "none", "[", "]", "(", ")", "{", "}", ",", ":"),
        *(" ~ ", " + ", " * ", " % ", " // ", " ** ", " in ", " is ", " not ", " and ", ".", "|"),
        *(
            "upper",
            "join",
            "sort",
            "round",
            "tojson",
            "items",
            "first",
            "even",
            "defined",
            "\\",
            "\0",
        ),
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_whatever_it_is_a_template_gives_text_or_is_refused(template: str) -> None:
    with suppress(TemplateRefused):
        assert isinstance(Templates().render(template), str)
