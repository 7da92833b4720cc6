"""`kill -9` of servers, workers and flows at random moments, while people and programs act."""

import time
from collections import Counter
from contextlib import suppress
from itertools import chain

from tests.faults.crowds import Crowd, crowd_at
from tests.faults.desks import Desk, Process
from tests.faults.tables import Row
from tests.servers import ApprovalsServer

# Seconds between two kills, and until what was killed is started again: at random
_BETWEEN = (0.2, 3.0)
_AWAY = (0.0, 1.0)

type Victim = ApprovalsServer | Process


def kill_at_random(desk: Desk, *, rounds: int, seed: int) -> list[Row]:
    """Kill so often, or until Ctrl-C; return what was done and what is wrong after that."""
    with crowd_at(desk, seed=seed) as crowd:
        killed = _kill(crowd, rounds)
    told = ", ".join(f"{number} of {kind}" for kind, number in sorted(killed.items()))
    return crowd.judge(f"`kill -9`: {told}")


def _kill(crowd: Crowd, rounds: int) -> Counter[str]:
    """Kill one at a time, start it again a moment later, and return what was killed how often."""
    victims: dict[str, list[Victim]] = {
        "servers": [*crowd.desk.servers],
        "workers": [crowd.desk.work],
        "flow processes": [*crowd.crew, crowd.serving],
    }
    killed = Counter[str]()
    with suppress(KeyboardInterrupt):
        for _ in range(rounds):
            time.sleep(crowd.random.uniform(*_BETWEEN))
            kind = crowd.random.choices(list(victims), weights=[3, 1, 2])[0]
            victim = crowd.random.choice(victims[kind])
            victim.kill()
            killed[kind] += 1
            time.sleep(crowd.random.uniform(*_AWAY))
            victim.start()
    for each in chain.from_iterable(victims.values()):
        if not each.is_running:
            each.start()
    return killed
