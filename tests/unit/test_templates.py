"""Templates in answers: what they give, and that none of them costs much, whatever it asks for."""

import time
import tracemalloc

import pytest

from flowruns.evaluation.template_filters import TemplateRefused
from flowruns.evaluation.templates import MAX_CHARACTERS, MAX_RENDERED, MAX_TEMPLATES, Templates

GIVES = {
    "{{ 2 + 2 }}": "4",
    "Hello {{ name }}!": "Hello !",
    "{{ foo.bar['baz'] }}": "",
    "{{ none }} {{ true }} {{ 1.5 }} {{ [1, 'a'] }}": "None True 1.5 [1, 'a']",
    "{{ 'a' ~ 1 ~ 'b' }}{{ 'c' + 'd' }}": "a1bcd",
    "{{ 7 // 2 }} {{ 7 / 2 }} {{ 7 % 2 }} {{ 3 * 4 }} {{ -7 }}": "3 3.5 1 12 -7",
    "{{ 'yes' if 1 < 2 <= 2 and not 3 == 4 else 'no' }}": "yes",
    "{{ 'b' in 'abc' }} {{ 4 not in [1, 2] }} {{ 2 is even }} {{ x is defined }}": (
        "True True True False"
    ),
    "{{ 'abc'[1:] }}{{ [1, 2][0] }}{{ {'a': 3}.a }}": "bc13",
    "{% if 0 %}a{% elif 1 %}b{% else %}c{% endif %}": "b",
    "{% for n in range(3) if n %}{{ loop.index }}:{{ n }} {% else %}none{% endfor %}": "1:1 2:2 ",
    "{% for k, v in {'a': 1}|items %}{{ k }}={{ v }}{% endfor %}": "a=1",
    "{% for a in range(20) %}{% for b in range(20) %}{% endfor %}{% endfor %}done": "done",
    "{{ ['b', 'a']|sort|join(', ')|upper }}": "A, B",
    "{{ 'a-b'|replace('-', '+')|capitalize }} {{ 3.14159|round(2) }}": "A+b 3.14",
    "{{ 2.1|round(method='ceil') }} {{ x|default('d') }} {{ '7'|int + 1 }}": "3.0 d 8",
    "{{ 'abc'|reverse }} {{ [1, 1]|unique|list }} {{ [1, 2]|sum }}": "cba [1] 3",
    "{{ {'b': [1, none], 'a': '<'}|tojson }}": '{"a": "\\u003c", "b": [1, null]}',
    "{% raw %}{{ x }}{% endraw %}{{ 1 }}": "{{ x }}1",
    "no template {# nor this #}": "no template {# nor this #}",
    "": "",
}

WORDS = {  # what is refused, and a word of the reason
    "{{ name": "unexpected end of template, expected 'end of print statement'",
    "{# never closed": "comment",
    "{{ 1 // 0 }}": "ZeroDivisionError",
    "{{ 1 + 'a' }}": "TypeError",
    "{{ foo.bar.baz() }}": "range",
    "{{ 'x'|nope }}": "filter 'nope'",
    "{{ 1 is sameas 1 }}": "test 'sameas'",
    "{% for i in [1] %}" * 3 + "{% endfor %}" * 3: "nested for loops at a depth of 3",
    "{% for i in [1] %}{% endfor %}" * 11: "11 for loops",
}

