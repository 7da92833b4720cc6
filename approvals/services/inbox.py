"""What waits, as reviewers see it."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.models import User as Account
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import Http404

from approvals.models import STANDING, Approval, Asker, Seat, Vote
from flowruns.connectors import HistoryState, get_connector
from flowruns.domain.errors import FlowNotFound, FlowRunNotFound
from flowruns.domain.policies import WhoKind
from flowruns.domain.states import TERMINAL_STATES, StateType
from flowruns.wire import FlowRun, Log

type User = Account | AnonymousUser

PAGE_SIZE = 50
MAX_LOG_LINES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """All that a page shows of a run; `flow_run` is None when it was deleted."""

    flow_run: FlowRun | None
    flow_name: str
    states: list[HistoryState] = field(default_factory=list)
    # the newest lines, newest first, of so many in all
    logs: list[Log] = field(default_factory=list)
    log_count: int = 0
    # whether it is to be started, by a process that nobody runs
    is_stranded: bool = False
    # whether it waits for an answer, and the process that should hear of it is not there
    is_missed: bool = False

    @property
    def is_going_on(self) -> bool:
        """Whether the run may still do something."""
        run = self.flow_run
        return run is not None and run.state_type not in TERMINAL_STATES


class Which(StrEnum):
    """The three lists of the inbox."""

    FOR_ME = "mine"
    ANSWERED = "answered"
    ALL = "all"

    @property
    def label(self) -> str:
        return {"mine": "Waits for you", "answered": "Answered by you", "all": "All"}[self]

    @property
    def sentence(self) -> str:
        """What the list holds, for who reads it."""
        return {
            "mine": "What you may answer.",
            "answered": "What you have answered and what waits for others now.",
            "all": "All that waits and that you may see.",
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """A page of what waits: `count` matches `text`, `total` waits in all."""

    approvals: list[Approval]
    text: str
    count: int
    total: int
    number: int
    pages: int
    mark: str
    which: Which
    counts: dict[Which, int]

    @property
    def is_divided(self) -> bool:
        """Whether the three lists differ, or one of the others is looked at."""
        mine = self.counts[Which.FOR_ME]
        return self.which is not Which.FOR_ME or mine != self.counts[Which.ALL]


def list_waiting(user: User, *, text: str = "", which: Which = Which.FOR_ME) -> QuerySet[Approval]:
    """Return what waits, most urgent first: by deadline, then by age.

    `text` narrows it to approvals whose flow, run, question or a tag contains every word.
    """
    if isinstance(user, AnonymousUser):
        return Approval.objects.none()
    waiting = visible_to(user).filter(outcome=Approval.Outcome.WAITING)
    if which is Which.FOR_ME:
        waiting = waiting.filter(_for_me(user))
    if which is Which.ANSWERED:
        waiting = waiting.filter(Exists(_standing_votes(user)))
    for word in text.replace("\x00", "").split():
        waiting = waiting.filter(
            Q(flow_name__icontains=word)
            | Q(flow_run_name__icontains=word)
            | Q(question__icontains=word)
            | Q(tags__icontains=word)
        )
    return waiting.order_by(F("expires_at").asc(nulls_last=True), "opened_at", "id")


def count_waiting(user: User, *, which: Which = Which.FOR_ME) -> int:
    return list_waiting(user, which=which).count()


def read_inbox(
    user: User, *, text: str = "", number: int = 1, which: Which = Which.FOR_ME
) -> InboxPage:
    """Return one page of what waits; a page that is not there is the last one."""
    found = list_waiting(user, text=text, which=which)
    count = found.count()
    pages = max(-(-count // PAGE_SIZE), 1)
    number = min(max(number, 1), pages)
    shown = list(found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE])
    total = count_waiting(user, which=which) if text else count
    counts = {each: total if each is which else count_waiting(user, which=each) for each in Which}
    return InboxPage(
        approvals=shown,
        text=text,
        count=count,
        total=total,
        number=number,
        pages=pages,
        mark=f"{mark_of(shown, total)}.{'.'.join(map(str, counts.values()))}",
        which=which,
        counts=counts,
    )


def mark_of(approvals: list[Approval], count: int) -> str:
    """Return a mark of a shown list that changes whenever the list does."""
    shown = ":".join(f"{approval.pk}.{approval.question}" for approval in approvals)
    return hashlib.sha256(f"{count}|{shown}".encode()).hexdigest()[:16]


def get_approval_for(user: User, approval_id: UUID) -> Approval:
    """Return an approval that this user may see; raises `Http404`."""
    found = visible_to(user).select_related("decision__reviewer").filter(pk=approval_id).first()
    if found is None:
        raise Http404("No such approval.")
    return found


def list_approvals_of(user: User, flow_run_id: UUID) -> list[Approval]:
    """Return the approvals of a run that this user may see, newest first."""
    found = visible_to(user).filter(flow_run_id=flow_run_id).select_related("decision__reviewer")
    return list(found.prefetch_related("votes").order_by("-opened_at")[:PAGE_SIZE])


def next_waiting(user: User, *, after: Approval) -> Approval | None:
    """Return what the same run asks now, else the most urgent approval but the one dealt with."""
    others = list_waiting(user).exclude(pk=after.pk)
    same_run = others.filter(connector=after.connector, flow_run_id=after.flow_run_id)
    return same_run.first() or others.first()


def read_run(flow_run_id: UUID, *, connector: str = "local") -> RunView:
    """Gather what a page shows of a run."""
    run = read_run_alone(flow_run_id, connector=connector)
    if run.flow_run is None:
        return run
    source = get_connector(connector)
    logs, log_count = source.read_logs(flow_run_id, limit=MAX_LOG_LINES)
    states = source.read_flow_run_states(flow_run_id)
    return replace(run, states=states, logs=logs, log_count=log_count)


def read_log(
    flow_run_id: UUID,
    *,
    connector: str = "local",
    level: int = 0,
    text: str = "",
    before: tuple[datetime, UUID] | None = None,
) -> tuple[list[Log], int]:
    """Return a page of a run's log and one line more if there is one, and how many match."""
    return get_connector(connector).read_logs(
        flow_run_id, limit=MAX_LOG_LINES + 1, level=level, text=text, before=before
    )


