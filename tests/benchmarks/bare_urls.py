"""One operation of Ninja, beside Django's admin."""

from django.contrib import admin
from django.urls import path
from ninja import NinjaAPI, Schema

api = NinjaAPI()


class Ready(Schema):
    ready: bool


@api.get("/ready", response=Ready)
def read_ready(request: object) -> Ready:
    """Say that it answers."""
    return Ready(ready=True)


urlpatterns = [path("admin/", admin.site.urls), path("api/", api.urls)]
