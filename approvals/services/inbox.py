"""What waits, as reviewers see it."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.models import User as Account
from django.db.models import QuerySet
from django.http import Http404

from approvals.models import Approval, Vote
from approvals.services.counting import Counts, count_lists
from approvals.services.filters import InboxFilters, Which
from approvals.services.held_votes import list_held
from approvals.services.lists import Lists, choose_lists, count_mine, see
from approvals.services.presence import name_others
from approvals.services.sources import find_source, find_source_of
from flowruns.connectors import Connector, HistoryState
from flowruns.domain.errors import FlowNotFound, FlowRunNotFound
from flowruns.domain.states import TERMINAL_STATES, StateType
from flowruns.models.prepared import PreparedQuery
from flowruns.wire import FlowRun, Log

type User = Account | AnonymousUser

# Twice what a laptop shows at once
PAGE_SIZE = 30
_MOST_OF_A_RUN = 50
MAX_LOG_LINES = 500
_ALL_OF_MINE = InboxFilters()
_approvals = PreparedQuery(Approval.objects.select_related("decision"), by="pk")
_rows = PreparedQuery(Approval.objects.all(), by="pk__in")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """All that a page shows of a run; `flow_run` is None when it was deleted."""

    flow_run: FlowRun | None
    flow_name: str
    states: list[HistoryState] = field(default_factory=list)
    # The newest lines, newest first, of so many in all
    logs: list[Log] = field(default_factory=list)
    log_count: int = 0
    # Whether it is to be started, by a process that nobody runs
    is_stranded: bool = False
    # Whether it waits for an answer, and the process that should hear of it is not there
    is_lost: bool = False

    @property
    def is_going_on(self) -> bool:
        """Whether the run may still do something."""
        run = self.flow_run
        return run is not None and run.state_type not in TERMINAL_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """A page of what waits: `count` passes `filters`, `total` is in the list in all.

    `counts` is of what passes them in each list, `for_me` of all that this user may answer.
    `present` says by name who else has an approval open, `held` which votes take effect in a
    moment, `in_flow` how many pass of each flow.
    """

    approvals: list[Approval]
    filters: InboxFilters
    total: int
    for_me: int
    number: int
    pages: int
    mark: str
    counts: dict[Which, int]
    present: dict[UUID, list[str]]
    held: dict[UUID, list[Vote]]
    in_flow: dict[str, int]

    @property
    def count(self) -> int:
        return self.counts[self.filters.which]

    @property
    def is_divided(self) -> bool:
        """Whether the three lists differ, or one of the others is looked at."""
        mine = self.counts[Which.FOR_ME]
        return self.filters.which is not Which.FOR_ME or mine != self.counts[Which.ALL]


def list_waiting(user: User, filters: InboxFilters = _ALL_OF_MINE) -> QuerySet[Approval]:
    """Return what waits and passes the filters; most urgent first, by deadline, then by age."""
    if isinstance(user, AnonymousUser):
        return Approval.objects.none()
    return _choose(choose_lists(user), filters)


def count_waiting(user: User) -> int:
    """Count what this user may answer."""
    return 0 if isinstance(user, AnonymousUser) else count_mine(user)


def read_inbox(
    user: Account, filters: InboxFilters = _ALL_OF_MINE, *, number: int = 1
) -> InboxPage:
    """Return one page of what waits; a page that is not there is the last one."""
    lists = choose_lists(user)
    counts = count_lists(lists, filters)
    total, for_me = counts.totals[filters.which], counts.totals[Which.FOR_ME]
    pages = max(-(-counts.passing[filters.which] // PAGE_SIZE), 1)
    number = min(max(number, 1), pages)
    shown = _read_rows(_find_page(lists, filters, counts, number))
    present = name_others(shown, user=user)
    held = list_held(shown)
    flows = {approval.flow_name for approval in shown}
    in_flow = {flow: count for flow, count in counts.in_flow.items() if flow in flows}
    return InboxPage(
        approvals=shown,
        filters=filters,
        total=total,
        for_me=for_me,
        number=number,
        pages=pages,
        mark=_mark_of(shown, counts.passing, total, for_me, present, in_flow, sorted(held)),
        counts=counts.passing,
        present=present,
        held=held,
        in_flow=in_flow,
    )


def _find_page(
    lists: Lists, filters: InboxFilters, counts: Counts, number: int
) -> QuerySet[Approval]:
    """Choose the rows of one page; where they stand by flow, no other flows are put in order."""
    start, stop = (number - 1) * PAGE_SIZE, number * PAGE_SIZE
    if not counts.in_flow:
        return _choose(lists, filters)[start:stop]
    flows, before = counts.find_flows(start, stop)
    found = _choose(lists, filters, of_few=True).filter(flow_name__in=flows)
    return found[start - before : stop - before]


def _read_rows(page: QuerySet[Approval]) -> list[Approval]:
    """Read the rows of one page; the others are passed by in an index."""
    return _rows.find_in_order(list(page.values_list("pk", flat=True)))


def _choose(lists: Lists, filters: InboxFilters, *, of_few: bool = False) -> QuerySet[Approval]:
    chosen = lists[filters.which].as_q() & filters.choose(of_few=of_few)
    return _waiting().filter(chosen).order_by(*filters.order())


def _mark_of(shown: list[Approval], *counted: object) -> str:
    """Return a mark of a shown page that changes whenever the page does."""
    rows = [f"{each.pk}.{each.title}.{each.question}.{each.asked_requester_at}" for each in shown]
    return hashlib.sha256(f"{rows}{counted}".encode(errors="replace")).hexdigest()[:16]


def get_approval_for(user: User, approval_id: UUID) -> Approval:
    """Return an approval that this user may see; raises `Http404`."""
    found = _approvals.find(approval_id)
    if found is None or not _is_visible(found, user):
        raise Http404("No such approval.")
    return found


def list_approvals_of(user: User, flow_run_id: UUID) -> list[Approval]:
    """Return the approvals of a run that this user may see, newest first."""
    found = visible_to(user).filter(flow_run_id=flow_run_id).select_related("decision")
    return list(found.order_by("-opened_at")[:_MOST_OF_A_RUN])


def next_waiting(
    user: User, *, after: Approval, filters: InboxFilters = _ALL_OF_MINE
) -> Approval | None:
    """Return what the same run asks now, else what comes first of what the filters leave.

    Where they leave nothing it is the most urgent approval that this user may answer.
    """
    mine = list_waiting(user).exclude(pk=after.pk)
    same_run = mine.filter(connector=after.connector, flow_run_id=after.flow_run_id)
    chosen = list_waiting(user, replace(filters, which=Which.FOR_ME)).exclude(pk=after.pk)
    return same_run.first() or chosen.first() or mine.first()


def read_run(flow_run_id: UUID) -> RunView:
    """Gather what a page shows of a run."""
    return _read_whole(find_source_of(flow_run_id), flow_run_id)


def read_run_of(approval: Approval) -> RunView:
    """Gather what a page shows of an approval's run, wherever it lives."""
    return _read_whole(find_source(approval), approval.flow_run_id)


