"""Plain Django views of the rows that our pages show: what Django itself takes for as much.

They know no policies, forms or filters: a row's texts in a table, for whoever has logged in.
"""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from approvals.models import Approval

_LIST = """<!doctype html><title>List</title><h1>{{ count }}</h1><table>{% for row in rows %}
<tr><td><a href="/approvals/{{ row.pk }}/">{{ row.title }}</a></td><td>{{ row.flow_name }}</td>
<td>{{ row.flow_run_name }}</td><td>{{ row.question }}</td><td>{{ row.outcome }}</td>
<td>{% for tag in row.tags %}<i>{{ tag }}</i> {% endfor %}</td>
<td>{{ row.opened_at|timesince }}</td><td>{{ row.expires_at|timeuntil }}</td>
{% if has_ended %}<td>{{ row.decision.decided_by }}: {{ row.decision.answer }}</td>{% endif %}</tr>
{% endfor %}</table>"""
_ONE = """<!doctype html><title>{{ row.title }}</title><h1>{{ row.title }}</h1>
<p>{{ row.question|linebreaks }}</p><p>{{ row.opened_at|timesince }}</p>
<form method="post">{% csrf_token %}<button>Approve</button></form>"""


@login_required
def list_waiting(request: HttpRequest) -> HttpResponse:
    """As many rows as a page of the inbox has."""
    rows = Approval.objects.filter(outcome="waiting").order_by("expires_at", "opened_at")
    return _render(request, _LIST, rows=rows[:30], count=rows.count())


@login_required
def list_ended(request: HttpRequest) -> HttpResponse:
    """As many rows as a page of the history has."""
    rows = Approval.objects.exclude(outcome="waiting").order_by("-closed_at")
    shown = rows.select_related("decision")[:50]
    return _render(request, _LIST, rows=shown, count=rows.count(), has_ended=True)


@login_required
def show_one(request: HttpRequest, number: str) -> HttpResponse:
    """One approval and a button."""
    return _render(request, _ONE, row=Approval.objects.get(pk=number))


def _render(request: HttpRequest, template: str, **context: object) -> HttpResponse:
    return HttpResponse(_compiled[template].render(context, request))


_compiled = {text: engines["django"].from_string(text) for text in (_LIST, _ONE)}

urlpatterns = [
    path("waiting/", list_waiting),
    path("ended/", list_ended),
    path("one/<str:number>/", show_one),
]
