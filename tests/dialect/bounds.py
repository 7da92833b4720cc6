"""The bounds that Prefect's OpenAPI document states of what is served, and those of its settings.

Each is met by a value at the bound and by one just outside of it.
"""

from dataclasses import replace
from itertools import count

from tests.dialect.calls import Call, Json, Talk

_LIMIT = "POST /v2/concurrency_limits/"
_TAKE = "POST /v2/concurrency_limits/increment"
_LEASE = "POST /v2/concurrency_limits/increment-with-lease"
_GIVE = "POST /v2/concurrency_limits/decrement"
_RENEW = "POST /v2/concurrency_limits/leases/<flow>/renew"
_NEW = "POST /deployments/"
_number = count(1)


def _limit(**fields: Json) -> Json:
    return {"name": f"bound {next(_number)}", "limit": 1} | fields


def _deployment(**fields: Json) -> Json:
    return {"name": f"bound {next(_number)}", "flow_id": "<flow>"} | fields


def _schedule(**fields: Json) -> Json:
    return _deployment(schedules=[{"schedule": {"interval": 3600}} | fields])


def _options(seconds: int) -> Json:
    return {"collision_strategy": "ENQUEUE", "grace_period_seconds": seconds}


_SLOTS = {"names": ["bounds"], "slots": 1}
_BAD_NAMES = ("a/b", "a%b", "a&b", "a>b", "a<b", "")

BOUNDS: Talk = [
    Call("flow", "POST /flows/", {"name": "bounds"}),
    *(Call(f"flow named {name!r}", "POST /flows/", {"name": name}) for name in _BAD_NAMES),
    *(Call(f"limit named {name!r}", _LIMIT, _limit(name=name)) for name in _BAD_NAMES),
    *(
        Call(
            f"tag named {tag!r}", "POST /concurrency_limits/", {"tag": tag, "concurrency_limit": 1}
        )
        for tag in _BAD_NAMES[:-1]
    ),
    Call("limit", _LIMIT, _limit(name="bounds", limit=9)),
    *(
        Call(f"limit renamed {name!r}", "PATCH /v2/concurrency_limits/bounds", {"name": name})
        for name in _BAD_NAMES
    ),
    *(
        Call(f"{value} {field}", _LIMIT, _limit(**{field: value}))
        for field in ("limit", "active_slots", "denied_slots", "slot_decay_per_second")
        for value in (-1, 0)
    ),
    *(
        Call(f"changed to {value} {field}", "PATCH /v2/concurrency_limits/bounds", {field: value})
        for field in ("active_slots", "denied_slots", "slot_decay_per_second")
        for value in (-1, 0)
    ),
    *(Call(f"take {slots} slots", _TAKE, _SLOTS | {"slots": slots}) for slots in (-1, 0, 1)),
    *(Call(f"give {slots} slots", _GIVE, _SLOTS | {"slots": slots}) for slots in (-1, 0, 1)),
    *(
        Call(f"held for {seconds} s", _GIVE, _SLOTS | {"occupancy_seconds": seconds})
        for seconds in (0, 0.1)
    ),
    *(
        Call(f"lease of {seconds} s", _LEASE, _SLOTS | {"lease_duration": seconds})
        for seconds in (59.9, 60, 86_400, 86_401)
    ),
    *(
        Call(f"renewed for {seconds} s", _RENEW, {"lease_duration": seconds})
        for seconds in (59.9, 60, 86_400, 86_401)
    ),
    *(
        Call(f"grace of {seconds} s", _NEW, _deployment(concurrency_options=_options(seconds)))
        for seconds in (59, 60, 86_400, 86_401)
    ),
    *(
        Call(f"{limit} runs at once", _NEW, _deployment(concurrency_limit=limit))
        for limit in (-1, 0, 1)
    ),
    *(
        Call(f"{runs} scheduled runs", _NEW, _schedule(max_scheduled_runs=runs))
        for runs in (0, 1, 50, 51)
    ),
    *(
        Call(
            f"search of {length}",
            "POST /logs/filter",
            {"logs": {"name": {"any_": ["none"]}, "text": {"query": "q" * length}}},
        )
        for length in (201,)
    ),
    *(
        Call(
            f"search of {length} in events",
            "POST /events/filter",
            {"filter": {"text": {"query": "q" * length}}},
        )
        for length in (201,)
    ),
    *(
        Call(f"variable of {length}", "POST /variables/", {"name": "v" * length, "value": 1})
        for length in (255, 256)
    ),
    *(
        Call(
            f"variable of {length} bytes",
            "POST /variables/",
            {"name": f"v{length}", "value": "v" * (length - 2)},
        )
        for length in (4999, 5000, 5001)
    ),
    *(
        Call(
            f"rrule of {length}",
            _NEW,
            _deployment(
                schedules=[
                    {
                        "schedule": {
                            "rrule": "FREQ=DAILY;BYHOUR=" + "1," * ((length - 19) // 2) + "1"
                        }
                    }
                ]
            ),
        )
        for length in (6401, 6501)
    ),
    Call(
        "zone of nowhere",
        _NEW,
        _deployment(schedules=[{"schedule": {"cron": "* * * * *", "timezone": "Nowhere"}}]),
    ),
    Call("interval of nothing", _NEW, _deployment(schedules=[{"schedule": {"interval": 0}}])),
    Call("no cron", _NEW, _deployment(schedules=[{"schedule": {"cron": "61 * * * *"}}])),
    Call("no rrule", _NEW, _deployment(schedules=[{"schedule": {"rrule": "FREQ=NEVER"}}])),
    Call(
        "artifact of a long text",
        "POST /artifacts/",
        {"metadata_": {"m": "x" * 501}},
        ("metadata_",),
    ),
    Call("block type of a bad slug", "POST /block_types/", {"name": "Bound", "slug": "a_b"}),
]
BOUNDS = [replace(call, code_alone=True) for call in BOUNDS]

TALKS = {"bounds": BOUNDS}
