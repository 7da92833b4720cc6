"""Decisions in the history are told apart, found, counted and exported."""

import asyncio
import csv
import io
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from approvals.models import Approval
from approvals.services import history
from tests.integration.conftest import Make
from tests.integration.pages import YES, ask, log_in, page_of, text_of

NO = {"f.0": "0", "f.1": "no receipt"}
ADDRESS = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "title": "City"},
        "street": {"type": "string", "title": "Street"},
        "token": {"type": "string", "format": "password", "title": "Token"},
    },
    "required": ["city", "street", "token"],
}


def answer(make_run: Make, fields: dict[str, str], **options: Any) -> Approval:
    schema = {"schema": options.pop("schema")} if "schema" in options else {}
    question = {"question": options.pop("question")} if "question" in options else {}
    approval = ask(make_run(**options), **question, **schema)
    assert log_in().post(page_of(approval), fields).status_code == 302
    return approval


def read_csv(**filters: str) -> list[dict[str, str]]:
    response = log_in().get("/history/export/", filters)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(response).decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_yes_and_a_no_are_told_apart(make_run: Make) -> None:
    answer(make_run, NO, name="refused-otter")
    answer(make_run, YES, name="agreed-heron")
    page = log_in().get("/history/").content.decode()
    agreed, refused = page.split('class="row"')[1:]
    assert 'badge-good">Yes<' in agreed
    assert 'badge-bad">No<' in refused
    assert "no receipt" in refused


def test_the_first_fields_are_shown_where_no_yes_or_no_was_asked_but_no_secret(
    make_run: Make,
) -> None:
    answer(make_run, {"f.0": "Rome", "f.1": "Via Appia", "f.2": "hunter2"}, schema=ADDRESS)
    text = text_of(log_in().get("/history/"))
    assert "City Rome Street Via Appia" in text
    assert "hunter2" not in text


def test_what_asked_for_no_answer_was_approved(make_run: Make) -> None:
    run = make_run()
    run.pause()
    log_in().post(page_of(Approval.objects.get(flow_run_id=run.uuid)))
    assert "Approved" in text_of(log_in().get("/history/"))


def test_a_search_finds_every_word_in_what_the_list_shows(make_run: Make) -> None:
    answer(make_run, YES, name="answered-otter", question="Refund for *Lamps*?")
    other = ask(make_run(name="rejected-heron"))
    log_in("bob").post(f"{page_of(other)}reject/", {"reason": "too risky"})

    def found(text: str) -> list[str]:
        entries = log_in().get("/history/", {"q": text}).context["entries"]
        return [entry.approval.flow_run_name for entry in entries]

    assert found("lamps OTTER") == ["answered-otter"]
    assert found("risky") == found("bob") == ["rejected-heron"]
    assert found("lamps heron") == []
    assert found("  ") == ["rejected-heron", "answered-otter"]


def test_a_search_does_not_betray_a_secret(make_run: Make) -> None:
    answer(make_run, {"f.0": "Rome", "f.1": "Via Appia", "f.2": "hunter2"}, schema=ADDRESS)
    assert "Nothing was decided that matches" in text_of(log_in().get("/history/?q=hunter"))


def close(approval: Approval, moment: str) -> None:
    Approval.objects.filter(pk=approval.pk).update(closed_at=datetime.fromisoformat(moment))


@pytest.mark.parametrize(
    ("days", "names"),
    [
        ({"from": "2026-03-02"}, ["after", "late", "early"]),
        ({"to": "2026-03-02"}, ["late", "early", "before"]),
        ({"from": "2026-03-02", "to": "2026-03-02"}, ["late", "early"]),
        ({"from": "2026-03-03", "to": "2026-03-01"}, []),
        ({"from": "yesterday", "to": ""}, ["after", "late", "early", "before"]),
        ({"to": "9999-12-31"}, ["after", "late", "early", "before"]),
    ],
)
def test_days_count_in_the_readers_zone_both_included(
    make_run: Make, days: dict[str, str], names: list[str]
) -> None:
    moments = {
        "before": "2026-03-01T14:59:59+00:00",
        "early": "2026-03-01T15:00:00+00:00",  # midnight in Tokyo
        "late": "2026-03-02T14:59:59+00:00",
        "after": "2026-03-02T15:00:00+00:00",
    }
    for name, moment in moments.items():
        close(answer(make_run, YES, name=name), moment)
    client = log_in()
    client.cookies["timezone"] = "Asia/Tokyo"
    entries = client.get("/history/", days).context["entries"]
    assert [entry.approval.flow_run_name for entry in entries] == names


def test_the_total_is_that_of_the_filters_and_bounded(
    make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "three"):
        answer(make_run, YES, name=name)
    assert "3 approvals ended" in text_of(log_in().get("/history/"))
    assert "1 approval matches" in text_of(log_in().get("/history/?q=two"))
    assert "3 approvals match," in text_of(log_in().get("/history/?person=alice"))
    monkeypatch.setattr(history, "MAX_COUNTED", 2)
    assert "More than 2 approvals ended" in text_of(log_in().get("/history/"))


