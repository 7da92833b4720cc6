"""What a run left for its reviewers to look at, in a form that fits a page whatever it holds."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from django.http import Http404

from approvals.display import markdown
from approvals.display.tables import Table, read_table
from approvals.models import Approval
from approvals.services.sources import find_source, find_source_of
from flowruns.connectors import LOCAL, ArtifactHead, Connector, get_connector
from flowruns.domain.errors import ArtifactNotFound
from flowruns.domain.texts import read_json_or_text

type Kind = Literal["markdown", "table", "progress", "picture", "link", "text"]

MAX_ARTIFACTS = 20
ROWS_BESIDE = 10  # of a table beside a decision; its own page shows more
ROWS_A_PAGE = 100
MAX_PICTURE = 1_500_000  # characters of a data: address
MAX_TEXT = 20_000
# What a browser shows as a picture and never runs
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|avif|svg\+xml)[;,]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an artifact holds, cut to what is shown of it.

    `text` is Markdown, the address of a picture or link, or plain text; `percent` is of progress.
    """

    kind: Kind
    text: str = ""
    table: Table | None = None
    percent: float = 0
    is_cut: bool = False

    @property
    def is_long(self) -> bool:
        """Whether a text fills more than a phone's screen."""
        return self.kind in {"markdown", "text"} and markdown.is_long(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactView:
    """An artifact as a page shows it, with its run where an address has to name that."""

    id: UUID
    title: str
    description: str
    updated: datetime
    content: Content
    flow_run_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactPage:
    """What a run shows, oldest first; `mark` changes whenever more than progress does."""

    shown: Sequence[ArtifactView]
    has_more: bool
    mark: str


def read_artifacts(flow_run_id: UUID) -> ArtifactPage:
    """Return what a run shows now."""
    return _read_page(find_source_of(flow_run_id), flow_run_id)


def read_artifacts_of(approval: Approval) -> ArtifactPage:
    """Return what an approval's run shows, or showed when the approval ended."""
    source = find_source(approval)
    return _read_page(source, approval.flow_run_id, until=approval.closed_at)


def _read_page(
    source: Connector, flow_run_id: UUID, *, until: datetime | None = None
) -> ArtifactPage:
    heads = source.list_artifacts(flow_run_id, limit=MAX_ARTIFACTS + 1, until=until)
    kept = [head for head in heads[-MAX_ARTIFACTS:] if head.type != "result"]
    shown = [_show(head, source, flow_run_id) for head in kept]
    return ArtifactPage(
        shown=[artifact for artifact in shown if artifact is not None],
        has_more=len(heads) > MAX_ARTIFACTS,
        mark=_mark(kept),
    )


def read_artifact(artifact_id: UUID, *, of: UUID | None = None, page: int = 1) -> ArtifactView:
    """Return one artifact, of a table the rows of one page; raises `Http404`.

    `of` is its run, which says on which server it is.
    """
    try:
        found = _find_keeper(of).read_artifact(artifact_id)
    except ArtifactNotFound:
        raise Http404("No such artifact.") from None
    start = (page - 1) * ROWS_A_PAGE
    return ArtifactView(
        id=artifact_id,
        title=_title(found.key or "", found.type or ""),
        description=found.description or "",
        updated=found.updated or found.created or datetime.now(UTC),
        content=_read(found.type or "", found.data, start=start, limit=ROWS_A_PAGE),
        flow_run_id=found.flow_run_id,
    )


def _find_keeper(flow_run_id: UUID | None) -> Connector:
    return find_source_of(flow_run_id) if flow_run_id else get_connector(LOCAL)


def read_data(artifact_id: UUID, *, of: UUID | None = None) -> str:
    """Return all of an artifact's data as text; raises `Http404`."""
    try:
        data = _find_keeper(of).read_artifact(artifact_id).data
    except ArtifactNotFound:
        raise Http404("No such artifact.") from None
    return data if isinstance(data, str) else _write(data)


def _show(head: ArtifactHead, source: Connector, flow_run_id: UUID) -> ArtifactView | None:
    try:
        content = _read_beside(source, head)
    except ArtifactNotFound:  # deleted since the list was read
        return None
    return ArtifactView(
        id=head.id,
        title=_title(head.key, head.type),
        description=head.description,
        updated=head.updated,
        content=content,
        flow_run_id=None if source.name == LOCAL else flow_run_id,
    )


def _read_beside(source: Connector, head: ArtifactHead) -> Content:
    if source.name == LOCAL:
        return _read_once(head.id, head.updated)
    found = source.read_artifact(head.id)
    return _read(found.type or "", found.data, start=0, limit=ROWS_BESIDE)


@lru_cache(maxsize=100)
def _read_once(artifact_id: UUID, updated: datetime) -> Content:  # noqa: ARG001 -- other data
    """Read what stands beside a decision, once for each version: a table may have 10 MB."""
    found = get_connector(LOCAL).read_artifact(artifact_id)
    return _read(found.type or "", found.data, start=0, limit=ROWS_BESIDE)


def _read(kind: str, data: Any, *, start: int, limit: int) -> Content:
    if kind == "table" and (table := read_table(data, start=start, limit=limit)):
        is_cut = table.is_cut or table.columns_left_out > 0
        return Content(kind="table", table=table, is_cut=is_cut)
    if kind == "progress" and isinstance(data, int | float) and not isinstance(data, bool):
        return Content(kind="progress", percent=round(min(max(float(data), 0), 100), 1))
    if kind == "image" and isinstance(data, str):
        return _read_picture(data.strip())
    if kind == "markdown" and isinstance(data, str):
        is_cut = len(data) > markdown.MAX_LENGTH
        return Content(kind="markdown", text=data[: markdown.MAX_LENGTH], is_cut=is_cut)
    text = _write(read_json_or_text(data) if isinstance(data, str) else data)
    return Content(kind="text", text=text[:MAX_TEXT], is_cut=len(text) > MAX_TEXT)


def _read_picture(address: str) -> Content:
    """Show what the address holds itself; what lies elsewhere is linked and never loaded."""
    if _PICTURE.match(address):
        if len(address) > MAX_PICTURE:
            return Content(kind="text", text="The picture is too large to be shown.", is_cut=True)
        return Content(kind="picture", text=address)
    if _scheme_of(address) in {"http", "https"}:
        return Content(kind="link", text=address[:MAX_TEXT])
    return Content(kind="text", text=address[:MAX_TEXT], is_cut=len(address) > MAX_TEXT)


def _scheme_of(address: str) -> str:
    """Return the scheme of an address, or "" where it is none."""
    try:
        return urlsplit(address).scheme.lower()
    except ValueError:
        return ""


def _title(key: str, kind: str) -> str:
    """Return a heading for people: `sales-report` is "Sales report"."""
    words = key.replace("-", " ").strip()
    names = {"table": "Table", "progress": "Progress", "image": "Picture", "markdown": "Notes"}
    return f"{words[0].upper()}{words[1:]}" if words else names.get(kind, "Data")


def _mark(heads: Sequence[ArtifactHead]) -> str:
    parts = [f"{head.id}.{'' if head.type == 'progress' else head.updated}" for head in heads]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _write(data: Any) -> str:
    if isinstance(data, str):
        return data
    try:
        return json.dumps(data, indent=2, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply)"
