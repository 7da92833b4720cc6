"""The JSON API: Prefect 3.8's REST dialect over the services."""

from ninja import Schema
from ninja.params.models import ParamModel

# Each operation has models of its parameters and answers. They are built for its first request,
# because to build those of all operations takes a process half as long as to start.
for _model in (Schema, ParamModel):
    _model.model_config["defer_build"] = True
