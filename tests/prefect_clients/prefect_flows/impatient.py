"""A flow that waits for a few seconds only."""

from prefect import flow, pause_flow_run


@flow
def impatient() -> None:
    pause_flow_run(timeout=6, poll_interval=1)


if __name__ == "__main__":
    impatient()
