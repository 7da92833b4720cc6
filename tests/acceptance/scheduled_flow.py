"""A flow that starts by itself, served with this project's SDK."""

from flowruns import flow
from flowruns.schedules import Interval


@flow
def tick(word: str) -> str:
    return word


if __name__ == "__main__":
    tick.serve("often", global_limit=1, schedule=Interval(10, parameters={"word": "quick"}))
