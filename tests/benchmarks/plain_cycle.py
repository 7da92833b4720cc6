"""Plain Django views that write the rows of a pause and its answer, and answer with the run.

They judge nothing, know no keys and no policies, check no answer and wake nobody: what is left is
what Django takes for the rows themselves.
"""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from approvals.models import Approval, Decision, Facet, Step
from flowruns.models import Event, FlowRun, FlowRunState, RunInput

_HERE = {"actor_kind": "api_key", "actor_name": "plain"}


@csrf_exempt
@transaction.atomic
def begin(request: HttpRequest) -> HttpResponse:
    """Store a run that goes on."""
    run = FlowRun.objects.create(flow_id=json.loads(request.body)["flow_id"], name="plain")
    _move(run, "RUNNING")
    return _show(run)


@csrf_exempt
@transaction.atomic
def ask(request: HttpRequest, number: UUID) -> HttpResponse:
    """Store what is asked."""
    said = json.loads(request.body)
    RunInput.objects.create(flow_run_id=number, key=said["key"], value=said["value"], **_HERE)
    return HttpResponse(status=201)


@csrf_exempt
@transaction.atomic
def pause(_: HttpRequest, number: UUID) -> HttpResponse:
    """Let the run wait, and open what a person sees of it."""
    run = FlowRun.objects.select_related("flow").get(pk=number)
    state = _move(run, "PAUSED")
    approval = Approval.objects.create(
        flow_run_id=run.pk,
        pause_state_id=state.pk,
        flow_name=run.flow.name,
        flow_run_name=run.name,
        asks_for_input=True,
        opened_at=state.timestamp,
    )
    Facet.objects.create(approval=approval, kind=Facet.Kind.FLOW, name=run.flow.name)
    Step.objects.create(approval=approval, kind=Step.Kind.LAST_CALL, at=state.timestamp)
    return _show(run)


def read(_: HttpRequest, number: UUID) -> HttpResponse:
    """Show the run."""
    return _show(FlowRun.objects.get(pk=number))


@csrf_exempt
@transaction.atomic
def resume(request: HttpRequest, number: UUID) -> HttpResponse:
    """Let the run go on, close what a person saw, and store what was answered."""
    run = FlowRun.objects.select_related("flow").get(pk=number)
    assert run.state_id is not None
    approval = Approval.objects.get(pause_state_id=run.state_id)
    state = _move(run, "RUNNING")
    approval.outcome, approval.closed_at = Approval.Outcome.ANSWERED, state.timestamp
    approval.save()
    answer = json.dumps(json.loads(request.body)["run_input"])
    Decision.objects.create(approval=approval, decided_at=state.timestamp, answer=answer)
    approval.facets.all().delete()
    approval.steps.all().delete()
    RunInput.objects.create(flow_run=run, key=f"{state.pk}-response", value=answer, **_HERE)
    return _show(run)


def _move(run: FlowRun, kind: str) -> FlowRunState:
    """Store a run's next state, and the event that tells of it."""
    now = datetime.now(UTC)
    state = FlowRunState.objects.create(
        id=uuid4(),
        flow_run=run,
        version=run.version + 1,
        type=kind,
        name=kind.capitalize(),
        timestamp=now,
        **_HERE,
    )
    run.version, run.state = state.version, state
    run.state_type, run.state_name, run.state_timestamp = kind, state.name, now
    run.save()
    Event.objects.create(
        id=state.pk,
        occurred=now,
        received=now,
        event=f"prefect.flow-run.{state.name}",
        resource_id=f"prefect.flow-run.{run.pk}",
        resource={"prefect.resource.id": f"prefect.flow-run.{run.pk}"},
    )
    return state


def _show(run: FlowRun) -> HttpResponse:
    return JsonResponse(model_to_dict(run) | {"id": run.pk})


urlpatterns = [
    path("api/flow_runs/", begin),
    path("api/flow_runs/<uuid:number>/input", ask),
    path("api/flow_runs/<uuid:number>/set_state", pause),
    path("api/flow_runs/<uuid:number>", read),
    path("api/flow_runs/<uuid:number>/resume", resume),
]
