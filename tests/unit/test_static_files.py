import hashlib
import re
from pathlib import Path

import pytest
from django.test import RequestFactory
from whitenoise.responders import StaticFile

from approvals.web.static_files import StaticFiles
from tests.servers import ROOT

STATIC = ROOT / "static"
TEMPLATES = [*sorted((ROOT / "templates").rglob("*.html"))]
VENDORED = [
    line.split()
    for line in (STATIC / "vendor" / "VERSIONS").read_text().splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(
    ("name", "digest"), [(entry[0], entry[-1]) for entry in VENDORED], ids=lambda value: value[:20]
)
def test_a_vendored_file_is_the_one_that_was_recorded(name: str, digest: str) -> None:
    assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest


def test_every_vendored_file_is_recorded_with_its_licence() -> None:
    files = {path.name for path in (STATIC / "vendor").iterdir()}
    licences = {name for name in files if name.endswith(("LICENSE", "LICENSE.md"))}
    assert files - licences - {"VERSIONS"} == {entry[0] for entry in VENDORED}
    assert len(licences) == len(VENDORED)


def test_every_icon_that_a_page_shows_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    used = {
        name for path in TEMPLATES for name in re.findall(r'{% icon "([^"]+)" %}', path.read_text())
    }
    assert used <= sprite


def test_no_page_loads_anything_from_elsewhere() -> None:
    for path in [*TEMPLATES, *STATIC.glob("*.css"), *STATIC.glob("*.js")]:
        loads = re.findall(r'(?:src|href)="(?:https?:)?//|url\((?!#)|@import', path.read_text())
        assert loads == [], path.name


def test_a_file_that_has_changed_since_the_server_began_is_sent_whole(tmp_path: Path) -> None:
    path = tmp_path / "app.css"
    path.write_text("old")
    file = StaticFile(str(path), [("Content-Type", "text/css")])
    path.write_text("newer")
    response = StaticFiles.serve(file, RequestFactory().get("/static/app.css"))
    assert (response.content, response["Content-Length"]) == (b"newer", "5")
