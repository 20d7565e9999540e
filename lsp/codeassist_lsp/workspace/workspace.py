"""One repository that an editor works in, with its settings, index and retriever; and what a document has of one.

Settings are looked up at each use: where those change that decide what is indexed, an index with the
new ones takes the place of the old one, in the background.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from codeassist.request import NO_REPOSITORY, CompletionRequest, NoRetriever, Retrieval, RetrievalBasis, Retriever
from codeassist.settings import Settings
from codeassist_indexer.edit_requests.commit_history import CommitHistory, CommittedTogether
from codeassist_indexer.ingest.ignore import settings_spec
from codeassist_indexer.languages.client_ids import extension_of
from codeassist_indexer.repository import open_retriever
from codeassist_indexer.retrieval.sources.retrieval_context import RecentPlaces
from codeassist_indexer.storage.store import Store
from codeassist_lsp.workspace.background_index import BackgroundIndex, Coverage
from codeassist_lsp.workspace.configuration import Configuration
from codeassist_lsp.workspace.indexes import Indexes

OnCoverage = Callable[[Path, Coverage], None]


class Workspace:
    """What one client has open of one repository. For any thread; `root` has its links resolved."""

    def __init__(
        self,
        root: Path,
        configuration: Configuration,
        indexes: Indexes,
        on_coverage: OnCoverage = lambda root, coverage: None,
    ) -> None:
        self.root = root
        self.retriever: Retriever = _RetrieverInForce(self)
        self.recent = RecentPlaces()  # places that this client edited or looked at lately
        self._configuration = configuration
        self._indexes = indexes
        self._on_coverage = on_coverage
        self._commits = CommitHistory(root)
        self._lock = threading.RLock()
        self._retriever_in_force: Retriever | None = None
        self._settings = configuration.settings(root)
        self._excluded = settings_spec(self._settings.index.exclude)
        self._index = self._hold_index(self._settings, {})
        self._listen()

    def settings_in_force(self) -> Settings:
        """Look up the settings. Where they ask for another index than before, that one is built in the background."""
        settings = self._configuration.settings(self.root)
        with self._lock:
            if settings is not self._settings:
                before, self._settings = self._settings.index, settings
                self._excluded = settings_spec(settings.index.exclude)
                self._retriever_in_force = None
                if settings.index != before:
                    self._start_over(settings)
        return settings

    def relative(self, path: Path) -> str:
        """Return the path relative to the root with forward slashes, the name by which the index knows a file.

        A link is known by its own name, in the folder that it stands in.
        """
        return (path.parent.resolve() / path.name).relative_to(self.root).as_posix()

    def document_changed(self, name: str, text: str) -> None:
        """Let an open document's text count for other files a moment later, in the place of what is on disk.

        `name` is what `relative` gives, which asks the file system: too slow for each key.
        """
        self._index.document_changed(name, text, self)

    def document_closed(self, name: str) -> None:
        """Let what is on disk count again."""
        self._index.document_closed(name, self)

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Look at files that the client saw change."""
        self._index.files_changed(paths)

    def committed_together(self) -> CommittedTogether:
        """Say which files the last commits changed together, as far as that is read; see whether there is a new one."""
        self._commits.look()
        return self._commits.known()

    def reindex(self) -> None:
        """Throw the index away and build it again, in the background."""
        self._index.rebuild()

    def coverage(self) -> Coverage:
        """Say how much of the repository is indexed."""
        return self._index.coverage()

    @property
    def has_open_documents(self) -> bool:
        """Whether an editor holds any document of this repository."""
        return bool(self._index.open_documents(self))

    def close(self) -> BackgroundIndex | None:
        """Let go of the repository; return its index, told to end, if nobody else works in it."""
        self._commits.close()
        with self._lock:
            self._configuration.forget(self.root)
            return self._indexes.release(self._index, self)

    @property
    def store(self) -> Store:
        """Return the index."""
        return self._index.store

    def in_force(self) -> Retriever:
        """Return the retriever that the settings ask for, the same one until they change."""
        settings = self.settings_in_force()
        with self._lock:
            if self._retriever_in_force is None:
                deadline_ms, index = settings.context.deadline_ms, self._index
                self._retriever_in_force = open_retriever(
                    index.store, settings, deadline_ms, self.recent, index.search, index.libraries.stores
                )
            return self._retriever_in_force

    def without_excluded(self, found: Retrieval) -> Retrieval:
        """Leave out what this client's `index.exclude` names.

        The database may hold it: another client without that setting has it indexed, or the setting is newer.
        """
        excluded = self._excluded
        if excluded is None:
            return found
        kept = tuple(each for each in found.snippets if each.library is not None or not excluded.covers(each.path))
        return found if len(kept) == len(found.snippets) else replace(found, snippets=kept)

    def _hold_index(self, settings: Settings, open_documents: Mapping[str, str]) -> BackgroundIndex:
        index = self._indexes.hold(self.root, settings, self)
        for path, text in open_documents.items():
            index.document_changed(path, text, self)
        return index

    def _listen(self) -> None:
        self._index.listen(self, self._tell)

    def _tell(self, coverage: Coverage) -> None:
        self._on_coverage(self.root, coverage)
        if not coverage.is_building and self._settings.edits.mode != "off":  # before the first request for one
            self._commits.look()

    def _start_over(self, settings: Settings) -> None:
        former = self._index
        self._index = self._hold_index(settings, former.open_documents(self))
        ending = self._indexes.release(former, self)
        self._listen()  # after the former one has said that it is at an end
        if ending is not None:
            threading.Thread(target=ending.stop, name="index-ending", daemon=True).start()


