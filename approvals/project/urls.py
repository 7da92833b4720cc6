"""Where everything is mounted."""

from django.contrib import admin
from django.urls import include, path

from approvals.api import absences
from flowruns.api.left_out import not_served
from flowruns.api.urls import api, mount_api

handler400 = "approvals.views.errors.bad_request"
handler500 = "approvals.views.errors.server_error"

api.add_router("/desk", absences.router)

urlpatterns = [
    path("api/", mount_api()),
    path("api/<path:rest>", not_served),
    path("admin/", admin.site.urls),
    path("", include("approvals.urls")),
]
