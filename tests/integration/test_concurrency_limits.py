import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.http import HttpResponse

from flowruns.models import ConcurrencyLimit, SlotLease
from flowruns.services.limits import concurrency
from flowruns.services.limits.concurrency import drop_expired_leases
from tests.integration.conftest import Api

PATH = "/v2/concurrency_limits"


def make(api: Api, name: str = "db", limit: int = 2, **fields: Any) -> dict[str, Any]:
    response = api.post(f"{PATH}/", {"name": name, "limit": limit, **fields})
    assert response.status_code == 201, response.content
    made: dict[str, Any] = json.loads(response.content)
    return made


def take(api: Api, *names: str, slots: int = 1, **fields: Any) -> HttpResponse:
    return api.post(f"{PATH}/increment", {"names": names, "slots": slots, **fields})


def lease(api: Api, *names: str, slots: int = 1, **fields: Any) -> HttpResponse:
    return api.post(f"{PATH}/increment-with-lease", {"names": names, "slots": slots, **fields})


def active(api: Api, name: str = "db") -> int:
    return int(json.loads(api.get(f"{PATH}/{name}").content)["active_slots"])


def renew(api: Api, lease_id: str, seconds: float = 60) -> int:
    response = api.post(f"{PATH}/leases/{lease_id}/renew", {"lease_duration": seconds})
    return response.status_code


def test_a_limit_is_kept_by_name(api: Api) -> None:
    made = make(api, slot_decay_per_second=0.5)
    assert (made["limit"], made["active"], made["active_slots"]) == (2, True, 0)
    for key in ("db", made["id"]):
        read = json.loads(api.get(f"{PATH}/{key}").content)
        assert (read["id"], read["slot_decay_per_second"]) == (made["id"], 0.5)
    assert api.request("PATCH", f"{PATH}/db", {"limit": 5, "name": "disk"}).status_code == 204
    listed = json.loads(api.post(f"{PATH}/filter", {}).content)
    assert [(each["name"], each["limit"]) for each in listed] == [("disk", 5)]
    assert api.request("DELETE", f"{PATH}/disk").status_code == 204
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        assert api.request(method, f"{PATH}/disk", body).status_code == 404


def test_a_name_is_taken_once(api: Api) -> None:
    make(api, "a")
    make(api, "b")
    assert api.post(f"{PATH}/", {"name": "a", "limit": 1}).status_code == 409
    assert api.request("PATCH", f"{PATH}/b", {"name": "a"}).status_code == 409


def test_slots_are_taken_and_given_back(api: Api) -> None:
    made = make(api)
    response = take(api, "db", "unknown", slots=2)
    assert json.loads(response.content) == [{"id": made["id"], "name": "db", "limit": 2}]
    assert active(api) == 2
    refused = take(api, "db")
    assert (refused.status_code, refused["Retry-After"]) == (423, "2")
    assert api.post(f"{PATH}/decrement", {"names": ["db"], "slots": 5}).status_code == 200
    assert active(api) == 0


def test_all_limits_are_taken_or_none(api: Api) -> None:
    make(api, "a", 2)
    make(api, "b", 1)
    take(api, "b")
    assert take(api, "a", "b").status_code == 423
    assert lease(api, "a", "b").status_code == 423
    assert active(api, "a") == 0


def test_what_can_never_be_had_is_said_at_once(api: Api) -> None:
    make(api)
    assert take(api, "db", slots=3).status_code == 422
    response = take(api, "db", mode="rate_limit")
    assert response.status_code == 422
    assert "db" in json.loads(response.content)["detail"]


def test_limits_that_are_off_or_unknown_hold_nobody_back(api: Api) -> None:
    make(api, limit=0, active=False)
    assert take(api, "db").status_code == 200
    assert active(api) == 0
    response = lease(api, "tag:unknown")
    assert json.loads(response.content)["limits"] == []
    assert not SlotLease.objects.exists()


def test_slots_of_a_rate_limit_come_back_with_time(api: Api) -> None:
    make(api, limit=1, slot_decay_per_second=0.1)
    assert take(api, "db", mode="rate_limit").status_code == 200
    refused = take(api, "db", mode="rate_limit")
    assert (refused.status_code, refused["Retry-After"]) == (423, "10")
    earlier = datetime.now(UTC) - timedelta(seconds=11)
    ConcurrencyLimit.objects.update(counted_at=earlier)
    assert lease(api, "db").status_code == 200
    assert not SlotLease.objects.exists()


def test_a_lease_holds_its_slots_until_given_back(api: Api) -> None:
    make(api)
    holder = {"type": "task_run", "id": str(uuid4())}
    body = json.loads(lease(api, "db", slots=2, holder=holder).content)
    assert take(api, "db").status_code == 423
    assert renew(api, body["lease_id"]) == 204
    returned = {"lease_id": body["lease_id"]}
    for _ in range(2):
        assert api.post(f"{PATH}/decrement-with-lease", returned).status_code == 204
    assert active(api) == 0
    assert renew(api, body["lease_id"]) == 410


def test_a_lease_that_nobody_renews_ends(api: Api) -> None:
    make(api, limit=1)
    body = json.loads(lease(api, "db").content)
    SlotLease.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert active(api) == 0
    assert renew(api, body["lease_id"]) == 410
    assert lease(api, "db").status_code == 200
    assert drop_expired_leases() > 0
    assert SlotLease.objects.count() == 1


def test_an_operator_may_set_what_is_taken_without_a_lease(api: Api) -> None:
    make(api, limit=5)
    take(api, "db", slots=3)
    lease(api, "db")
    assert active(api) == 4
    api.request("PATCH", f"{PATH}/db", {"active_slots": 0})
    assert active(api) == 1


@pytest.mark.parametrize("leased", [True, False])
def test_of_two_that_want_the_last_slot_one_gets_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, leased: bool
) -> None:
    """Both have read that it is free; before the first takes it, the second does."""
    make(api, limit=1)
    claim = concurrency.claim
    others: list[int] = []

    def claim_after_another(limit: ConcurrencyLimit) -> bool:
        if not others:
            others.append(1)
            others[0] = (lease if leased else take)(api, "db").status_code
        return claim(limit)

    monkeypatch.setattr(concurrency, "claim", claim_after_another)
    first = (lease if leased else take)(api, "db").status_code
    assert (others, first) == ([200], 423)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/", {"name": "x"}, "limit"),
        ("/", {"name": "x", "limit": -1}, "limit"),
        ("/", {"name": "", "limit": 1}, "name"),
        ("/", {"name": "x", "limit": 2**40}, "limit"),
        ("/increment", {"names": [], "slots": 1}, "names"),
        ("/increment", {"names": ["db"], "slots": 0}, "slots"),
        ("/increment-with-lease", {"names": ["db"], "slots": 1, "lease_duration": 1}, "lease"),
        ("/decrement-with-lease", {}, "lease_id"),
        (f"/leases/{UUID(int=0)}/renew", {"lease_duration": 1e9}, "lease_duration"),
    ],
)
def test_malformed_requests_are_refused_by_the_fields_name(
    api: Api, path: str, body: Any, field: str
) -> None:
    response = api.post(f"{PATH}{path}", body)
    assert response.status_code == 422
    assert field in response.content.decode()
