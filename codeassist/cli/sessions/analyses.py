"""The analysts of the repositories that a process completes in, opened when a request first comes from one.

What analyses a repository of its own in the background is ended when others are in use.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from cachetools import LRUCache

from codeassist.request import AnalysisService, CompletionRequest
from codeassist.settings import Settings

if TYPE_CHECKING:
    from codeassist_indexer.analysis.service import RepositoryAnalysisService
    from codeassist_indexer.storage.store import Store

_MOST_OPEN = 3


class _OpenServices(LRUCache[str, "tuple[RepositoryAnalysisService, Store]"]):
    """Analysts by repository. One that leaves is closed."""

    def popitem(self) -> tuple[str, tuple[RepositoryAnalysisService, Store]]:
        """Close the least recently used one."""
        root, opened = super().popitem()
        _close(*opened)
        return root, opened


class AnalysisServices:
    """One analyst a repository, the least recently used closed first. For any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._open = _OpenServices(_MOST_OPEN)
        self._is_closed = False

    def find(self, request: CompletionRequest) -> AnalysisService | None:
        """Return the analyst of the request's repository; None for a file that is in none."""
        if request.root is None:
            return None
        with self._lock:
            if self._is_closed:
                return None
            opened = self._open.get(request.root)
            if opened is None:
                opened = self._open[request.root] = self._begin(Path(request.root))
            return opened[0]

    def close(self) -> None:
        """End what runs for any of them; nothing is found any more."""
        with self._lock:
            self._is_closed = True
            while self._open:
                self._open.popitem()

    def _begin(self, root: Path) -> tuple[RepositoryAnalysisService, Store]:
        from codeassist_indexer.repository import open_analyst
        from codeassist_indexer.repository_index import open_store

        store = open_store(root, self._settings)
        return open_analyst(store, root, self._settings.monitor.servers), store


def _close(analyst: RepositoryAnalysisService, store: Store) -> None:
    """Waits for the question that is being answered, so in a thread of its own."""

    def close() -> None:
        analyst.close()
        store.close()

    threading.Thread(target=close, name="analyst-ending", daemon=True).start()
