"""Static files, served by WhiteNoise in front of Django's handler, its middleware and threads."""

from functools import cache
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.csp import ContentSecurityPolicyMiddleware
from django.middleware.security import SecurityMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

type Application = Any  # of ASGI


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


def serve_static(app: Application) -> Application:
    """Answer for static files, which are looked for by the first request, and pass on all else."""
    prefix = settings.STATIC_URL.removeprefix(settings.ROOT_PATH)  # as the path of a scope

    @cache
    def find_files() -> tuple[StaticFiles, Any]:
        files = StaticFiles()
        return files, SecurityMiddleware(ContentSecurityPolicyMiddleware(files))

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(prefix):
            await app(scope, receive, send)
            return
        files, answer = find_files()
        if scope["path"] not in files.files:
            await app(scope, receive, send)
            return
        whole = f"{scope.get('root_path', '')}{scope['path']}"  # as Django reads it
        response = answer(ASGIRequest({**scope, "path": whole}, BytesIO()))
        headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
        status = response.status_code
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": response.content})

    return application
