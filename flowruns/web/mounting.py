"""A server below a path of its host, as in https://example.com/approvals/."""

import re

from flowruns.web.types import Application, Receive, Scope, Send

# A page of ours with the name of a likely root: behind a proxy that takes the root off, it is whole
_APPROVAL = re.compile(r"/approvals/[0-9a-fA-F-]{36}(/|$)")


def mount_at(root: str, app: Application) -> Application:
    """Take `root`, such as "/approvals" or "", off each path; inside, `scope["path"]` has none.

    What comes without it is answered, too: probes and flows that ask this process itself, and a
    proxy that has taken it off.
    """
    if not root:
        return app

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == root:
            await _redirect_into(root, scope, send)
        else:
            path = _take_off(root, scope["path"])
            await app({**scope, "root_path": root, "path": path}, receive, send)

    return application


def to_whole(scope: Scope) -> Scope:
    """Return a scope as Django reads it: there the path begins with the root."""
    root = scope.get("root_path", "")
    return {**scope, "path": f"{root}{scope['path']}"} if root else scope


def _take_off(root: str, path: str) -> str:
    if not path.startswith(f"{root}/") or _APPROVAL.match(path):
        return path
    return path[len(root) :]


async def _redirect_into(root: str, scope: Scope, send: Send) -> None:
    """Send whoever asks for the root without its last slash to the inbox."""
    query = scope.get("query_string", b"")
    location = f"{root}/".encode() + (b"?" + query if query else b"")
    headers = [(b"location", location), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 308, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
