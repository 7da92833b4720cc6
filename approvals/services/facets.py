"""What approvals are found by while they wait: their tags, policies and servers, as rows."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User

from approvals.models import Approval, Facet
from approvals.services.lists import see
from approvals.services.names import read_names
from flowruns.models.prepared import PreparedInsert, PreparedQuery

# Of each kind; a longer list is no help to choose from, and the search finds the rest
MAX_CHOICES = 200
_new_facets = PreparedInsert(Facet)
_facets = PreparedQuery(Facet.objects.all(), by="approval")

_NEXT = """
SELECT name FROM approvals_facet
WHERE kind = '{kind}' AND name > names.name AND is_hidden = false
ORDER BY name LIMIT 1
"""
_OF_HIDDEN = """SELECT DISTINCT facet.kind, facet.name FROM approvals_approval approval
JOIN approvals_facet facet ON facet.approval_id = approval.id
WHERE approval.is_hidden = true AND approval.outcome = 'waiting' AND {rule}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the inbox can be filtered by: what this user may see has it, and nothing else."""

    flows: list[str]
    tags: list[str]
    policies: list[str]
    servers: list[str]


def keep_facets(approvals: Iterable[Approval]) -> None:
    """Keep what approvals that open are found by: flow, tags, policies, and the other server."""
    _new_facets.insert_all(
        facet
        for approval in approvals
        for kind, names in (
            (Facet.Kind.FLOW, [approval.flow_name]),
            (Facet.Kind.TAG, map(str, approval.tags)),
            (Facet.Kind.POLICY, _list_policies(approval)),
            (Facet.Kind.SERVER, filter(None, [approval.server])),
        )
        for facet in _make(approval, kind, names)
    )


def keep_policies(approval: Approval) -> None:
    """Keep whose policies hold for an approval now, in the place of earlier ones."""
    approval.facets.filter(kind=Facet.Kind.POLICY).delete()
    made = _make(approval, Facet.Kind.POLICY, _list_policies(approval))
    _new_facets.insert_all(made)
    approval.facets.update(is_hidden=approval.is_hidden)


def drop_facets(approval: Approval) -> None:
    """Drop what an approval was found by, because it has ended."""
    _facets.delete(approval.pk)


def list_choices(user: User) -> Choices:
    """Return by name what a user can choose from what waits and they may see."""
    names = _read_open()
    for kind, name in see(user).select(_OF_HIDDEN):
        # Those kinds alone that this release knows: a newer one may write to the same tables
        if kind in names:
            names[kind].add(name)
    return Choices(
        flows=sorted(names[Facet.Kind.FLOW])[:MAX_CHOICES],
        tags=sorted(names[Facet.Kind.TAG])[:MAX_CHOICES],
        policies=sorted(names[Facet.Kind.POLICY])[:MAX_CHOICES],
        servers=sorted(names[Facet.Kind.SERVER])[:MAX_CHOICES],
    )


def _read_open() -> dict[str, set[str]]:
    """Return what everybody may see, by kind."""
    found = read_names(*(_NEXT.format(kind=kind) for kind in Facet.Kind), most=MAX_CHOICES)
    return {kind: set(names) for kind, names in zip(Facet.Kind, found, strict=True)}


def _list_policies(approval: Approval) -> list[str]:
    return [frozen["origin"] for frozen in approval.policies]


def _make(approval: Approval, kind: Facet.Kind, names: Iterable[str]) -> list[Facet]:
    is_hidden = approval.is_hidden
    return [
        Facet(approval=approval, kind=kind, name=name, is_hidden=is_hidden)
        for name in dict.fromkeys(names)
    ]
