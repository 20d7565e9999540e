"""The indexes that this process keeps current: one for a repository, however many editors work in it.

Two of them on one database would take each other's unsaved text for old files.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from codeassist.settings import IndexSettings, Settings
from codeassist_indexer.repository_index import open_store, update_settings
from codeassist_indexer.storage.library_stores import libraries_folder
from codeassist_lsp.workspace.background_index import BackgroundIndex


class Indexes:
    """Starts an index when its first holder comes and stops it when the last one leaves. For any thread.

    No index is begun while `is_busy()`, for some seconds: a model that is being loaded, and its first answer, go first.
    So does every other answer, for a second, before what was edited.
    """

    def __init__(self, is_busy: Callable[[], bool] = lambda: False) -> None:
        self._is_busy = is_busy
        self._lock = threading.Lock()
        self._open: dict[tuple[Path, IndexSettings], BackgroundIndex] = {}
        self._holders: dict[tuple[Path, IndexSettings], set[object]] = {}

    def hold(self, root: Path, settings: Settings, holder: object) -> BackgroundIndex:
        """Return the index of the repository with these settings; it is kept current until `release`."""
        key = (root, settings.index)
        with self._lock:
            index = self._open.get(key)
            if index is None:
                store = open_store(root, settings)
                sees_libraries = settings.context.mode == "learned"
                folder = libraries_folder(settings.places.cache) if sees_libraries else None
                index = self._open[key] = BackgroundIndex(
                    store, root, update_settings(settings), self._is_busy, folder, self._roots
                )
                index.start()
            self._holders.setdefault(key, set()).add(holder)
        return index

    def release(self, index: BackgroundIndex, holder: object) -> BackgroundIndex | None:
        """Let go of an index; return it, told to end, if nobody holds it any more: the caller may wait for that."""
        index.leave(holder)
        with self._lock:
            key = next((key for key, each in self._open.items() if each is index), None)
            if key is None:
                return None
            self._holders[key].discard(holder)
            if self._holders[key]:
                return None
            del self._open[key], self._holders[key]
        index.begin_stopping()
        return index

    def find(self, root: Path, settings: Settings) -> BackgroundIndex | None:
        """Return the index of the repository with these settings if somebody holds it."""
        with self._lock:
            return self._open.get((root, settings.index))

    def _roots(self) -> list[Path]:
        with self._lock:
            return [root for root, _ in self._open]

    def all(self) -> tuple[BackgroundIndex, ...]:
        """Return every index that is held."""
        with self._lock:
            return tuple(self._open.values())
