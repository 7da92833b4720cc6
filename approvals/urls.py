"""The pages."""

from django.contrib.auth import views as auth_views
from django.urls import path
from django.views.generic import RedirectView

from approvals.views import (
    accounts,
    approvals,
    artifacts,
    deliveries,
    docs,
    drafts,
    flow_verdict,
    history,
    inbox,
    logs,
    me,
    muting,
    preview,
    rejections,
    runs,
    votes,
)

urlpatterns = [
    path("favicon.ico", RedirectView.as_view(url="/static/favicon.svg")),
    path("", inbox.show_inbox, name="inbox"),
    path("inbox/list/", inbox.show_inbox_list, name="inbox_list"),
    path("inbox/count/", inbox.show_waiting_count, name="waiting_count"),
    path("approvals/<uuid:approval_id>/", approvals.approval_page, name="approval"),
    path("approvals/<uuid:approval_id>/reject/", rejections.rejection_page, name="reject"),
    path("approvals/<uuid:approval_id>/agree/", votes.agree, name="agree"),
    path("approvals/<uuid:approval_id>/take-back/", votes.take_back, name="take_back"),
    path("approvals/<uuid:approval_id>/override/", approvals.override_policy, name="override"),
    path(
        "approvals/<uuid:approval_id>/override/reject/",
        votes.reject_against_policy,
        name="override_reject",
    ),
    path("approvals/<uuid:approval_id>/state/", approvals.show_approval_state, name="state"),
    path("approvals/<uuid:approval_id>/options/", approvals.show_options, name="options"),
    path("approvals/<uuid:approval_id>/draft/", drafts.save_draft, name="draft"),
    path("approvals/<uuid:approval_id>/draft/discard/", drafts.discard_draft, name="discard_draft"),
    path(
        "approvals/<uuid:approval_id>/description/",
        approvals.show_description,
        name="description",
    ),
    path(
        "approvals/<uuid:approval_id>/flow-verdict/",
        flow_verdict.show_flow_verdict,
        name="flow_verdict",
    ),
    path(
        "runs/flow-run/<uuid:flow_run_id>/artifacts/",
        artifacts.show_run_artifacts,
        name="run_artifacts",
    ),
    path("artifacts/<uuid:artifact_id>/", artifacts.show_artifact, name="artifact"),
    path("artifacts/<uuid:artifact_id>/data/", artifacts.show_artifact_data, name="artifact_data"),
    path(
        "artifacts/<uuid:artifact_id>/progress/",
        artifacts.show_artifact_progress,
        name="artifact_progress",
    ),
    path("docs/", docs.show_docs, name="docs"),
    path("docs/<slug:name>/", docs.show_docs_chapter, name="docs_chapter"),
    path("history/", history.show_history, name="history"),
    path("history/export/", history.export_history, name="history_export"),
    path("me/", me.show_me, name="me"),
    path("me/test/", me.send_test, name="send_test"),
    path("me/mute/", me.mute, name="mute_me"),
    path("mute/<str:token>/", muting.mute_mail, name="mute"),
    path("deliveries/", deliveries.show_deliveries, name="deliveries"),
    path(
        "deliveries/<uuid:notification_id>/again/",
        deliveries.send_delivery_again,
        name="send_again",
    ),
    path("preview/", preview.show_preview, name="preview"),
    path("runs/flow-run/<uuid:flow_run_id>", runs.show_run, name="run"),
    path("runs/flow-run/<uuid:flow_run_id>/", runs.show_run),
    path("runs/flow-run/<uuid:flow_run_id>/log/", logs.show_log, name="log"),
    path("runs/flow-run/<uuid:flow_run_id>/progress/", runs.show_progress, name="run_progress"),
    path("accounts/login/", accounts.log_in, name="login"),
    path("accounts/logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("accounts/password/", auth_views.PasswordChangeView.as_view(), name="password_change"),
    path(
        "accounts/password/done/",
        auth_views.PasswordChangeDoneView.as_view(),
        name="password_change_done",
    ),
]
