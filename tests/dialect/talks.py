"""All conversations, and what Prefect 3.9.1 answered in them.

Prefect's answers are recorded by `python -m tests.recorders.prefect_answers`.
"""

import json
from functools import cache

from tests.dialect import bounds, criteria, deployments, lists, runs, words
from tests.dialect.calls import Json, Talk
from tests.servers import ROOT

RECORDED = ROOT / "tests/data/prefect-3.9.1-answers.json"
TALKS: dict[str, Talk] = (
    runs.TALKS | deployments.TALKS | lists.TALKS | words.TALKS | bounds.TALKS | criteria.TALKS
)


@cache
def read_recorded() -> dict[str, dict[str, Json]]:
    """Return Prefect's answers by the names of the talk and of the call."""
    recorded: dict[str, dict[str, Json]] = json.loads(RECORDED.read_text())
    return recorded
