"""Where our answers differ from those recorded of Prefect 3.9.1, and why."""

_CLEARER = "the same code, and words that say what to do"
_OWN_PROCESS = "the process of a task orchestrates it, as every client since 3.0 does"

# By talk and call
LISTED: dict[str, dict[str, str]] = {
    "limits of lists": {
        "250 inputs": "a list of inputs has a bound, as all lists have (Prefect: none)",
        "-1 inputs": "a list of inputs has a bound, as all lists have (Prefect: none)",
    },
    "subflows": {
        "child of a stranger": "task runs come by events, maybe after the runs of their subflows",
    },
    "work pools": {"run in a queue": "there are no queues either"},
    "task runs twice": {"name taken": _CLEARER, "name taken alone": _CLEARER},
    "schemas of deployments": {"null": "null changes nothing that cannot be null (Prefect: 409)"},
    "blocks of deployments": {
        "read without block": "a deployment outlives the block of its infrastructure",
    },
    "lists by their own fields": {
        f"{kind} {number}": "in a name `%` and `_` are characters: a list is never wider"
        for kind in ("runs", "task runs", "deployments", "flows")
        for number in (1, 2)
    },
    "bounds": {
        f"tag named {tag!r}": "a tag may hold what a limit's name may not (Prefect: 500)"
        for tag in ("a/b", "a%b", "a&b", "a>b", "a<b")
    },
    "words": {
        "change to nothing": "404 for what is not found, and which it is (Prefect: 409)",
        "csrf without client": "there is no CSRF token with a client either",
        "no task run": _CLEARER,
    },
    "on purpose": {
        "nameless deployment": "a deployment without a name cannot be asked for by its name",
        "slots": "a run that is made running counts among those that run",
        "start under a pending run": _OWN_PROCESS,
        "fail with retries": _OWN_PROCESS,
        "end with a long key": _OWN_PROCESS,
        "start with a known key": _OWN_PROCESS,
    },
}
