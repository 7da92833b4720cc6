"""Where everything is mounted."""

from django.contrib import admin
from django.urls import include, path

from flowruns.api.urls import api, not_served

urlpatterns = [
    path("api/", api.urls),
    path("api/<path:rest>", not_served),
    path("admin/", admin.site.urls),
    path("", include("approvals.urls")),
]
