"""A flow that starts by itself, served with this project's SDK."""

from flowruns import ConcurrencyLimitConfig, flow
from flowruns.schedules import Interval


@flow
def tick(word: str) -> str:
    return word


if __name__ == "__main__":
    one = ConcurrencyLimitConfig(1, collision_strategy="CANCEL_NEW")
    tick.serve("often", global_limit=one, schedule=Interval(10, parameters={"word": "quick"}))
