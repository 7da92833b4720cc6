"""A new model: measured against the one in production, promoted the way a person says."""

import random
from typing import Literal

from pydantic import BaseModel, Field

from flowruns import RunInput, flow, get_run_logger, pause_flow_run, tags, task

type Metric = Literal["error rate", "latency p95", "complaints"]


class Guard(BaseModel):
    """When to go back by itself."""

    metric: Metric = "error rate"
    limit: float = Field(gt=0, title="Roll back above")
    window_minutes: int = Field(30, ge=1, le=1440, title="Watched for, in minutes")


class Rollout(BaseModel):
    """How the new model gets its traffic."""

    strategy: Literal["shadow", "canary", "all at once"] = "canary"
    first_share: int = Field(10, ge=1, le=100, title="First share of the traffic, in percent")
    regions: set[Literal["eu-west", "us-east", "ap-south"]] = {"eu-west"}


class Promotion(RunInput):
    """The answer of whoever owns the model."""

    promote: bool = Field(title="Promote this model")
    rollout: Rollout = Rollout()
    guards: list[Guard] = Field(default=[], max_length=5)
    note: str = Field("", title="Note for the release log", max_length=2000)


@task
def evaluate(version: str) -> dict[str, tuple[float, float]]:
    """Return each measure of the model in production and of the candidate."""
    print(f"Evaluating {version} on 48,210 labelled transactions.")
    return {
        "Precision": (0.912, 0.912 + random.uniform(-0.005, 0.02)),
        "Recall": (0.847, 0.847 + random.uniform(0.005, 0.03)),
        "Latency p95 (ms)": (38.0, 38.0 + random.uniform(-4, 9)),
        "Cost per 1,000 (EUR)": (0.21, 0.21 + random.uniform(-0.03, 0.05)),
    }


@task
def roll_out(version: str, region: str, share: int) -> None:
    print(f"{version} gets {share} % of the traffic in {region}.")


def describe(version: str, measures: dict[str, tuple[float, float]]) -> str:
    rows = "\n".join(
        f"| {name} | {before:.3g} | {after:.3g} | {(after - before) / before:+.1%} |"
        for name, (before, after) in measures.items()
    )
    return f"""
**{version}** was trained on the data up to last Sunday and passed its tests.

| Measure | Production | Candidate | Change |
|---|---:|---:|---:|
{rows}

Runbook: going back takes about two minutes and loses nothing. Promotions during the
*Friday freeze* need a note that says why.
"""


@flow(log_prints=True, retries=1, flow_run_name="{version}")
def promote_model(version: str) -> bool:
    logger = get_run_logger()
    measures = evaluate(version)
    for name, (before, after) in measures.items():
        logger.info("%s: %.3g in production, %.3g now", name, before, after)
    answer = pause_flow_run(
        wait_for_input=Promotion.with_initial_data(
            description=describe(version, measures),
            guards=[Guard(metric="error rate", limit=0.02), Guard(metric="latency p95", limit=60)],
        ),
        timeout=24 * 3600,
    )
    if not answer.promote:
        logger.info("%s stays where it is. %s", version, answer.note)
        return False
    for region in sorted(answer.rollout.regions):
        roll_out(version, region, answer.rollout.first_share)
    for guard in answer.guards:
        logger.info("Guarded: back if %s exceeds %s.", guard.metric, guard.limit)
    return True


if __name__ == "__main__":
    with tags("ml", "fraud-detection"):
        promote_model(f"fraud-scorer 4.{random.randint(2, 9)}.{random.randint(0, 9)}")
