"""What a flow may ask for, type by type, on our server and on an unmodified Prefect 3.9.1."""

from typing import Any

import pytest

from flowruns import resume_flow_run
from flowruns.exceptions import ResumeRefused
from tests.acceptance.flow_processes import Start

# For each: answers that are refused, the answer that is taken, and what the flow gets of it.
ANSWERS: dict[str, tuple[list[Any], Any, str]] = {
    "int": (["seven", None, 1.5], 7, "7"),
    "str": ([7, None], "Oslo", "'Oslo'"),
    "bool": (["perhaps", None], False, "False"),
    "items": (
        [{"name": "tea"}, [{"count": 2}]],
        [{"name": "tea"}, {"name": "rice", "count": 3}],
        "[Item(name='tea', count=1), Item(name='rice', count=3)]",
    ),
    "literal": (["medium", 4], 3, "3"),
    "optional": (["none"], None, "None"),
    "nothing": (["none"], 4, "4"),
    "dataclass": (
        [{"number": 7}, "Elm Street"],
        {"street": "Elm Street"},
        "Address(street='Elm Street', number=None)",
    ),
    "dict": ([{"tea": "much"}, [1]], {"tea": 3}, "{'tea': 3}"),
    "union": (["few", None], "many", "'many'"),
    "datetime": (
        [7, None],
        "2026-03-04T05:06:07Z",
        "2026-03-04T05:06:07+00:00",
    ),
}


def test_each_type_comes_back_as_itself_and_no_other(start: Start) -> None:
    flow = start("asking_for_types")
    for key, (refused, taken, _) in ANSWERS.items():
        run_id = flow.paused(key)
        for answer in refused:
            with pytest.raises(ResumeRefused, match="value"):
                resume_flow_run(run_id, {"value": answer})
        resume_flow_run(run_id, {"value": taken})
    assert flow.result() == {key: shown for key, (*_, shown) in ANSWERS.items()}
