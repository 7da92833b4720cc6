"""Static files under ASGI, where Django takes an answer that reads a file for a fault."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """WhiteNoise, with each file read before it is sent: a streamed one would be read all at once
    by Django's handler, which warns of it in the operator's log.
    """

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        headers: dict[str, Any] = dict(found.headers)
        content = _read(found.file)
        if content:
            headers["Content-Length"] = str(len(content))  # the file may be a newer one by now
        response = HttpResponse(content, status=int(found.status), headers=headers)
        if "Content-Type" not in headers:
            del response["Content-Type"]
        return response


def _read(file: Any) -> bytes:
    if file is None:
        return b""
    with file:
        return bytes(file.read())
