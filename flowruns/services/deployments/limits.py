"""How many runs of a deployment may go on at once."""

from uuid import UUID

from flowruns.domain.errors import ConcurrencyLimitNotFound
from flowruns.models import ConcurrencyLimit, Deployment
from flowruns.services.lookups import one
from flowruns.wire.deployments import DeploymentCreate, DeploymentUpdate


def set_limits(deployment: Deployment, sent: DeploymentCreate | DeploymentUpdate) -> None:
    """Set the limit that the client sent: one of the deployment's own, or one that is shared.

    As Prefect 3.9, except that a number never changes a limit that is shared with others, and
    that none only leaves it. Raises `ConcurrencyLimitNotFound`.
    """
    fields = sent.model_fields_set
    if "concurrency_limit" in fields:
        deployment.concurrency_limit = _own_limit(deployment, sent.concurrency_limit)
    if "global_concurrency_limit_id" in fields:
        shared = sent.global_concurrency_limit_id
        if shared is not None or sent.concurrency_limit is None:
            deployment.concurrency_limit = _shared_limit(shared)
    if "concurrency_options" in fields:
        options = sent.concurrency_options
        deployment.concurrency_options = options.model_dump() if options else None
    deployment.save(update_fields=["concurrency_limit", "concurrency_options"])


def delete_own_limit(deployment_id: UUID) -> None:
    """Delete the limit that only this deployment has, if any."""
    ConcurrencyLimit.objects.filter(name=_name(deployment_id)).delete()


def _own_limit(deployment: Deployment, limit: int | None) -> ConcurrencyLimit | None:
    name = _name(deployment.pk)
    if limit is None:
        delete_own_limit(deployment.pk)
        return None
    own, _ = ConcurrencyLimit.objects.update_or_create(name=name, defaults={"limit": limit})
    return own


def _shared_limit(limit_id: UUID | None) -> ConcurrencyLimit | None:
    if limit_id is None:
        return None
    return one(
        ConcurrencyLimit.objects.filter(pk=limit_id),
        ConcurrencyLimitNotFound("Concurrency limit not found"),
    )


def _name(deployment_id: UUID) -> str:
    return f"deployment:{deployment_id}"