@dataclass(frozen=True, slots=True)
class DocumentScope:
    """What an open document belongs to: a repository (`workspace` None: to none) and its path there, with "/".

    `file` is the one whose text it is, if there is any; `language` what its client says it is, where that is known.
    `repository`, `told_path` and `has_file` as in CompletionRequest.
    """

    path: str
    file: Path | None
    workspace: Workspace | None
    configuration: Configuration
    repository: str = NO_REPOSITORY
    language: str | None = None
    told_path: str | None = None
    has_file: bool = True

    def of_cell(self) -> DocumentScope:
        """Of a notebook's scope what one of its cells has: the cell is not the file, and a model is told of code."""
        told_path = str(PurePosixPath(self.path).with_suffix(extension_of(self.language)))
        return replace(self, file=None, told_path=told_path)

    @property
    def root(self) -> Path | None:
        """The repository's folder."""
        return None if self.workspace is None else self.workspace.root

    def settings_in_force(self) -> Settings:
        """Look up the settings for the document, as its workspace does."""
        return self.configuration.settings(None) if self.workspace is None else self.workspace.settings_in_force()

    @property
    def retriever(self) -> Retriever:
        """Where its context comes from."""
        return NoRetriever() if self.workspace is None else self.workspace.retriever

    def note_cursor(self, line: int) -> None:
        """Remember that the user looks at a line, counted from 1: what stands there may help elsewhere."""
        if self.workspace is not None:
            self.workspace.recent.note(self.path, line, line + 1)


class _RetrieverInForce:
    """Asks whichever retriever the workspace's settings ask for at the time of the request."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return snippets from the workspace's index."""
        retriever = self._workspace.in_force()
        found = self._workspace.without_excluded(retriever.retrieve(request, max_chars))
        return found if found.basis is None else replace(found, basis=_InForce(self._workspace, retriever, found.basis))


@dataclass(frozen=True, slots=True)
class _InForce:
    """A basis that holds only while the retriever that was asked is the one that the settings ask for."""

    workspace: Workspace
    retriever: Retriever
    basis: RetrievalBasis

    def holds(self) -> bool:
        return self.workspace.in_force() is self.retriever and self.basis.holds()
