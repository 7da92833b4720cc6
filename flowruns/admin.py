"""What an operator may look at and do: keys are revoked here, runs are records."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import chain
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from flowruns.domain.actors import Actor, reviewer
from flowruns.models import (
    ApiKey,
    AuditEntry,
    BlockDocument,
    ConcurrencyLimit,
    Deployment,
    DeploymentSchedule,
    Flow,
    FlowRun,
    RemoteServer,
    Variable,
)
from flowruns.services.api_keys import revoke_api_keys
from flowruns.services.audit import write_csv_head, write_csv_line, write_json_line
from flowruns.services.deployments.schedules import next_start_of
from flowruns.services.limits.concurrency import count_active
from flowruns.services.runs.flow_runs import delete_flow
from flowruns.services.servers import (
    Credentials,
    CredentialsKind,
    lock_credentials,
    lock_headers,
    parse_headers,
)
from flowruns.services.upkeep import by_hand

# More than a page should delete while its reader waits
MOST_RUNS = 5_000


def _actor_of(request: HttpRequest) -> Actor:
    return reviewer(request.user.get_username())


class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Shows rows that only services write."""

    def has_add_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_delete_permission(self, *_: Any, **__: Any) -> bool:
        return False


class OperatedAdmin(RecordAdmin):
    """Shows rows that operators act on, who may change runs."""

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("flowruns.change_flowrun")


@admin.register(Flow)
class FlowAdmin(OperatedAdmin):
    list_display = ["name", "created"]
    search_fields = ["name"]
    actions = ["delete_with_runs"]

    @admin.action(
        description="Delete the chosen flows with their runs; decisions stay",
        permissions=["operate"],
    )
    def delete_with_runs(self, request: HttpRequest, flows: QuerySet[Flow]) -> None:
        for flow in flows:
            if flow.runs.count() > MOST_RUNS:
                messages.error(request, f"{flow} has many runs: use the command `deleteflow`.")
                continue
            delete_flow(flow.pk, actor=_actor_of(request))
            messages.success(request, f"Deleted {flow}.")


@admin.register(FlowRun)
class FlowRunAdmin(OperatedAdmin):
    actions = ["cancel", "end"]
    list_display = [
        *("name", "flow", "state_name", "state_timestamp"),
        *("next_scheduled_start_time", "expires_at"),
    ]
    list_filter = ["state_type"]
    list_select_related = ["flow"]
    search_fields = ["name", "flow__name"]

    @admin.action(description="Cancel the chosen runs", permissions=["operate"])
    def cancel(self, request: HttpRequest, runs: QuerySet[FlowRun]) -> None:
        self._act(request, runs, by_hand.cancel_run)

    @admin.action(
        description="End the chosen runs, whose processes are gone", permissions=["operate"]
    )
    def end(self, request: HttpRequest, runs: QuerySet[FlowRun]) -> None:
        self._act(request, runs, by_hand.end_run)

    def _act(self, request: HttpRequest, runs: QuerySet[FlowRun], act: Callable[..., bool]) -> None:
        for run in runs:
            is_done = act(run.pk, actor=_actor_of(request))
            run.refresh_from_db()
            say = messages.success if is_done else messages.warning
            say(request, f"{run} is {run.state_name}.")


@admin.register(Deployment)
class DeploymentAdmin(OperatedAdmin):
    actions = ["pause", "resume"]
    list_display = ["name", "flow", "paused", "concurrency_limit", "last_polled"]
    list_filter = ["paused"]
    list_select_related = ["flow", "concurrency_limit"]
    search_fields = ["name", "flow__name"]

    @admin.action(
        description="Pause the chosen deployments: they make no more runs", permissions=["operate"]
    )
    def pause(self, request: HttpRequest, deployments: QuerySet[Deployment]) -> None:
        for deployment in deployments:
            by_hand.pause_deployment(deployment, actor=_actor_of(request))
            messages.success(request, f"Paused {deployment}.")

    @admin.action(description="Resume the chosen deployments", permissions=["operate"])
    def resume(self, request: HttpRequest, deployments: QuerySet[Deployment]) -> None:
        for deployment in deployments:
            by_hand.resume_deployment(deployment, actor=_actor_of(request))
            messages.success(request, f"Resumed {deployment}.")


@admin.register(DeploymentSchedule)
class DeploymentScheduleAdmin(OperatedAdmin):
    actions = ["pause", "resume"]
    list_display = ["deployment", "slug", "schedule", "active", "next_run"]
    list_filter = ["active"]
    list_select_related = ["deployment__flow"]

    def next_run(self, schedule: DeploymentSchedule) -> datetime | None:
        return next_start_of(schedule)

    @admin.action(description="Pause the chosen schedules", permissions=["operate"])
    def pause(self, request: HttpRequest, schedules: QuerySet[DeploymentSchedule]) -> None:
        for schedule in schedules:
            by_hand.switch_schedule(schedule, active=False, actor=_actor_of(request))
            messages.success(request, f"Paused {schedule}.")

    @admin.action(description="Resume the chosen schedules", permissions=["operate"])
    def resume(self, request: HttpRequest, schedules: QuerySet[DeploymentSchedule]) -> None:
        for schedule in schedules:
            by_hand.switch_schedule(schedule, active=True, actor=_actor_of(request))
            messages.success(request, f"Resumed {schedule}.")


