"""What an open document belongs to: its repository with settings and retriever, or nothing but itself.

Looked up once a document and folder change, not at each keystroke: it takes a walk up the file system.
"""

from __future__ import annotations

from dataclasses import dataclass
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


def find_scope(uri: str, language_id: str, configuration: Configuration, workspaces: Workspaces) -> DocumentScope:
    """Look up what a document belongs to. Walks up the file system."""
    file = file_of(uri)
    workspace = workspaces.find(file) if file is not None else None
    if file is None or workspace is None:
        return DocumentScope(name_of(uri, language_id), file, None, configuration)
    return DocumentScope(workspace.relative(file), file, workspace, configuration)
