"""Where everything is mounted."""

from django.contrib import admin
from django.urls import include, path

from flowruns.api.left_out import not_served
from flowruns.api.urls import api_urls

handler400 = "approvals.views.errors.bad_request"
handler500 = "approvals.views.errors.server_error"

urlpatterns = [
    path("api/", api_urls),
    path("api/<path:rest>", not_served),
    path("admin/", admin.site.urls),
    path("", include("approvals.urls")),
]
