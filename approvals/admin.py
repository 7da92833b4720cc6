"""What an operator may look at, and the policies that they write.

Approvals, votes and decisions are records, so nobody edits them here.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from approvals.messages import groups, webhooks
from approvals.messages.announcing import write_at_once
from approvals.messages.sealing import seal
from approvals.models import (
    Absence,
    Approval,
    Channel,
    DayOff,
    Decision,
    GroupHours,
    Notification,
    Policy,
    Vote,
    Webhook,
    WebhookDelivery,
)
from approvals.policies.hours import HoursUnreadable, parse_hours
from approvals.services.absences import (
    AbsenceProblem,
    check_absence,
    keep_absence,
    remove_absence,
)
from approvals.services.inbox import visible_to
from approvals.services.policies import PolicyProblem, check_policy, find_problem, find_warnings
from approvals.services.seats import apply_again, list_answerers
from approvals.web.lockout import unlock
from flowruns.domain.actors import Actor, reviewer

_CHECKED = ("line", "flow", "deployment", "tag", "requester_from")

admin.site.site_header = "Approvals: administration"
admin.site.site_title = "Approvals"
admin.site.index_title = "People, keys and records"


class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Shows rows that only services write."""

    def has_add_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_delete_permission(self, *_: Any, **__: Any) -> bool:
        return False


class SeenAdmin(RecordAdmin):
    """Shows what belongs to approvals that its reader may see."""

    approval = "approval"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        seen = {f"{self.approval}__in": visible_to(request.user).values("pk")}
        rows: QuerySet[Any] = super().get_queryset(request).filter(**seen)
        return rows


admin.site.unregister(User)


