"""/ui/schemas"""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.auth import may_read_variables
from flowruns.api.http import respond
from flowruns.services import schema_trials as services
from flowruns.wire.schemas import SchemaTrial, SchemaTrialResult

router = Router(tags=["Schema validation"])


@router.post("/validate", auth=auth.readers, response=SchemaTrialResult)
def try_values(request: HttpRequest, trial: SchemaTrial) -> HttpResponse:
    """Say what is wrong with values, placeholders among them, before they are sent."""
    return respond(services.try_values(trial, may_read_variables=may_read_variables(request)))
