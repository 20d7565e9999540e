"""What asks a repository's index, as the settings have it: its retriever, its analysis service.

Commands and editors open them through here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from codeassist.request import NoRetriever, Retriever
from codeassist.settings import Settings
from codeassist_indexer.analysis.service import DEADLINE_S, RepositoryAnalysisService
from codeassist_indexer.retrieval.ranking.ranker import Chooser, ranker_in_force
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.retrieval.sources.retrieval_context import RecentPlace
from codeassist_indexer.retrieval.vectors.choice import encoder_in_force
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.storage.library_stores import LibraryStores, libraries_folder
from codeassist_indexer.storage.store import Store


def open_retriever(
    store: Store,
    settings: Settings,
    deadline_ms: float | None,
    recent: Iterable[RecentPlace] = (),
    search: LearnedSearch | None = None,
    libraries: LibraryStores | None = None,
) -> Retriever:
    """Return the retriever that `context.mode` asks for. `deadline_ms` None waits for every source.

    `search`, `libraries`: of this store, for who opens several retrievers: they share what these have read.
    Where no ranker can be read, which is logged, "learned" is "full".
    """
    mode = settings.context.mode
    if mode == "none":
        return NoRetriever()
    if mode != "learned":
        return IndexRetriever(store, mode, deadline_ms, recent)
    encoder = encoder_in_force(settings.context.encoder)
    search = search or LearnedSearch(store, encoder)
    if encoder is not None:
        search.use(encoder)
    ranker = ranker_in_force(settings.places.data, store.path)
    chooser = None if ranker is None else Chooser(ranker, encoder)
    libraries = libraries or LibraryStores(libraries_folder(settings.places.cache))
    return IndexRetriever(store, mode, deadline_ms, recent, chooser, search=search, libraries=libraries)


def open_analyst(store: Store, root: Path, servers: Sequence[str] = ()) -> RepositoryAnalysisService:
    """Return the analysis service of the repository at `root`; the first question starts its process, `close` ends it.

    `servers`: the setting `monitor.servers`. Raises SettingsError where it is wrong.
    """
    root = root.resolve()
    if not servers:
        return RepositoryAnalysisService(root, store)
    from codeassist_indexer.analysis.language_server import open_servers, server_commands

    return RepositoryAnalysisService(root, store, servers=open_servers(root, server_commands(servers), DEADLINE_S))