def read_run_alone(flow_run_id: UUID, *, connector: str = "local") -> RunView:
    """Return a run without its history and log, which an open page does not ask for again."""
    source = get_connector(connector)
    try:
        flow_run = source.read_flow_run(flow_run_id)
        flow_name = source.read_flow_name(flow_run.flow_id)
    except (FlowRunNotFound, FlowNotFound):
        return RunView(flow_run=None, flow_name="")
    return RunView(
        flow_run=flow_run,
        flow_name=flow_name,
        is_stranded=_is_due(flow_run) and not source.is_served(flow_run),
        is_missed=flow_run.state_type is StateType.PAUSED and source.is_missed(flow_run_id),
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
    if isinstance(user, AnonymousUser):
        return Approval.objects.none()
    if user.has_perm("approvals.view_all"):
        return Approval.objects.all()
    concerns = (
        Exists(seats_of(user).filter(approval=OuterRef("pk")))
        | Exists(Asker.objects.filter(approval=OuterRef("pk"), user=user.pk))
        | Exists(Vote.objects.filter(approval=OuterRef("pk"), reviewer=user.pk))
    )
    return Approval.objects.filter(Q(is_hidden=False) | concerns)


def seats_of(user: Account) -> QuerySet[Seat]:
    """Return the seats that a user may take, open or not, as the groups are now."""
    groups = list(user.groups.values_list("name", flat=True))
    return Seat.objects.filter(
        Q(kind=WhoKind.ANYONE)
        | Q(kind=WhoKind.PERSON, name=user.get_username())
        | Q(kind=WhoKind.GROUP, name__in=groups)
    )


def _for_me(user: Account) -> Q:
    """Choose what this user may answer now and has not."""
    asked = Asker.objects.filter(approval=OuterRef("approval"), user=user.pk)
    barred = Q(bars_askers=True) & (Q(approval__askers_known=False) | Exists(asked))
    free = seats_of(user).filter(is_open=True, approval=OuterRef("pk")).exclude(barred)
    return Q(is_guarded=False) | (Exists(free) & ~Exists(_standing_votes(user)))


def _standing_votes(user: Account) -> QuerySet[Vote]:
    return Vote.objects.filter(
        STANDING, approval=OuterRef("pk"), name=user.get_username(), is_key=False
    )
