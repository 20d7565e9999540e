"""A client's documents as they stood when it asked for the next edit, and the request that they come to.

The snapshot is taken on the event loop; the request, which reads the index and the disk, is made on a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import Diagnostic, EditRequest
from codeassist.edits.history import PastEdit
from codeassist.edits.line_diff import carried_over
from codeassist.edits.lines import with_line_feeds
from codeassist.edits.workspace_history import workspace_history
from codeassist_indexer.edit_requests.related_files import related_files
from codeassist_indexer.edit_requests.source_files import SourceFiles, without_secrets
from codeassist_lsp.completion.document_session import DocumentSession, DocumentSessions
from codeassist_lsp.documents.open_document import OpenDocument, well_formed
from codeassist_lsp.workspace.workspace import DocumentScope


@dataclass(frozen=True, slots=True)
class Placed:
    """A change, and the text of its file ("\\n" at the line ends) that it counts in."""

    change: LineChange
    text: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of one question: where it was asked, and what was open in the same repository, by its path there.

    `edits`: of each of these documents, the oldest first. `dismissed` were turned down by now.
    """

    scope: DocumentScope
    document: OpenDocument
    line: int
    open_documents: Mapping[str, OpenDocument]
    edits: tuple[tuple[str, tuple[PastEdit, ...]], ...]
    now_s: float
    diagnostics: tuple[Diagnostic, ...] = ()
    dismissed: tuple[Placed, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """The request, and of the files that are not open, their texts on disk as they are."""

    request: EditRequest
    on_disk: Mapping[str, str]


def take_snapshot(
    session: DocumentSession,
    line: int,
    documents: DocumentSessions,
    now_s: float,
    diagnostics: Sequence[tuple[int, str]] = (),
    dismissed: Sequence[Placed] = (),
) -> Snapshot:
    """Return what counts for a question at a line (from 0) of a document. On the event loop."""
    scope = session.scope
    together = [each for each in documents if each is session or _is_beside(each, scope)]
    return Snapshot(
        scope=scope,
        document=session.now,
        line=line,
        open_documents={each.scope.path: each.now for each in together},
        edits=tuple((each.scope.path, each.history.recent(now_s)) for each in together),
        now_s=now_s,
        diagnostics=tuple(Diagnostic(scope.path, at, message) for at, message in diagnostics),
        dismissed=tuple(dismissed),
    )


class RequestMaker:
    """Makes requests of snapshots, one at a time, whatever thread asks. Knows which files of each repository count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[tuple[Path, tuple[str, ...]], SourceFiles] = {}

    def make(self, snapshot: Snapshot) -> Asked | None:
        """Return the request; None where nothing was edited. Reads the index and files; raises as they do."""
        with self._lock:
            return self._make(snapshot)

    def _make(self, snapshot: Snapshot) -> Asked | None:
        own, workspace = snapshot.scope.path, snapshot.scope.workspace
        texts = {path: text_of(document) for path, document in snapshot.open_documents.items()}
        files: SourceFiles | None = None
        if workspace is not None:
            files = self._files_of(workspace.root, workspace.settings_in_force().index.exclude)
            counted = files.counted([path for path in texts if path != own])
            texts = {path: text for path, text in texts.items() if path == own or path in counted}
        edits = [(path, entries) for path, entries in snapshot.edits if path in texts]
        history = workspace_history(edits, snapshot.now_s, _clean)
        if not history:
            return None
        on_disk: dict[str, str] = {}
        edited = {change.path for change in history}
        used = {path: text for path, text in texts.items() if path in edited or path == own}
        if workspace is not None and files is not None:
            related = related_files(workspace.store, history, used, workspace.committed_together())
            used |= {path: texts[path] for path in related if path in texts}
            on_disk = files.read([path for path in related if path not in texts])
            used |= {path: with_line_feeds(text) for path, text in on_disk.items()}
        request = EditRequest(
            path=own,
            line=snapshot.line,
            history=history,
            files=used,
            diagnostics=snapshot.diagnostics,
            dismissed=frozenset(_still_dismissed(snapshot.dismissed, used)),
            root=None if snapshot.scope.root is None else str(snapshot.scope.root),
            repository=snapshot.scope.repository,
            has_file=snapshot.scope.has_file,
        )
        return Asked(request, on_disk)

    def _files_of(self, root: Path, exclude: Sequence[str]) -> SourceFiles:
        key = (root, tuple(exclude))
        if key not in self._files:
            self._files[key] = SourceFiles(root, exclude)
        return self._files[key]


def _still_dismissed(dismissed: Sequence[Placed], texts: Mapping[str, str]) -> list[LineChange]:
    """The changes that were turned down, where they would be made now."""
    found: list[LineChange] = []
    for placed in dismissed:
        now = texts.get(placed.change.path)
        moved = None if now is None else carried_over(placed.change, placed.text, now)
        if moved is not None:
            found.append(replace(moved, is_accepted=False))
    return found


def _is_beside(one: DocumentSession, other: DocumentScope) -> bool:
    """Whether a document is a file of the same repository; a notebook's cell is none."""
    scope = one.scope
    return one.notebook is None and scope.root is not None and scope.root == other.root and scope.file is not None


def _clean(path: str, text: str) -> str:
    return without_secrets(path, well_formed(text))


def text_of(document: OpenDocument) -> str:
    """A document's text as requests hold it."""
    return well_formed(with_line_feeds(document.document.text))
