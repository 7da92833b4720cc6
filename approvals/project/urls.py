"""Where everything is mounted."""

from django.contrib import admin
from django.urls import include, path

from flowruns.api.urls import api

urlpatterns = [
    path("api/", api.urls),
    path("admin/", admin.site.urls),
    path("", include("approvals.urls")),
]