BIG = "'" + "x y" * 3000 + "'"
HOSTILE = [
    "{{ 'a' * 10**9 }}",
    "{{ 'a' * 1000000000 }}",
    "{{ 1000000000 * ['a'] }}",
    "{{ 2 ** 1000000 }}",
    "{{ 9999999999 * 9999999999 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%1000000000d' is odd }}",
    "{{ '%1000000000d' is divisibleby 1 }}",
    "{{ '{:>1000000000}'.format(1) }}",
    "{{ '{:>1000000000}'|format(1) }}",
    "{% for f in ['{:>1000000000}'.format] %}{{ f(1) }}{% endfor %}",
    "{% for range in ['{:>1000000000}'.format] %}{{ range(1) }}{% endfor %}",
    "{{ 'a'.center(1000000000) }}",
    "{{ 'a'|center(1000000000) }}",
    "{{ 'a'|indent(1000000000) }}",
    "{{ [1]|batch(1000000000, 0)|list }}",
    "{{ [1]|slice(1000000000)|list }}",
    "{{ 'a b'|wordwrap(1, wrapstring='x' * 1000000) }}",
    "{{ {}|tojson(indent=1000000000) }}",
    "{{ 1.5|round(1000000000) }}",
    "{{ range(1000000000) }}",
    "{{ range(1000000000)|list }}",
    "{% for i in range(101) %}{% endfor %}",
    (
        "{% for a in range(100) %}{% for b in range(100) %}{{ 'aaaaaaaaaaaaaaa' }}"
        "{% endfor %}{% endfor %}"
    ),
    (
        "{% for a in range(100) %}{% for b in range(100) %}{{ range(100)|sum if 0 }}"
        "{% endfor %}{% endfor %}"
    ),
    "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "{% for i in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}",
    "{% set a = 'aaaa' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "{% with a = 'aaaa' %}{% with b = a ~ a %}{{ b }}{% endwith %}{% endwith %}",
    "{% filter center(1000000000) %}a{% endfilter %}",
    "{% block a %}{{ self.a() }}{% endblock %}",
    "{% include 'x' %}",
    "{% extends 'x' %}",
    "{% import 'x' as x %}",
    "{{ lipsum(1000000) }}",
    "{{ namespace(a=1) }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''.upper }}",
    "{{ range }}",
    "{{ self }}",
    "{{ '" + "a" * 4000 + "'|replace('a', '" + "b" * 4000 + "')|replace('b', 'cc') }}",
    "{{ [" + "1," * 3000 + "]|join('" + "x" * 3000 + "') }}",
    "{% for a in ['" + "x" * 3000 + "'] %}{% for b in [" + "~".join("a" * 500) + "] %}"
    "{{ " + "~".join("b" * 500) + " }}{% endfor %}{% endfor %}",
    "{% for a in [[" + "1," * 900 + "]] %}{{ [" + "a," * 900 + "] }}{% endfor %}",
    "{% for s in [" + BIG + "] %}{% for b in range(100) %}{% if "
    "s|title|lower|title|lower|title|lower|title %}{% endif %}{% endfor %}{% endfor %}",
    "{% for s in ['" + "a" * 9000 + "'] %}{% for b in range(100) %}{% if "
    "(s[:4000] ~ 'b' ~ s[:4000]) in s %}{% endif %}{% endfor %}{% endfor %}",
    "{% for b in range(100) %}{% if [" + "2,1," * 1500 + "]|sort|list %}{% endif %}{% endfor %}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{{ " + "[" * 60 + "]" * 60 + " }}",
    "{{ 1" + "+1" * 3000 + " }}",
    "{{ " + "not " * 2000 + "1 }}",
    "{{ a" + ".b" * 4000 + " }}",
    "{{ a" + "|upper" * 1500 + " }}",
    "{{ " + "1 if 0 else " * 800 + "2 }}",
    "{{ " + "9" * 5000 + " }}",
    "{{ " + "9" * 30 + " }}",
    "{" * 10_000,
    "{{ 1 }}" * (MAX_CHARACTERS // 7 + 1),
    "{% autoescape true %}{{ 1 }}{% endautoescape %}",
]


@pytest.mark.parametrize(("template", "given"), GIVES.items())
def test_templates_give_what_jinja_gives(template: str, given: str) -> None:
    assert Templates().render(template) == given


@pytest.mark.parametrize(("template", "word"), WORDS.items())
def test_a_refusal_says_why(template: str, word: str) -> None:
    with pytest.raises(TemplateRefused, match=word):
        Templates().render(template)


@pytest.mark.slow
@pytest.mark.parametrize("template", HOSTILE, ids=lambda template: template[:50])
def test_a_hostile_template_is_refused_at_little_cost(template: str) -> None:
    tracemalloc.start()
    begun = time.process_time()
    try:
        with pytest.raises(TemplateRefused):
            Templates().render(template)
        assert time.process_time() - begun < 10  # it takes far less, but not under each load
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_all_templates_of_a_request_share_one_allowance() -> None:
    templates = Templates()
    for _ in range(MAX_TEMPLATES):
        assert templates.render("") == ""
    with pytest.raises(TemplateRefused, match="100 templates"):
        templates.check("")
    many = "{% for a in range(100) %}{% for b in range(40) %}{% endfor %}{% endfor %}"
    templates = Templates()
    with pytest.raises(TemplateRefused, match="steps"):
        [templates.render(many) for _ in range(50)]
    templates = Templates()
    wide = "{{ '" + "x" * 90 + "' }}"
    with pytest.raises(TemplateRefused, match=f"{MAX_RENDERED:,}"):
        templates.render("{% for a in range(100) %}" + wide * 20 + "{% endfor %}")


def test_a_template_that_is_only_checked_is_not_rendered() -> None:
    Templates().check("{{ 1 // 0 }}")
    with pytest.raises(TemplateRefused):
        Templates().check("{{ 2 ** 2 }}")
