"""The one owner of what a client's open document is: READ FIRST.

A `DocumentSession` lives from didOpen to didClose. It holds the text with its version, the history of its edits, the
repository that it belongs to, and what all windows that have it open share (answers, looks at other files, tokens and
live caches). Closing it frees all of that, and nothing else is kept of a document. A request takes `now`, which never
changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from codeassist.document import Document
from codeassist.edits.history import EditHistory
from codeassist.settings import EditorSettings
from codeassist_indexer.ingest.ignore import settings_spec
from codeassist_lsp.completion.notebook import Notebook
from codeassist_lsp.completion.shared_document import SharedDocument, SharedDocuments
from codeassist_lsp.documents.open_document import (
    CursorContext,
    OpenDocument,
    PositionEncoding,
    Selected,
    TextChange,
    apply_changes,
    cursor_context_at,
)
from codeassist_lsp.workspace.workspace import DocumentScope

log = logging.getLogger(__name__)

FindScope = Callable[[str, str], DocumentScope]
"""Looks up what a document of this URI and language belongs to: a walk up the file system."""


class DocumentSession:
    """One document that a client has open. Used on the event loop only; `history` records by the clock `now_s`."""

    def __init__(
        self,
        opened: OpenDocument,
        find_scope: FindScope,
        shared: SharedDocument,
        now_s: Callable[[], float],
        notebook: Notebook | None = None,
    ) -> None:
        self.now = opened
        self.notebook = notebook
        self.history = EditHistory()
        self.shared = shared
        self._find_scope = find_scope
        self._scope: DocumentScope | None = None
        self._now_s = now_s
        self._off_paths: tuple[str, ...] | None = None  # the patterns that `_is_off` was found out by
        self._is_off = False
        self.is_closed = False
        self.misfit: str | None = None

    @property
    def scope(self) -> DocumentScope:
        """What the document belongs to, looked up at the first use and after `forget_scope`."""
        if self._scope is None and self.notebook is not None:
            self._scope = self._find_scope(self.notebook.uri, self.now.language_id).of_cell()
        elif self._scope is None:
            self._scope = self._find_scope(self.now.uri, self.now.language_id)
        return self._scope

    def context_at(self, document: OpenDocument, cursor_char: int, selected: Selected | None) -> CursorContext:
        """Where a cursor stands in the document as it was then; in a notebook's cell with the other cells around it."""
        own = cursor_context_at(document.document, cursor_char, selected)
        return own if self.notebook is None else self.notebook.around(self.now.uri, own)

    def forget_scope(self) -> None:
        """Look up anew what the document belongs to: other folders are open now."""
        self._scope = None
        self._off_paths = None

    def why_none(self, editor: EditorSettings) -> str | None:
        """Why the document gets no completion at all, for people; None where it may get one."""
        language_id = self.now.language_id
        return f"off for {language_id} (editor.off_languages)" if language_id in editor.off_languages else None

    def why_on_demand_only(self, editor: EditorSettings) -> str | None:
        """Why it gets only what somebody asks for, for people; None where completions come by themselves."""
        if editor.mode == "manual":
            return "on demand only (editor.mode)"
        return f"on demand only in {self.scope.path} (editor.off_paths)" if self.is_off_path(editor) else None

    def is_off_path(self, editor: EditorSettings) -> bool:
        """Whether it is one of the files of keys, or another in which nothing comes by itself."""
        if self._off_paths != editor.off_paths:
            spec = settings_spec(editor.off_paths)
            self._off_paths, self._is_off = editor.off_paths, spec is not None and spec.covers(_path_of(self.scope))
        return self._is_off

    def apply(self, version: int, changes: Sequence[TextChange], encoding: PositionEncoding) -> None:
        """Apply one change notification; what of it did not fit is logged, and `misfit` from then on.

        A version that goes back is logged only: the edit fits the text that the messages before it left.
        """
        if version < self.now.document.version:
            log.info("%s: version %d came after version %d", self.now.uri, version, self.now.document.version)
        applied = apply_changes(self.now, version, changes, encoding)
        self.history.record(applied.start, applied.edits, self._now_s())
        self.now = applied.after
        for misfit in applied.misfits:
            log.warning("%s: %s", self.now.uri, misfit)
            self.misfit = misfit

    def text_changed(self, text: str) -> None:
        """Let the unsaved text count for other files."""
        scope = self.scope
        if scope.workspace is not None and scope.file is not None:
            scope.workspace.document_changed(scope.path, text)

    def close(self) -> None:
        """Let the file on disk count again, where its scope was ever looked up. Requests under way come to nothing."""
        self.is_closed = True
        scope = self._scope
        if scope is not None and scope.workspace is not None and scope.file is not None:
            scope.workspace.document_closed(scope.path)


class DocumentSessions:
    """What one client has open. Mutated by its notifications only, in the order in which they came."""

    def __init__(self, find_scope: FindScope, shared: SharedDocuments, now_s: Callable[[], float] = monotonic) -> None:
        self.encoding: PositionEncoding = "utf-16"
        self._find_scope = find_scope
        self._shared = shared
        self._now_s = now_s
        self._open: dict[str, DocumentSession] = {}
        self._num_openings = 0

    def __iter__(self) -> Iterator[DocumentSession]:
        return iter(tuple(self._open.values()))

    def __len__(self) -> int:
        return len(self._open)

    def get(self, uri: str) -> DocumentSession | None:
        """The session of a document, or None where it is not open."""
        return self._open.get(uri)

    def open(
        self, uri: str, language_id: str, version: int, text: str, notebook: Notebook | None = None
    ) -> DocumentSession:
        """Take a text from the client. A document that was open already begins anew, with what is shared of it.

        A cell of a notebook shares all of that with the other cells: to a model they are one text.
        """
        former = self._open.get(uri)
        if former is not None:
            log.info("%s was opened again", uri)
        self._num_openings += 1
        opened = OpenDocument(uri, language_id, Document(uri, text, version), self._num_openings)
        notebook = notebook or (former.notebook if former is not None else None)
        shared = self._shared.open(uri if notebook is None else notebook.uri) if former is None else former.shared
        if former is not None:
            former.is_closed = True
        made = self._open[uri] = DocumentSession(opened, self._find_scope, shared, self._now_s, notebook)
        return made

    def change(self, uri: str, version: int, changes: Sequence[TextChange]) -> DocumentSession | None:
        """Apply a client's edits; return the session, None if the document is not open."""
        session = self._open.get(uri)
        if session is None:
            log.warning("an edit of %s was left out: it is not open", uri)
            return None
        session.apply(version, changes, self.encoding)
        return session

    def close(self, uri: str) -> DocumentSession | None:
        """End a session and free what it holds; return it, None if the document was not open."""
        session = self._open.pop(uri, None)
        if session is None:
            log.warning("%s was closed, but is not open", uri)
            return None
        session.close()
        self._shared.release(session.shared)
        return session


def _path_of(scope: DocumentScope) -> str:
    """The document's path for patterns: in its repository, or all of it."""
    if scope.workspace is None and scope.file is not None:
        return scope.file.as_posix().removeprefix(scope.file.anchor.replace("\\", "/"))
    return scope.path
