import pytest

from approvals.services import history
from flowruns.services.upkeep.expiry import expire_pauses
from tests.integration.conftest import Make
from tests.integration.pages import YES, ask, log_in, page_of, text_of


@pytest.fixture
def decided(make_run: Make) -> None:
    """alice answered one, bob rejected one, nobody answered the third."""
    log_in("alice").post(page_of(ask(make_run(name="answered-otter"))), YES)
    rejected = ask(make_run(name="rejected-heron"))
    log_in("bob").post(f"{page_of(rejected)}reject/", {"reason": "too risky"})
    make_run(name="expired-badger").pause(seconds=-1)
    expire_pauses()


def test_an_empty_history_explains_itself(db: None) -> None:
    assert "Nothing was decided yet" in text_of(log_in().get("/history/"))


def test_the_history_says_who_decided_what_newest_first(decided: None) -> None:
    text = text_of(log_in().get("/history/"))
    assert text.index("expired-badger") < text.index("rejected-heron")
    assert text.index("rejected-heron") < text.index("answered-otter")
    for words in ("by alice", "by bob", "nobody answered", "too risky", "Answered", "Expired"):
        assert words in text


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({"person": "alice"}, {"answered-otter"}),
        ({"outcome": "rejected"}, {"rejected-heron"}),
        ({"outcome": "expired"}, {"expired-badger"}),
        ({"flow": "refund", "person": "bob"}, {"rejected-heron"}),
        ({"flow": "other"}, set()),
        ({"person": "a\x00lice"}, {"answered-otter"}),
    ],
)
def test_the_history_is_filtered_by_person_flow_and_outcome(
    decided: None, filters: dict[str, str], shown: set[str]
) -> None:
    text = text_of(log_in().get("/history/", filters))
    runs = {"answered-otter", "rejected-heron", "expired-badger"}
    assert {name for name in runs if name in text} == shown
    assert shown or "Nothing was decided that matches" in text


def test_a_long_history_has_pages_without_gaps(
    decided: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE_SIZE", 1)
    client, address, found = log_in(), "/history/", []
    while address:
        response = client.get(address)
        found += [entry.approval.flow_run_name for entry in response.context["entries"]]
        older = response.context["older"]
        address = f"/history/?{older}" if older else ""
    assert found == ["expired-badger", "rejected-heron", "answered-otter"]


@pytest.mark.parametrize("place", ["x", "2026-01-01T00:00:00_x", "\x00", "_"])
def test_a_place_that_is_none_is_the_beginning(decided: None, place: str) -> None:
    assert "answered-otter" in text_of(log_in().get("/history/", {"before": place}))
