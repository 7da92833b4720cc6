"""/variables: for keys of flows alone, since values may be confidential."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.http import respond, respond_empty, respond_json, respond_list
from flowruns.services import variables as services
from flowruns.services.variables import present_variable
from flowruns.wire.variables import (
    Variable,
    VariableCreate,
    VariableCriteria,
    VariableQuery,
    VariableUpdate,
)

router = Router(tags=["Variables"], auth=auth.flows)


@router.post("/", response={201: Variable})
def create_variable(request: HttpRequest, variable: VariableCreate) -> HttpResponse:
    return respond(present_variable(services.create_variable(variable)), status=201)


@router.post("/filter", response=list[Variable])
def read_variables(request: HttpRequest, query: VariableQuery | None = None) -> HttpResponse:
    found = services.read_variables(query or VariableQuery())
    return respond_list(Variable, [present_variable(variable) for variable in found])


@router.post("/count", response=int)
def count_variables(request: HttpRequest, criteria: VariableCriteria | None = None) -> HttpResponse:
    return respond_json(services.count_variables(criteria or VariableCriteria()))


@router.get("/{uuid:variable_id}", response=Variable)
def read_variable(request: HttpRequest, variable_id: UUID) -> HttpResponse:
    return respond(present_variable(services.read_variable(variable_id)))


@router.patch("/{uuid:variable_id}", response={204: None})
def update_variable(
    request: HttpRequest, variable_id: UUID, changes: VariableUpdate
) -> HttpResponse:
    services.update_variable(variable_id, changes)
    return respond_empty()


@router.delete("/{uuid:variable_id}", response={204: None})
def delete_variable(request: HttpRequest, variable_id: UUID) -> HttpResponse:
    services.delete_variable(variable_id)
    return respond_empty()


@router.get("/name/{name}", response=Variable)
def read_variable_by_name(request: HttpRequest, name: str) -> HttpResponse:
    return respond(present_variable(services.read_variable(name)))


@router.patch("/name/{name}", response={204: None})
def update_variable_by_name(
    request: HttpRequest, name: str, changes: VariableUpdate
) -> HttpResponse:
    services.update_variable(name, changes)
    return respond_empty()


@router.delete("/name/{name}", response={204: None})
def delete_variable_by_name(request: HttpRequest, name: str) -> HttpResponse:
    services.delete_variable(name)
    return respond_empty()