def read_run_alone(flow_run_id: UUID) -> RunView:
    """Return a run without its history and log, which an open page does not ask for again."""
    return _read_alone(find_source_of(flow_run_id), flow_run_id)


def _read_whole(source: Connector, flow_run_id: UUID) -> RunView:
    run = _read_alone(source, flow_run_id)
    if run.flow_run is None:
        return run
    logs, log_count = source.read_logs(flow_run_id, limit=MAX_LOG_LINES)
    states = source.read_flow_run_states(flow_run_id)
    return replace(run, states=states, logs=logs, log_count=log_count)


def read_log(
    flow_run_id: UUID,
    *,
    level: int = 0,
    text: str = "",
    before: tuple[datetime, UUID] | None = None,
) -> tuple[list[Log], int]:
    """Return a page of a run's log and one line more if there is one, and how many match."""
    return find_source_of(flow_run_id).read_logs(
        flow_run_id, limit=MAX_LOG_LINES + 1, level=level, text=text, before=before
    )


def _read_alone(source: Connector, flow_run_id: UUID) -> RunView:
    try:
        flow_run = source.read_flow_run(flow_run_id)
        flow_name = source.read_flow_name(flow_run.flow_id)
    except (FlowRunNotFound, FlowNotFound):
        return RunView(flow_run=None, flow_name="")
    return RunView(
        flow_run=flow_run,
        flow_name=flow_name,
        is_stranded=_is_due(flow_run) and not source.is_served(flow_run),
        is_lost=flow_run.state_type is StateType.PAUSED and source.is_lost(flow_run_id),
    )


def _is_due(flow_run: FlowRun) -> bool:
    """Whether somebody should start the run now."""
    due = flow_run.next_scheduled_start_time
    return flow_run.state_type is StateType.SCHEDULED and (due is None or due <= datetime.now(UTC))


def require_run_for(user: User, flow_run_id: UUID) -> None:
    """Raise `Http404` for a run whose approvals are seen by those only who may answer them."""
    hidden = Approval.objects.filter(flow_run_id=flow_run_id, is_hidden=True)
    if hidden.exclude(pk__in=visible_to(user).values("pk")).exists():
        raise Http404("No such run.")


def visible_to(user: User) -> QuerySet[Approval]:
    """Return what a user may see: everything, but for what is seen by those who may answer it."""
    return Approval.objects.filter(see(user).as_q())


def _is_visible(approval: Approval, user: User) -> bool:
    """Whether a user may see an approval that was read; most are seen by everybody."""
    if not approval.is_hidden:
        return user.is_authenticated
    return visible_to(user).filter(pk=approval.pk).exists()


def _waiting() -> QuerySet[Approval]:
    return Approval.objects.filter(outcome=Approval.Outcome.WAITING)
