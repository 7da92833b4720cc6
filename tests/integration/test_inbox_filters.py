"""The inbox as a list to work through: what is chosen, how it is counted and ordered."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from approvals.models import Approval, Facet, Seat
from approvals.services.facets import list_choices
from approvals.services.filters import Due, InboxFilters, Sort, Which
from approvals.services.inbox import list_waiting, next_waiting, read_inbox
from approvals.services.presence import note_presence
from approvals.services.seats import apply_again
from approvals.web.inbox_address import read_filters, write_filters
from tests.benchmarks.crowded_inbox import fill_inbox
from tests.integration.conftest import Make
from tests.integration.pages import FROM_HTMX, ask, log_in, page_of, text_of
from tests.teams import hold, make_teams, person, say_no, say_yes

ALL = InboxFilters(which=Which.ALL)


def names_for(user: User | str, **chosen: object) -> list[str]:
    """Return the names of the runs that a choice shows, in order."""
    reader = person(user) if isinstance(user, str) else user
    filters = InboxFilters(**{"which": Which.ALL, **chosen})  # type: ignore[arg-type]
    return [approval.flow_run_name for approval in list_waiting(reader, filters)]


def test_each_filter_narrows_every_list_and_counts_what_it_leaves(make_run: Make) -> None:
    make_teams()
    hold("2 of @finance", "big refunds", tag="big")
    voted = ask(make_run(name="a", tags=["big", "eu"]))
    ask(make_run(name="b", tags=["big"]))
    ask(make_run(name="c", tags=["eu"]))
    say_yes(voted, "F1")
    assert names_for("F1", tag="eu") == ["a", "c"]
    assert names_for("F1", policy="big refunds") == ["a", "b"]
    assert names_for("F1", policy="-") == ["c"]
    assert names_for("F1", flow="refund", tag="big", text="b") == ["a", "b"]
    assert names_for("F1", flow="other") == []
    page = read_inbox(person("F1"), InboxFilters(tag="eu"))
    assert page.counts == {Which.FOR_ME: 1, Which.ANSWERED: 1, Which.ALL: 2}
    assert (page.count, page.total, page.for_me) == (1, 2, 2)


@pytest.mark.parametrize(
    ("due", "names"),
    [
        (Due.HOUR, ["hour"]),
        (Due.DAY, ["hour", "day"]),
        (Due.WEEK, ["hour", "day", "week"]),
        (Due.NEVER, ["ever"]),
    ],
)
def test_a_deadline_is_chosen_by_how_near_it_is(make_run: Make, due: Due, names: list[str]) -> None:
    for name, seconds in (("hour", 3000), ("day", 80_000), ("week", 500_000), ("later", 700_000)):
        make_run(name=name).pause(seconds=seconds)
    make_run(name="ever").pause()
    Approval.objects.filter(flow_run_name="ever").update(expires_at=None)
    assert names_for("Z", due=due) == names


def test_nobody_answers_what_is_left_alone_for_half_of_its_time(make_run: Make) -> None:
    make_teams()
    approvals = {name: ask(make_run(name=name)) for name in ("left", "open", "fresh")}
    hold("2 of @finance")
    approvals["voted"] = ask(make_run(name="voted"))
    hold("2 of @hr")
    approvals["nobody can"] = ask(make_run(name="nobody can"))
    opened = approvals["left"]
    assert opened.expires_at is not None
    assert opened.neglected_at == opened.opened_at + (opened.expires_at - opened.opened_at) / 2
    Approval.objects.exclude(flow_run_name__in=["fresh", "nobody can"]).update(
        neglected_at=datetime.now(UTC) - timedelta(seconds=1)
    )
    note_presence(approvals["open"], user=person("F1"))
    say_yes(approvals["voted"], "F1")
    assert names_for("F2", is_neglected=True) == ["left", "nobody can"]


def test_what_has_no_deadline_is_left_alone_after_a_day(make_run: Make) -> None:
    make_run().propose("PAUSED", name="Paused", state_details={"pause_key": "1"})
    made = Approval.objects.get()
    span = (made.expires_at or made.opened_at + timedelta(days=2)) - made.opened_at
    assert made.neglected_at == made.opened_at + min(span / 2, timedelta(days=1))


def test_the_list_is_put_in_order_and_in_groups(make_run: Make) -> None:
    for name, title in (("x", "# Beta"), ("y", "# Alpha"), ("z", "# Gamma")):
        ask(make_run(name=name), question=title)
    Approval.objects.filter(flow_run_name="z").update(flow_name="audit")
    assert names_for("Z", sort=Sort.NEWEST) == ["z", "y", "x"]
    assert names_for("Z", sort=Sort.OLDEST) == ["x", "y", "z"]
    assert names_for("Z", sort=Sort.NAME) == ["y", "x", "z"]
    assert names_for("Z", by_flow=True, sort=Sort.NEWEST) == ["z", "y", "x"]
    page = read_inbox(person("Z"), InboxFilters(by_flow=True))
    assert page.in_flow == {"audit": 1, "refund": 2}
    html = log_in().get("/?group=flow").content.decode()
    assert html.index("<bdi>audit<") < html.index("Gamma") < html.index("<bdi>refund<")


def test_what_is_hidden_leaks_by_no_filter_choice_or_count(make_run: Make) -> None:
    make_teams()
    ask(make_run(name="seen", tags=["eu"]))
    hold("1 of @hr, seen by them only", "salaries", tag="secret")
    hidden = ask(make_run(name="hidden", tags=["secret"]))
    Approval.objects.filter(pk=hidden.pk).update(flow_name="payroll")
    hidden.facets.filter(kind=Facet.Kind.FLOW).update(name="payroll")
    note_presence(hidden, user=person("H1"))
    for stranger in ("Z", "F1"):
        choices = list_choices(person(stranger))
        assert (choices.flows, choices.tags, choices.policies) == (["refund"], ["eu"], [])
        assert names_for(stranger, tag="secret") == []
        assert names_for(stranger, policy="salaries") == []
        assert names_for(stranger, is_neglected=True, text="hidden") == []
        page = read_inbox(person(stranger), InboxFilters(tag="secret"))
        assert page.counts == dict.fromkeys(Which, 0)
        assert (page.total, page.present) == (1, {})
    choices = list_choices(person("H1"))
    assert (choices.flows, choices.policies) == (["payroll", "refund"], ["salaries"])
    assert choices.tags == ["eu", "secret"]
    assert names_for("H1", policy="salaries") == ["hidden"]


def test_what_has_ended_is_found_by_nothing(make_run: Make) -> None:
    make_teams()
    hold("1 of @finance")
    approval = ask(make_run(name="a", tags=["eu"]))
    assert Facet.objects.count() == 3
    say_no(approval, "F1")
    assert not Facet.objects.exists()
    assert not Seat.objects.filter(is_open=True).exists()
    assert list_choices(person("F1")).flows == []


def test_policies_that_are_applied_again_are_found_by_their_new_names(make_run: Make) -> None:
    make_teams()
    hold("1 of @finance", "old")
    approval = ask(make_run(name="a"))
    hold("1 of @data, seen by them only", "new")
    apply_again(approval.pk)
    assert list_choices(person("D1")).policies == ["new", "old"]
    assert list_choices(person("Z")).policies == []


def test_the_next_one_is_of_the_list_that_is_worked_through(make_run: Make) -> None:
    first = ask(make_run(name="first", tags=["eu"]))
    make_run(name="urgent").pause(seconds=60)
    make_run(name="wanted", tags=["eu"]).pause()
    found = next_waiting(person("Z"), after=first, filters=InboxFilters(tag="eu"))
    assert found is not None
    assert found.flow_run_name == "wanted"
    found = next_waiting(person("Z"), after=first, filters=InboxFilters(tag="nothing"))
    assert found is not None
    assert found.flow_run_name == "urgent"
    reply = log_in().post(
        f"{page_of(first)}?back=%2F%3Ftag%3Deu", {"f.0": "1", "f.1": ""}, follow=True
    )
    assert "Next that waits for you refund" in text_of(reply)
    assert page_of(Approval.objects.get(flow_run_name="wanted")) in reply.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "list=all&q=a+b&flow=refund&tag=eu&policy=-&due=day&neglected=1&sort=newest&group=flow",
        "tag=%26%3D%23&sort=name",
    ],
)
def test_an_address_says_what_is_chosen(query: str) -> None:
    assert write_filters(read_filters(QueryDict(query))) == query


@pytest.mark.parametrize(
    "query", ["list=x&due=y&sort=z&group=tag&neglected=no", "sort=urgent&list=mine", "tag=%00"]
)
def test_an_address_that_means_nothing_chooses_nothing(query: str) -> None:
    assert write_filters(read_filters(QueryDict(query))) == ""


def test_the_choice_survives_the_list_that_comes_again_and_the_way_back(make_run: Make) -> None:
    approval = ask(make_run(name="a", tags=["eu"]))
    client = log_in()
    chosen = "list=all&tag=eu&due=day&sort=newest&group=flow"
    html = client.get(f"/?{chosen}").content.decode().replace("&amp;", "&")
    assert f"/inbox/list/?{chosen}&page=1&mark=" in html
    assert f'href="/?{chosen.removeprefix("list=all&")}"' in html
    link = f"{page_of(approval)}?back=%2F%3F{chosen.replace('=', '%3D').replace('&', '%26')}"
    assert link in html
    assert f'href="/?{chosen}#row-{approval.pk}"' in client.get(link).content.decode().replace(
        "&amp;", "&"
    )
    reply = client.get("/inbox/list/", {"tag": "eu", "flow": "", "due": ""}, headers=FROM_HTMX)
    assert reply["HX-Replace-Url"] == "/?tag=eu"
    assert 'id="view-query" value="tag=eu"' in reply.content.decode()


def test_the_rows_stand_as_their_reader_wants(make_run: Make) -> None:
    make_run().pause()
    client = log_in()
    assert "rows-auto" in client.get("/").content.decode()
    reply = client.post("/inbox/density/?tag=eu&list=all", {"density": "roomy"})
    assert reply["Location"] == "/?list=all&tag=eu"
    assert "rows-roomy" in client.get("/").content.decode()
    client.post("/inbox/density/", {"density": "x"})
    assert "rows-roomy" in client.get("/").content.decode()
    client.cookies["density"] = "evil"
    assert "rows-auto" in client.get("/").content.decode()


def test_no_query_is_added_by_what_waits(db: None) -> None:
    who = fill_inbox(60)
    filters = InboxFilters(which=Which.ALL, tag="eu", by_flow=True, is_neglected=True)

    def count_queries() -> int:
        reader = User.objects.get(pk=who.pk)  # who has not looked up their permissions yet
        with CaptureQueriesContext(connection) as queries:
            read_inbox(reader, filters)
            list_choices(reader)
        return len(queries)

    many = count_queries()
    Approval.objects.exclude(pk__in=Approval.objects.values("pk")[:3]).delete()
    assert count_queries() == many
