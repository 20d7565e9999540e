"""What an open document belongs to: its repository with settings and retriever, or nothing but itself.

Knows no client. Looked up once a document and folder change, not at each keystroke: it takes a walk up the file system.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from codeassist.request import NoRetriever, Retriever
from codeassist.settings import Settings
from codeassist_lsp.documents.cursor_context import file_of, name_of
from codeassist_lsp.workspace.configuration import Configuration
from codeassist_lsp.workspace.workspace import Workspace
from codeassist_lsp.workspace.workspaces import Workspaces


@dataclass(frozen=True, slots=True)
class DocumentScope:
    """A document's repository (None: it is in none) and its path there, with forward slashes."""

    path: str
    file: Path | None
    workspace: Workspace | None
    configuration: Configuration

    @property
    def settings(self) -> Settings:
        """What is in force for the document now."""
        return self.configuration.settings(None) if self.workspace is None else self.workspace.settings

    @property
    def retriever(self) -> Retriever:
        """Where its context comes from."""
        return NoRetriever() if self.workspace is None else self.workspace.retriever

    @property
    def repository(self) -> str:
        """The repository's name, as models are told it."""
        return "workspace" if self.workspace is None else self.workspace.root.name


@dataclass(slots=True)
class DocumentScopes:
    """The homes of one client's documents, by URI."""

    configuration: Configuration
    workspaces: Workspaces
    _known: dict[str, DocumentScope] = field(default_factory=dict[str, DocumentScope])

    def of(self, uri: str, language_id: str) -> DocumentScope:
        """Return the document's home, looked up at the first call."""
        if uri not in self._known:
            self._known[uri] = self._look_up(uri, language_id)
        return self._known[uri]

    def text_changed(self, uri: str, language_id: str, text: str) -> None:
        """Let an open document's unsaved text count for other files."""
        document_scope = self.of(uri, language_id)
        if document_scope.workspace is not None and document_scope.file is not None:
            document_scope.workspace.document_changed(document_scope.path, text)

    def closed(self, uri: str) -> None:
        """Let the file on disk count again."""
        document_scope = self._known.pop(uri, None)
        if document_scope is not None and document_scope.workspace is not None and document_scope.file is not None:
            document_scope.workspace.document_closed(document_scope.path)

    def forget(self) -> None:
        """Look every home up again: other folders are open now."""
        self._known.clear()

    def _look_up(self, uri: str, language_id: str) -> DocumentScope:
        file = file_of(uri)
        workspace = self.workspaces.find(file) if file is not None else None
        if file is None or workspace is None:
            return DocumentScope(name_of(uri, language_id), file, None, self.configuration)
        return DocumentScope(workspace.relative(file), file, workspace, self.configuration)
