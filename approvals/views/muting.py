"""The link of each mail that ends mail: a page with a button, and RFC 8058's one click."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from approvals.messages.muting import find_muted_by, turn_off


@csrf_exempt  # mail programs post without our cookies; the token does nothing but this
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mute_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Turn mail off by POST; a GET, which scanners make, shows a button and changes nothing."""
    channel = find_muted_by(token)
    if channel is None:
        raise Http404("No such address of a mail.")
    if request.method == "POST":
        turn_off(channel)
    return render(request, "approvals/mute.html", {"is_done": request.method == "POST"})