def test_what_is_filtered_is_exported_whole(
    make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_PART", 1)
    answer(make_run, YES, name="one")
    answer(make_run, NO, name="two")
    other = ask(make_run(name="three"))
    log_in("bob").post(f"{page_of(other)}reject/", {"reason": "too risky"})
    assert [row["Run"] for row in read_csv()] == ["three", "two", "one"]
    assert [row["Run"] for row in read_csv(person="alice", q="two")] == ["two"]
    rejected, refused, _ = read_csv()
    assert (rejected["Outcome"], rejected["Reason"]) == ("Rejected", "too risky")
    assert (refused["Decided by"], refused["Answer"]) == (
        "alice",
        "Approve: No; Reason: no receipt",
    )


def test_what_is_deleted_while_it_is_read_ends_neither_the_export_nor_the_pages(
    make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "three"):
        answer(make_run, YES, name=name)
    find_all = history._rows.find_all

    def delete_and_find(keys: list[UUID]) -> list[Approval]:
        Approval.objects.filter(flow_run_name="three").delete()
        return find_all(keys)

    monkeypatch.setattr(history._rows, "find_all", delete_and_find)
    monkeypatch.setattr(history, "_PART", 1)
    assert [row["Run"] for row in read_csv()] == ["two", "one"]
    answer(make_run, YES, name="three")
    monkeypatch.setattr(history, "PAGE_SIZE", 2)
    assert "Older" in text_of(log_in().get("/history/"))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "\n+", "\uff1d"])
def test_no_cell_of_the_export_is_a_formula(make_run: Make, start: str) -> None:
    evil = f"{start}HYPERLINK(1)"
    other = ask(make_run(name=f"{start}cmd", tags=[f"{start}tag"]), question=evil)
    Approval.objects.filter(pk=other.pk).update(question=evil, flow_run_name=evil)
    log_in("bob").post(f"{page_of(other)}reject/", {"reason": f"x {evil}"})
    row = read_csv()[0]
    assert row["Question"] == row["Run"] == f"'{evil}"
    assert not any(
        cell.startswith(("=", "+", "-", "@", "\t", "\n", "\uff1d")) for cell in row.values()
    )


def test_an_export_holds_times_in_the_readers_zone_and_commas_and_lines(make_run: Make) -> None:
    approval = answer(make_run, {"f.0": "1", "f.1": 'a, "b"\nc'}, name="one")
    close(approval, "2026-03-01T15:00:00+00:00")
    client = log_in()
    client.cookies["timezone"] = "Asia/Tokyo"
    text = b"".join(client.get("/history/export/")).decode()
    assert "2026-03-02 00:00:00+09:00" in text
    assert read_csv()[0]["Answer"].splitlines() == ['Approve: Yes; Reason: a, "b"', "c"]


@pytest.mark.django_db(transaction=True)
def test_an_export_is_streamed_by_an_asynchronous_server(make_run: Make) -> None:
    answer(make_run, YES, name="one")
    alice = User.objects.get(username="alice")

    async def export() -> str:
        client = AsyncClient()
        await client.aforce_login(alice, backend="django.contrib.auth.backends.ModelBackend")
        response: Any = await client.get("/history/export/")
        assert response.is_async
        return b"".join([part async for part in response]).decode()

    assert ",one," in asyncio.run(export())


def test_an_export_is_for_reviewers(db: None) -> None:
    from django.test import Client

    assert Client().get("/history/export/").status_code == 302


def test_back_leads_to_the_list_that_a_page_was_opened_from(make_run: Make) -> None:
    approval = answer(make_run, YES, name="one")
    client = log_in()
    page = client.get("/history/?q=one&person=alice").content.decode()
    link = page.split('class="row-link" href="')[1].split('"')[0]
    assert link.startswith(f"{page_of(approval)}?back=")
    opened = client.get(link).content.decode()
    assert f'href="/history/?q=one&amp;person=alice#row-{approval.pk}"' in opened


def test_back_to_the_inbox_survives_a_refused_and_a_sent_answer(make_run: Make) -> None:
    approval, client = ask(make_run(name="one")), log_in()
    page = client.get("/?q=one").content.decode()
    link = page.split('class="row-link" href="')[1].split('"')[0]
    refused = client.post(link, {"f.1": "no choice"})
    assert refused.status_code == 422
    assert f'href="/?q=one#row-{approval.pk}"' in refused.content.decode()
    sent = client.post(link, YES)
    assert f'href="/?q=one#row-{approval.pk}"' in client.get(sent["Location"]).content.decode()


def test_back_from_a_rejection_is_the_same_list(make_run: Make) -> None:
    approval, client = ask(make_run(name="one")), log_in()
    address = f"{page_of(approval)}reject/?back=/%3Fq%3Done"
    assert f'href="{page_of(approval)}?back=%2F%3Fq%3Done"' in client.get(address).content.decode()
    assert client.post(address, {"reason": "no"})["Location"].endswith("?back=%2F%3Fq%3Done")


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example/",
        "https://evil.example/",
        "javascript:1",
        "/admin/",
        "",
        "\\evil",
        "//approvals/x/",
    ],
)
def test_back_leads_nowhere_else(make_run: Make, address: str) -> None:
    approval = ask(make_run(name="one"))
    page = log_in().get(page_of(approval), {"back": address}).content.decode()
    assert f'href="/#row-{approval.pk}"' in page
