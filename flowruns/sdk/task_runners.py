"""Where submitted tasks run."""

from dataclasses import dataclass

from flowruns.sdk.context import MOST_THREADS


@dataclass(frozen=True, slots=True)
class ThreadPoolTaskRunner:
    """Runs the submitted tasks of a flow run in at most `max_workers` threads, as in Prefect 3.8.

    A task that waits for tasks that it has submitted keeps its thread meanwhile: leave it enough.

    Example: `@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))`
    """

    max_workers: int = MOST_THREADS

    def __post_init__(self) -> None:
        if self.max_workers < 1:
            raise ValueError("max_workers must be 1 or more")
