"""The installed packages that a repository imports, kept current in the background while editors work in it.

They are looked for when the repository's index has changed, and now and then all the same, for nobody says when a
package is installed. Whatever fails here is logged: it costs context, never a completion.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from codeassist.errors import Cancelled, CodeAssistError
from codeassist_indexer.ingest.library_update import LibraryUpdate, update_libraries
from codeassist_indexer.storage.library_stores import LibraryStores
from codeassist_indexer.storage.store import Store

log = logging.getLogger(__name__)

_LOOK_S = 30.0
_REST_S = 5.0  # between two looks: who types an import changes the index with each pause


class BackgroundLibraries:
    """Keeps what `store` says of the packages of the repository at `root` current, from `start` to `stop`.

    `folder` holds the packages' databases, which `stores` opens; None: no package is looked for. `breathe` is called
    often; it returns when others need the cores less, and raises Cancelled once all work is to end. `projects` gives
    the other repositories that are worked in. For any thread.
    """

    def __init__(
        self,
        store: Store,
        root: Path,
        folder: Path | None,
        breathe: Callable[[], None],
        projects: Callable[[], Sequence[Path]] = tuple,
    ) -> None:
        self._projects = projects
        self.stores = None if folder is None else LibraryStores(folder)
        self._store = store
        self._root = root
        self._folder = folder
        self._breathe = breathe
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"libraries-{root.name}", daemon=True)

    def start(self) -> None:
        """Begin, once `look` is called. Raises RuntimeError where there are no more threads."""
        if self._folder is not None:
            self._thread.start()

    def look(self) -> None:
        """Say that the repository's index has changed; returns at once."""
        self._wanted.set()

    def begin_stopping(self) -> None:
        """Tell all work to end; returns at once."""
        self._stopping.set()
        self._wanted.set()

    def stop(self, timeout_s: float | None = None) -> bool:
        """End all work, waiting at most `timeout_s`; say whether it has ended."""
        self.begin_stopping()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        has_ended = not self._thread.is_alive()
        if has_ended and self.stores is not None:
            self.stores.close()
        return has_ended

    def _follow(self) -> None:
        self._wanted.wait()
        while not self._stopping.is_set():
            self._wanted.clear()
            self._update()
            if self._stopping.wait(_REST_S):
                return
            self._wanted.wait(_LOOK_S)

    def _update(self) -> None:
        assert self._folder is not None
        root = self._root
        try:
            update_libraries(
                self._store,
                root,
                self._folder,
                self._breathe,
                _log_progress,
                in_background=True,
                projects=self._projects(),
            )
        except Cancelled:
            return
        except (CodeAssistError, OSError) as error:
            log.warning("the packages that %s imports are not searched as they are now: %s", root, error)
        except Exception:  # the boundary of a thread: the next look may go better
            log.exception("the packages that %s imports are not searched as they are now", root)


def _log_progress(update: LibraryUpdate) -> None:
    log.info("indexing %s, package %d of %d", update.label, update.num_done + 1, update.num_total)
