"""Static files as a real server sends them, and what its operator reads of it."""

import httpx

from tests.servers import CLIENT_SECONDS, ROOT, approvals_server

APP = (ROOT / "static" / "app.js").read_bytes()


def test_static_files_leave_no_warning_in_the_operators_log() -> None:
    with (
        approvals_server() as server,
        httpx.Client(
            base_url=f"{server.url}/static/", timeout=CLIENT_SECONDS, verify=False
        ) as client,
    ):
        whole = client.get("app.js")
        assert whole.content == APP
        assert whole.headers["Content-Type"].startswith("text/javascript")
        assert client.head("app.js").headers["Content-Length"] == str(len(APP))
        known = {"If-None-Match": whole.headers["ETag"]}
        assert client.get("app.js", headers=known).status_code == 304
        part = client.get("app.js", headers={"Range": "bytes=3-9"})
        assert (part.status_code, part.content) == (206, APP[3:10])
        assert client.get("app.js", headers={"Range": "bytes=9999999-"}).status_code == 416
        assert client.post("app.js").status_code == 405
        assert client.get("admin/css/base.css").status_code == 200
        assert client.get("nothing.js").status_code == 404
        assert "Warning" not in server.log
        assert "StreamingHttpResponse" not in server.log
