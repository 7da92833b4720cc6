"""What an operator may look at: approvals and decisions are records, so nobody edits them here."""

from typing import Any

from django.contrib import admin

from approvals.models import Approval, Decision

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


@admin.register(Approval)
class ApprovalAdmin(RecordAdmin):
    list_display = ["flow_name", "flow_run_name", "outcome", "opened_at", "expires_at", "closed_at"]
    list_filter = ["outcome", "asks_for_input"]
    search_fields = ["flow_name", "flow_run_name", "question"]
    date_hierarchy = "opened_at"


@admin.register(Decision)
class DecisionAdmin(RecordAdmin):
    """Who decided what; what was answered is on the approval's page, secrets left out."""

    list_display = ["approval", "decided_by", "decided_at", "reason"]
    list_select_related = ["approval"]
    search_fields = ["decided_by", "approval__flow_name", "approval__flow_run_name"]
    date_hierarchy = "decided_at"
    exclude = ["answer"]