@admin.register(User)
class PeopleAdmin(UserAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """People, and an end of their lock-outs."""

    actions = ["unlock"]

    @admin.action(description="Unlock: let them log in again", permissions=["change"])
    def unlock(self, request: HttpRequest, people: QuerySet[User]) -> None:
        for person in people:
            name = person.get_username()
            actor = reviewer(request.user.get_username())
            told = "Unlocked" if unlock(name, actor=actor) else "Was not locked out"
            messages.success(request, f"{told}: {name}.")


class Obstructed(admin.SimpleListFilter):
    """What waits and nobody can answer."""

    title = "who can answer"
    parameter_name = "obstructed"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [("nobody", "Nobody can")]

    def queryset(self, _: HttpRequest, queryset: QuerySet[Approval]) -> QuerySet[Approval]:
        if self.value() != "nobody":
            return queryset
        return queryset.filter(outcome=Approval.Outcome.WAITING).exclude(obstacle="")


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Says at once what is wrong with a policy."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "line" not in cleaned:
            return cleaned
        try:
            checked = check_policy({name: cleaned.get(name) or "" for name in _CHECKED})
        except PolicyProblem as problem:
            raise forms.ValidationError(str(problem)) from None
        return {**cleaned, **checked}


class AbsenceForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Says at once what is wrong with an absence."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if {"person", "stand_in", "since", "until"} <= cleaned.keys():
            try:
                check_absence(Absence(**cleaned))
            except AbsenceProblem as problem:
                raise forms.ValidationError(str(problem)) from None
        return cleaned


@admin.register(Policy)
class PolicyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Who may answer what opens from now on; what waits already keeps what it has."""

    form = PolicyForm
    list_display = ["name", "line", "flow", "deployment", "tag", "requester_from", "problem"]
    search_fields = ["name", "line", "flow", "deployment", "tag"]

    @admin.display(description="What is wrong with it now")
    def problem(self, policy: Policy) -> str:
        return find_problem(policy) or " ".join(find_warnings(policy))

    def formfield_for_dbfield(self, *args: Any, **kwargs: Any) -> Any:
        return super().formfield_for_dbfield(
            *args, **kwargs, widget=forms.TextInput(attrs={"size": 80})
        )


@admin.register(Absence)
class AbsenceAdmin(RecordAdmin):
    """Who is away, and who answers meanwhile; what is removed is kept."""

    list_display = ["person", "stand_in", "since", "until", "reason", "set_by", "removed_by"]
    list_select_related = ["person", "stand_in"]
    fields = ["person", "stand_in", "since", "until", "reason"]
    autocomplete_fields = ["person", "stand_in"]
    form = AbsenceForm
    actions = ["remove"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("approvals.add_absence")

    def save_model(self, request: HttpRequest, obj: Absence, *_: Any) -> None:
        keep_absence(obj, by=_actor_of(request))

    @admin.action(description="Remove the chosen absences", permissions=["add"])
    def remove(self, request: HttpRequest, queryset: QuerySet[Absence]) -> None:
        for absence in queryset:
            if remove_absence(absence.pk, by=_actor_of(request)):
                self.log_change(request, absence, "Removed.")


class GroupHoursForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Says at once what is wrong with working hours."""

    line = forms.CharField(
        label="Hours",
        help_text="Such as: Mon-Fri 09:00-17:00 Europe/Berlin",
        widget=forms.TextInput(attrs={"size": 40}),
    )

    def clean_line(self) -> str:
        line = self.cleaned_data["line"].strip()
        try:
            parse_hours(line)
        except HoursUnreadable as unreadable:
            raise forms.ValidationError(str(unreadable)) from None
        return str(line)


@admin.register(GroupHours)
class GroupHoursAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """When groups work, in which the steps of their policies are counted."""

    form = GroupHoursForm
    list_display = ["group", "hours"]
    list_select_related = ["group"]

    @admin.display(ordering="line")
    def hours(self, row: GroupHours) -> str:
        return row.line


@admin.register(DayOff)
class DayOffAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Days on which nobody works, or a group does not."""

    list_display = ["day", "name", "off"]
    list_filter = ["group"]
    list_select_related = ["group"]
    date_hierarchy = "day"

    @admin.display(ordering="group__name", description="Who is off", empty_value="everybody")
    def off(self, row: DayOff) -> str | None:
        return row.group.name if row.group else None


def _actor_of(request: HttpRequest) -> Actor:
    return reviewer(request.user.get_username())


@admin.register(Vote)
class VoteAdmin(SeenAdmin):
    """Who said what; what was answered is on the approval's page, secrets left out."""

    list_display = ["approval", "name", "kind", "via", "at", "voided_at", "voided_because"]
    list_select_related = ["approval"]
    search_fields = ["name", "approval__flow_name", "approval__flow_run_name"]
    date_hierarchy = "at"
    exclude = ["answer", "seen_digest"]


@admin.register(Approval)
class ApprovalAdmin(SeenAdmin):
    approval = "pk"
    list_display = ["flow_name", "flow_run_name", "outcome", "opened_at", "expires_at", "closed_at"]
    list_filter = ["outcome", "asks_for_input", "is_guarded", Obstructed]
    search_fields = ["flow_name", "flow_run_name", "question"]
    date_hierarchy = "opened_at"
    readonly_fields = ["answerers"]
    actions = ["apply_policies_again"]

    @admin.display(description="Who could answer it now")
    def answerers(self, approval: Approval) -> str:
        if not approval.is_waiting:
            return "It has ended."
        if not approval.is_guarded:
            return "Anyone."
        names = ", ".join(list_answerers(approval))
        if approval.obstacle:
            return f"Nobody can complete it: {approval.obstacle} Of them: {names or 'nobody'}."
        return names or "Nobody."

    @admin.action(description="Apply today's policies to the chosen approvals that wait")
    def apply_policies_again(self, request: HttpRequest, queryset: QuerySet[Approval]) -> None:
        """Change open approvals by an explicit act, which the log of the administration keeps."""
        if not request.user.has_perm("approvals.change_policy"):
            messages.error(request, "You may not change policies.")
            return
        waiting = list(queryset.filter(outcome=Approval.Outcome.WAITING))
        for approval in waiting:
            apply_again(approval.pk)
            self.log_change(request, approval, "Applied the policies of this moment.")
        messages.success(request, f"{len(waiting)} approvals have today's policies.")


@admin.register(Decision)
class DecisionAdmin(SeenAdmin):
    """Who decided what; what was answered is on the approval's page, secrets left out."""

    list_display = ["approval", "decided_by", "decided_at", "via", "reason"]
    list_select_related = ["approval"]
    search_fields = ["decided_by", "approval__flow_name", "approval__flow_run_name"]
    date_hierarchy = "decided_at"
    exclude = ["answer"]


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Takes an address, and shows it to nobody again."""

    kind = forms.ChoiceField(choices=[(kind, kind.label) for kind in groups.KINDS])
    where = forms.CharField(
        label="Address",
        required=False,
        help_text="The id of a Slack channel, the URL of a Teams workflow or of Apprise, or the"
        " address of a mailing list. It is not shown again; leave it empty to keep it.",
        widget=forms.TextInput({"size": 80, "autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        where, kind = cleaned.get("where") or "", cleaned.get("kind")
        is_kept = not where and self.instance.address and self.instance.kind == kind
        if kind and not is_kept:
            try:
                groups.check_address(Channel.Kind(kind), where)
            except groups.ChannelProblem as problem:
                raise forms.ValidationError(str(problem)) from None
            self.instance.address = seal(where)
        return cleaned


@admin.register(Channel)
class ChannelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Where groups are told; where people are is theirs to say."""

    form = ChannelForm
    fields = ["name", "group", "kind", "where", "is_on"]
    list_display = ["name", "group", "kind", "is_on"]
    actions = ["send_a_test"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        return super().get_queryset(request).filter(user=None)

    def formfield_for_dbfield(self, db_field: Any, *args: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, *args, **kwargs)
        if field is not None and db_field.name == "name":
            field.widget, field.required = forms.TextInput({"size": 40}), True
        return field

    @admin.action(description="Send a test to the chosen channels")
    def send_a_test(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        for channel in queryset:
            write_at_once(channel, Notification.Kind.TEST)
        messages.success(request, "Deliveries say what becomes of it.")


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Takes http(s) addresses; where they may lead is judged whenever one is connected to."""

    url = forms.URLField(label="URL", assume_scheme="https", widget=forms.TextInput({"size": 80}))


@admin.register(Webhook)
class WebhookAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Programs that are told of approvals; a secret is shown once, when it is made."""

    form = WebhookForm
    fields = ["name", "url", "is_on", "disabled_because"]
    readonly_fields = ["disabled_because"]
    list_display = ["name", "url", "is_on", "disabled_because"]
    actions = ["send_a_test", "make_a_new_secret"]

    def formfield_for_dbfield(self, db_field: Any, *args: Any, **kwargs: Any) -> Any:
        if db_field.name == "name":
            kwargs["widget"] = forms.TextInput(attrs={"size": 80})
        return super().formfield_for_dbfield(db_field, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:
        obj.disabled_because = "" if obj.is_on else obj.disabled_because
        if change:
            super().save_model(request, obj, form, change)
        else:
            self._show_secret(request, obj)

    @admin.action(description="Send a test to the chosen webhooks")
    def send_a_test(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            webhooks.send_test(webhook)
        messages.success(request, "Webhook deliveries say what becomes of it.")

    @admin.action(description="Make a new secret; the old one signs for 24 more hours")
    def make_a_new_secret(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        if not self.has_change_permission(request):
            messages.error(request, "You may not change webhooks.")
            return
        for webhook in queryset:
            self._show_secret(request, webhook)
            self.log_change(request, webhook, "Made a new secret.")

    def _show_secret(self, request: HttpRequest, webhook: Webhook) -> None:
        secret = webhooks.give_secret(webhook)
        messages.warning(request, f"{webhook.name} signs with {secret}: it is not shown again.")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(RecordAdmin):
    """What became of each event for each webhook."""

    list_display = ["event", "webhook", "outcome", "created_at", "tries", "next_try_at", "why"]
    list_filter = ["outcome", "event", "webhook"]
    list_select_related = ["webhook"]
    actions = ["deliver_again"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out what is of approvals that the reader may not see; tests are of none."""
        seen = Q(approval__in=visible_to(request.user).values("pk"))
        rows: QuerySet[Any] = super().get_queryset(request).filter(seen | Q(approval=None))
        return rows

    @admin.action(description="Deliver the chosen ones again")
    def deliver_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        if not request.user.has_perm("approvals.change_webhook"):
            messages.error(request, "You may not change webhooks.")
            return
        messages.success(request, f"{webhooks.deliver_again(queryset)} are delivered again.")
