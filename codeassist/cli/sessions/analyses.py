"""The analysts of the repositories that a process completes in, opened when a request first comes from one.

What analyses a repository of its own in the background is ended when others are in use.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from codeassist.request import AnalysisService, CompletionRequest
from codeassist.settings import Settings

if TYPE_CHECKING:
    from codeassist_indexer.analysis.service import RepositoryAnalysisService
    from codeassist_indexer.storage.store import Store

_MOST_OPEN = 3


class AnalysisServices:
    """One analyst a repository, the least recently used closed first. For any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._open: OrderedDict[str, tuple[RepositoryAnalysisService, Store]] = OrderedDict()
        self._is_closed = False

    def find(self, request: CompletionRequest) -> AnalysisService | None:
        """Return the analyst of the request's repository; None for a file that is in none."""
        if request.root is None:
            return None
        with self._lock:
            if self._is_closed:
                return None
            opened = self._open.pop(request.root, None) or self._begin(Path(request.root))
            self._open[request.root] = opened
            left = self._open.popitem(last=False)[1] if len(self._open) > _MOST_OPEN else None
        if left is not None:
            _close(*left)
        return opened[0]

    def close(self) -> None:
        """End what runs for any of them; nothing is found any more."""
        with self._lock:
            self._is_closed = True
            opened, self._open = tuple(self._open.values()), OrderedDict()
        for each in opened:
            _close(*each)

    def _begin(self, root: Path) -> tuple[RepositoryAnalysisService, Store]:
        from codeassist_indexer.repository import open_analyst, open_store

        store = open_store(root, self._settings)
        return open_analyst(store, root, self._settings.monitor.servers), store


def _close(analyst: RepositoryAnalysisService, store: Store) -> None:
    """Waits for the question that is being answered, so in a thread of its own."""

    def close() -> None:
        analyst.close()
        store.close()

    threading.Thread(target=close, name="analyst-ending", daemon=True).start()
