"""Our own retrieval for evaluation: an index per repository, with the truth taken out of it before each task.

codeassist_indexer retrieves. While a task runs, the index holds its file as an editor would show it, unsaved: what
stands before the cursor and after it, without what is to be predicted.
"""

from __future__ import annotations

from pathlib import Path

from codeassist.request import Retriever
from codeassist_eval.contexts.rankers import Rankers
from codeassist_eval.tasks.claimed_folder import claim_folder
from codeassist_eval.tasks.repositories import Repositories
from codeassist_eval.tasks.task import Task
from codeassist_indexer.ingest.library_update import update_libraries
from codeassist_indexer.ingest.update import update_file, update_index
from codeassist_indexer.retrieval.retrieve import ContextMode, IndexRetriever
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.retrieval.vectors.stored import fill_vectors
from codeassist_indexer.storage.library_stores import LibraryStores, libraries_folder
from codeassist_indexer.storage.store import Store, database_path


class IndexContexts:
    """The index of the repository that was asked for last. Tasks are served in order, one at a time.

    `rankers` give what finds and chooses a task's snippets in the mode "learned", of installed packages too where it
    is `with_libraries`: of the environment that is active, or lies in the repository.
    """

    def __init__(
        self,
        repositories: Repositories,
        cache: Path,
        mode: ContextMode,
        rankers: Rankers | None = None,
        with_libraries: bool = True,
    ) -> None:
        self._repositories = repositories
        self._databases = claim_folder(cache)
        self._mode: ContextMode = mode
        self._rankers = rankers
        self._libraries = LibraryStores(libraries_folder(cache.parent)) if with_libraries else None
        self._libraries_folder = libraries_folder(cache.parent)
        self._folder: Path | None = None
        self._store: Store | None = None
        self._search: LearnedSearch | None = None
        self._open_path: str | None = None

    def retriever(self, task: Task) -> Retriever:
        """Return the retriever for `task`; one given out before may no longer be used."""
        store = self.store(task)
        if self._rankers is None:
            return IndexRetriever(store, self._mode)
        encoder = self._rankers.encoder(task)
        if encoder is not None:
            fill_vectors(store, encoder)  # those of its fold, which never saw the repository
            self.search.use(encoder)
        rankers = self._rankers
        return IndexRetriever(
            store,
            self._mode,
            chooser=rankers.chooser(task),
            sources=rankers.sources,
            search=self.search,
            libraries=self._libraries,
        )

    def store(self, task: Task) -> Store:
        """Return the index for `task`, its file in it without the truth; one given out before may no longer be used.

        Brings the index up to date on the first task of a repository, which also takes back what an interrupted run
        left in it.
        """
        folder = self._repositories.folder(task)
        store = self._store
        if store is None or folder != self._folder:
            store = self._open(folder)
        elif self._open_path is not None and self._open_path != task.path:
            update_file(store, folder, self._open_path)
        update_file(store, folder, task.path, task.prefix + task.suffix)
        self._open_path = task.path
        return store

    @property
    def search(self) -> LearnedSearch:
        """What finds chunks of the last store by their vectors."""
        assert self._store is not None, "`store` or `retriever` opens one"
        if self._search is None:
            self._search = LearnedSearch(self._store)
        return self._search

    def close(self) -> None:
        """Give the indexes back. What the last task changed in its index is put right when it is next opened."""
        if self._store is not None:
            self._store.close()
        self._databases.release()

    def _open(self, folder: Path) -> Store:
        if self._store is not None:
            self._store.close()
        self._store, self._folder, self._open_path = Store(database_path(folder, self._databases.path)), folder, None
        self._search = None
        update_index(self._store, folder)
        if self._libraries is not None:
            update_libraries(self._store, folder, self._libraries_folder)
            self._libraries = LibraryStores(self._libraries_folder)
        return self._store
