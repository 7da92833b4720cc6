"""The foot of each page: help about this page, and the version for those who have logged in."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import resolve

from approvals.display.manual import find_chapter
from approvals.templatetags.help import HELP, help_address
from flowruns.domain.version import VERSION
from tests.doors import find_doors

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client: Client) -> Client:
    client.force_login(
        User.objects.create_user("alice"), "django.contrib.auth.backends.ModelBackend"
    )
    return client


def help_of(client: Client, path: str) -> str:
    found = re.search(r'<footer.*?<a href="([^"]+)">Help</a>', client.get(path).content.decode())
    assert found, path
    return found[1]


@pytest.mark.parametrize(
    ("path", "chapter"),
    [
        ("/", "/docs/reviewing/#the-inbox"),
        ("/history/", "/docs/reviewing/#the-history"),
        ("/preview/", "/docs/testing/#preview-a-form"),
        ("/accounts/password/", "/docs/operate/#people"),
        ("/api/docs", "/docs/api/"),
        ("/docs/", "/docs/"),
        ("/nothing/", "/docs/"),
    ],
)
def test_a_page_leads_to_the_chapter_about_it(alice: Client, path: str, chapter: str) -> None:
    assert help_of(alice, path) == chapter


def test_every_chapter_of_help_has_its_heading_and_every_page_is_there() -> None:
    for place in HELP.values():
        name, _, anchor = place.partition("#")
        chapter = find_chapter(name)
        assert chapter, name
        assert not anchor or anchor in {section.anchor for section in chapter.sections}
    names = {resolve(door.path).url_name for door in find_doors() if "admin" not in door.route}
    assert set(HELP) <= names


def test_a_page_without_a_request_leads_to_the_contents() -> None:
    assert help_address({}) == "/docs/"


def test_strangers_find_help_and_are_not_told_the_version(client: Client) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert 'href="/docs/operate/#people"' in page
    assert VERSION not in page


def test_the_version_is_at_the_foot(alice: Client) -> None:
    assert f"Approvals {VERSION}</p>" in alice.get("/").content.decode()
