"""A repository watched while a long-running process is up: changed files are indexed a moment later.

Knows no parser and no editor. Reading files causes no work here, only writing does; ignored files cause none at all.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from codeassist.errors import CodeAssistError
from codeassist_indexer.ignore import IGNORE_FILE_NAMES, IgnoreRules
from codeassist_indexer.store import Store
from codeassist_indexer.update import UpdateSettings, is_source, update_file, update_index

log = logging.getLogger(__name__)

_WRITING_EVENTS = frozenset({"created", "modified", "moved", "deleted", "closed"})
# A checkout of another branch changes hundreds of files: one pass over the tree is then cheaper than one by one.
_MAX_SINGLE_FILES = 50


@dataclass(frozen=True, slots=True)
class _Changed:
    """A changed path, relative to the root; `whole_tree` when a folder or the ignore rules changed."""

    path: str
    whole_tree: bool


class _Stop:
    """The last thing in the queue."""


class Watcher(FileSystemEventHandler):
    """Watches `root` and updates `store` from one thread of its own, `debounce_s` after the last change.

    `is_open(path)` names documents that an editor holds: the disk does not overrule their unsaved text. `on_update`
    is called in the watcher's thread with the paths that were looked at, after each update; with "" for all of them.
    """

    def __init__(
        self,
        store: Store,
        root: Path,
        settings: UpdateSettings | None = None,
        debounce_s: float = 0.2,
        is_open: Callable[[str], bool] = lambda path: False,
        on_update: Callable[[frozenset[str]], None] = lambda paths: None,
    ) -> None:
        self._store = store
        self._root = root.resolve()
        self._settings = settings or UpdateSettings()
        self._debounce_s = debounce_s
        self._is_open = is_open
        self._on_update = on_update
        self._rules = IgnoreRules(self._root, self._settings.exclude)
        self._queue: queue.SimpleQueue[_Changed | _Stop] = queue.SimpleQueue()
        self._observer = Observer()
        self._thread = threading.Thread(target=self._run, name="index-watcher", daemon=True)
        self._logged: set[str] = set()

    def start(self) -> bool:
        """Begin to watch; return False, logged, where the system lets no more folders be watched."""
        try:
            self._observer.schedule(self, str(self._root), recursive=True)
            self._observer.start()
        except OSError as error:
            log.warning("%s is not watched (%s); run `codeassist index` after changes", self._root, error)
            return False
        self._thread.start()
        return True

    def stop(self) -> None:
        """Stop watching and wait for an update under way. Changes not yet looked at are found by the next update."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()
        self._queue.put(_Stop())
        if self._thread.is_alive():
            self._thread.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Queue what an event says has changed; runs in watchdog's thread."""
        if event.event_type not in _WRITING_EVENTS:
            return
        if event.is_directory and event.event_type == "modified":
            return  # its entries send events of their own
        for raw_path in filter(None, (event.src_path, event.dest_path)):
            changed = self._changed(str(raw_path), event.is_directory)
            if changed is not None:
                self._queue.put(changed)

    def _changed(self, full_path: str, is_folder: bool) -> _Changed | None:
        try:
            path = Path(full_path).relative_to(self._root).as_posix()
        except ValueError:
            return None
        if path.rpartition("/")[2] in IGNORE_FILE_NAMES:
            self._rules = IgnoreRules(self._root, self._settings.exclude)
            return _Changed(path, whole_tree=True)
        if is_folder:
            return None if self._rules.ignores_folder(path) else _Changed(path, whole_tree=True)
        if not is_source(path) or self._rules.ignores_file(path):
            return None
        return _Changed(path, whole_tree=False)

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if isinstance(first, _Stop):
                return
            changes = [first]
            stopping = self._collect(changes)
            self._update(changes)
            if stopping:
                return

    def _collect(self, changes: list[_Changed]) -> bool:
        """Add what arrives until `debounce_s` pass in silence, ten times that at most; return whether to stop."""
        deadline = time.monotonic() + 10 * self._debounce_s
        while (left_s := min(self._debounce_s, deadline - time.monotonic())) > 0:
            try:
                change = self._queue.get(timeout=left_s)
            except queue.Empty:
                return False
            if isinstance(change, _Stop):
                return True
            changes.append(change)
        return False

    def _update(self, changes: list[_Changed]) -> None:
        paths = frozenset(change.path for change in changes)
        try:
            if len(paths) > _MAX_SINGLE_FILES or any(change.whole_tree for change in changes):
                open_paths = [path for path in self._store.file_states() if self._is_open(path)]
                update_index(self._store, self._root, self._settings, unsaved=open_paths)
                paths = frozenset({""})
            else:
                for path in sorted(paths):
                    if not self._is_open(path):
                        update_file(self._store, self._root, path, settings=self._settings)
        except (CodeAssistError, OSError) as error:
            if str(error) not in self._logged:
                self._logged.add(str(error))
                log.warning("a change was not indexed: %s", error)
        self._on_update(paths)