@admin.register(ConcurrencyLimit)
class ConcurrencyLimitAdmin(RecordAdmin):
    list_display = ["name", "limit", "taken", "active", "slot_decay_per_second"]
    search_fields = ["name"]

    def taken(self, limit: ConcurrencyLimit) -> int:
        return count_active(limit)


@admin.register(Variable)
class VariableAdmin(RecordAdmin):
    """Variables by name; their values, which may be confidential, are for flows alone."""

    list_display = ["name", "tags", "created", "updated"]
    fields = ["name", "tags", "created", "updated"]
    search_fields = ["name"]


@admin.register(BlockDocument)
class BlockDocumentAdmin(RecordAdmin):
    """Blocks by name; their values are shown nowhere."""

    list_display = ["name", "block_type", "updated"]
    list_select_related = ["block_type"]
    search_fields = ["name", "block_type__name"]
    fields = ["name", "block_type", "created", "updated"]


@admin.register(AuditEntry)
class AuditEntryAdmin(RecordAdmin):
    """Who did what to the server; `exportaudit` writes all of it, and the actions the chosen."""

    list_display = ["at", "action", "actor", "subject", "address"]
    list_filter = ["action"]
    search_fields = ["actor", "subject", "address"]
    date_hierarchy = "at"
    actions = ["export_csv", "export_json"]

    @admin.action(description="Export the chosen entries as CSV")
    def export_csv(self, _: HttpRequest, entries: QuerySet[AuditEntry]) -> HttpResponse:
        lines = chain([write_csv_head()], map(write_csv_line, entries.order_by("at", "id")))
        return _download(lines, "audit.csv", "text/csv; charset=utf-8")

    @admin.action(description="Export the chosen entries as JSON lines")
    def export_json(self, _: HttpRequest, entries: QuerySet[AuditEntry]) -> HttpResponse:
        lines = map(write_json_line, entries.order_by("at", "id"))
        return _download(lines, "audit.jsonl", "application/jsonl")


def _download(lines: Iterable[str], name: str, content_type: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse("".join(lines), content_type=content_type, headers=headers)


@admin.register(ApiKey)
class ApiKeyAdmin(RecordAdmin):
    """Keys by name; their hashes are shown nowhere. `manage.py createapikey` makes them."""

    list_display = ["name", "scopes", "owner", "created", "revoked_at"]
    list_select_related = ["owner"]
    readonly_fields = ["name", "scopes", "created", "revoked_at"]
    fields = ["name", "scopes", "owner", "created", "revoked_at"]
    autocomplete_fields = ["owner"]
    actions = ["revoke"]

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        count = revoke_api_keys(keys, actor=_actor_of(request))
        messages.success(request, f"Revoked {count} key{'' if count == 1 else 's'}.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("flowruns.change_apikey")

    def has_change_permission(self, request: HttpRequest, *_: Any, **__: Any) -> bool:
        return self.has_revoke_permission(request)


class ServerForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """A server elsewhere; what opens it can be written and is shown to nobody."""

    credentials_kind = forms.ChoiceField(
        label="Credentials",
        choices=[
            ("", "As stored"),
            (CredentialsKind.NONE, "None"),
            (CredentialsKind.BASIC, "Auth string of a Prefect server"),
            (CredentialsKind.BEARER, "API key"),
        ],
        required=False,
    )
    secret = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}), required=False, strip=False
    )
    new_headers = forms.CharField(
        label="Headers",
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        help_text="NAME: VALUE, one a line, in place of those stored. Empty leaves them.",
    )
    forget_headers = forms.BooleanField(label="Send no headers of our own", required=False)
    tag_list = forms.CharField(
        label="Tags",
        required=False,
        help_text="Show only runs with one of these, separated by commas.",
    )

    class Meta:
        model = RemoteServer
        fields = ["name", "url", "kind", "ca_file", "answer_mode", "is_enabled"]
        labels = {"url": "Address", "ca_file": "CA file", "is_enabled": "Show its runs here"}
        widgets = {name: forms.TextInput(attrs={"size": 60}) for name in ("url", "ca_file")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tag_list"].initial = ", ".join(self.instance.tags)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name == "local":
            raise forms.ValidationError("That is the name of this server itself.")
        return name

    def clean_new_headers(self) -> dict[str, str]:
        return parse_headers(self.cleaned_data["new_headers"].splitlines())

    def clean(self) -> None:
        super().clean()
        needs_secret = self.cleaned_data.get("credentials_kind") in {"basic", "bearer"}
        if needs_secret != bool(self.cleaned_data.get("secret")):
            self.add_error("secret", "A secret goes with a kind of credentials, and the reverse.")

    def save(self, commit: bool = True) -> Any:
        """Encrypt what was written, and let the server be asked anew."""
        given, server = self.cleaned_data, self.instance
        if kind := given["credentials_kind"]:
            credentials = Credentials(kind=CredentialsKind(kind), secret=given["secret"])
            server.credentials = lock_credentials(credentials)
        if given["new_headers"] or given["forget_headers"]:
            server.headers = lock_headers(given["new_headers"])
        server.tags = [tag.strip() for tag in given["tag_list"].split(",") if tag.strip()]
        server.error = ""
        if "url" in self.changed_data:
            server.version = ""
        return super().save(commit)


@admin.register(RemoteServer)
class RemoteServerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Servers elsewhere. `manage.py addserver` also tells whether one can be reached."""

    form = ServerForm
    list_display = ["name", "url", "kind", "version", "is_enabled", "reached_at", "error"]
    readonly_fields = ["version", "reached_at", "error", "streaming_since", "walked_at"]
