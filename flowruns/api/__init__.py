"""The JSON API: Prefect 3.9's REST dialect over the services."""

import sys

from django.core import signals

# Ninja 1.7 takes a signal of Django's core from `django.test`, which would load the test framework
# into every server: 3 MB, and time of its start (vitalik/django-ninja#1772).
_is_loaded = "django.test.signals" in sys.modules
if not _is_loaded:
    sys.modules["django.test.signals"] = signals

from ninja import Schema  # noqa: E402 -- its signal first
from ninja.params.models import ParamModel  # noqa: E402 -- its signal first

if not _is_loaded:
    del sys.modules["django.test.signals"]

# Each operation has models of its parameters and answers. They are built for its first request,
# because to build those of all operations takes a process half as long as to start.
for _model in (Schema, ParamModel):
    _model.model_config["defer_build"] = True
