"""The repositories that are open in an editor, and which of them a file belongs to.

A file belongs to the repository around it, as on the command line; only where there is none does it belong to the
innermost folder that the editor opened. A document without a file belongs where it is to be saved; where nobody has
said that, to the editor's folder in which a file was opened last.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from codeassist.settings import REPOSITORY_FILE
from codeassist.settings.ownership import is_own_file
from codeassist_indexer.ingest.walk import repository_name, repository_root
from codeassist_indexer.languages.client_ids import language_of_id
from codeassist_lsp.documents.uri import file_of, is_unnamed, name_of, notebook_of, planned_file_of
from codeassist_lsp.workspace.configuration import Configuration
from codeassist_lsp.workspace.indexes import Indexes
from codeassist_lsp.workspace.workspace import DocumentScope, OnCoverage, Workspace

log = logging.getLogger(__name__)

# Repositories of files opened from elsewhere (a definition that was jumped to) that stay open without a folder.
_MOST_VISITED = 4


class Workspaces:
    """Opens and closes workspaces as one editor's folders and files ask for. For any thread.

    `on_coverage` is called from background threads while an index is built. `indexes` are shared by all editors.
    """

    def __init__(
        self,
        configuration: Configuration,
        on_coverage: OnCoverage = lambda root, coverage: None,
        indexes: Indexes | None = None,
    ) -> None:
        self._configuration = configuration
        self._indexes = indexes or Indexes()
        self._on_coverage = on_coverage
        self._folders: list[Path] = []
        self._folder_at_work: Path | None = None
        self._open: dict[Path, Workspace] = {}  # the least recently found first
        self._lock = threading.RLock()
        self._is_closed = False

    def add(self, folder: Path) -> None:
        """Open a folder of the editor's; its index is built in the background."""
        folder = folder.resolve()
        with self._lock:
            self._folders.append(folder)
            root = self._root_of(folder)
            if root is not None:
                self._workspace(root)

    def remove(self, folder: Path) -> None:
        """Close a folder of the editor's. Its index stays on disk."""
        folder = folder.resolve()
        with self._lock:
            if folder not in self._folders:
                return
            before = {self._root_of(each) for each in self._folders}
            self._folders.remove(folder)
            if self._folder_at_work == folder:
                self._folder_at_work = None
            gone = before - {self._root_of(each) for each in self._folders}
            leaving = [self._open.pop(root) for root in gone if root in self._open]
        _close_in_background(leaving)

    def find(self, path: Path) -> Workspace | None:
        """Return the workspace that a file belongs to, opened if need be; None for a file outside any repository."""
        folder = path.parent.resolve()
        with self._lock:
            root = self._root_of(folder)
            if root is None or self._is_closed:
                return None
            workspace = self._workspace(root)
            self._open[root] = self._open.pop(root)
            self._folder_at_work = next((each for each in self._folders if self._root_of(each) == root), None)
            leaving = self._visited_too_many()
        _close_in_background(leaving)
        return workspace

    def scope_of(self, uri: str, language_id: str) -> DocumentScope:
        """Look up what a document belongs to. Walks up the file system: once a document and change of folders."""
        notebook = notebook_of(uri)
        if notebook is not None:
            return self.scope_of(notebook, language_id).of_cell()
        language, file = language_of_id(language_id), file_of(uri)
        if is_unnamed(uri):
            return self._unnamed_scope(name_of(uri, language), language)
        path = file or planned_file_of(uri)
        workspace = self.find(path) if path is not None else None
        if path is None or workspace is None:
            return DocumentScope(name_of(uri, language), file, None, self._configuration, language=language)
        name = repository_name(workspace.root, path.parent)
        return DocumentScope(workspace.relative(path), file, workspace, self._configuration, name, language)

    def _unnamed_scope(self, name: str, language: str | None) -> DocumentScope:
        with self._lock:
            folder = self._folder_at_work or next(iter(self._folders), None)
        workspace = self.find(folder / name) if folder is not None else None
        if folder is None or workspace is None:
            return DocumentScope(name, None, None, self._configuration, language=language, has_file=False)
        repository = repository_name(workspace.root, folder)
        path = workspace.relative(folder / name)
        return DocumentScope(path, None, workspace, self._configuration, repository, language, has_file=False)

    def all(self) -> tuple[Workspace, ...]:
        """Return what is open."""
        with self._lock:
            return tuple(self._open.values())

    def close(self, timeout_s: float | None = None) -> None:
        """Close everything; wait at most `timeout_s` for work under way."""
        with self._lock:
            self._is_closed = True
            closing = list(self._open.values())
            self._open.clear()
        _close(closing, timeout_s)

    def _workspace(self, root: Path) -> Workspace:
        if root not in self._open:
            self._open[root] = Workspace(root, self._configuration, self._indexes, self._on_coverage)
        return self._open[root]

    def _root_of(self, folder: Path) -> Path | None:
        """Return the root of the workspace that files in `folder` belong to. Links must be resolved."""
        root = repository_root(folder)
        if root is not None and _may_be_indexed(root):
            return root
        around = [each for each in self._folders if folder.is_relative_to(each) and _may_be_indexed(each)]
        return max(around, key=lambda each: len(each.parts), default=None)

    def _visited_too_many(self) -> list[Workspace]:
        """Take out the least recent workspaces without a folder and without a document, beyond the few to keep."""
        roots = {self._root_of(folder) for folder in self._folders}
        visited = [root for root in self._open if root not in roots]
        idle = [root for root in visited[:-1] if not self._open[root].has_open_documents]
        return [self._open.pop(root) for root in idle[: max(0, len(visited) - _MOST_VISITED)]]


def _may_be_indexed(root: Path) -> bool:
    """Say whether a folder is no more than a project: a home folder, or one above it, may hold anything.

    Who does mean all of it puts a settings file there.
    """
    try:
        home = Path.home().resolve()
    except RuntimeError:  # a user without one
        return True
    return not home.is_relative_to(root) or is_own_file(root / REPOSITORY_FILE)


def _close_in_background(workspaces: list[Workspace]) -> None:
    if workspaces:
        threading.Thread(target=_close, args=(workspaces,), name="workspaces-ending", daemon=True).start()


def _close(workspaces: list[Workspace], timeout_s: float | None = None) -> None:
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    for index in filter(None, [workspace.close() for workspace in workspaces]):
        index.stop(None if deadline is None else max(0.0, deadline - time.monotonic()))
