"""A flow that shows its reviewers what they decide about, from itself and from a task."""

from prefect import flow, pause_flow_run, task
from prefect.artifacts import (
    Artifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)


@task
def measure() -> None:
    create_table_artifact(
        table=[{"measure": "recall", "before": 0.8, "now": float("nan")}],
        key="measures",
        description="Of the **candidate**",
    )


@flow
def promote() -> None:
    measure()
    create_markdown_artifact("# Drift\n\nNone *at all*.", key="drift")
    create_markdown_artifact("# Drift\n\nSome *of it*.", key="drift")
    create_link_artifact("https://runs.example/7", link_text="The training", key="training")
    create_image_artifact("https://charts.example/7.png", key="chart")
    progress = create_progress_artifact(10.0, key="backfill")
    update_progress_artifact(progress, 60.0)
    found = Artifact.get("drift")
    assert found is not None
    print(f"read again: {found.data!r}")
    pause_flow_run(timeout=120, poll_interval=1)
    print("went on")


if __name__ == "__main__":
    promote()
