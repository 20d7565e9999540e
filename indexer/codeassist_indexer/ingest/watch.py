"""A repository watched while a long-running process is up: changed files are indexed a moment later.

Knows no parser and no editor. Reading files causes no work here, only writing does; ignored files cause none at all.
"""

from __future__ import annotations

import logging
import os
import queue
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from codeassist.errors import Cancelled, CodeAssistError
from codeassist_indexer.ingest.ignore import IGNORE_FILE_NAMES, IgnoreRules
from codeassist_indexer.ingest.update import UpdateSettings, is_source, update_file, update_index
from codeassist_indexer.storage.store import Store

log = logging.getLogger(__name__)

# Reading files is no event at all: a search through the repository must not wake anybody.
_WRITING_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    FileClosedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
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

    A root that goes away (deleted, renamed, unmounted) leaves the index as it is; every `look_s` the watcher looks
    whether it has gone or come back, for not every system says so.
    """

    def __init__(
        self,
        store: Store,
        root: Path,
        settings: UpdateSettings | None = None,
        debounce_s: float = 0.2,
        is_open: Callable[[str], bool] = lambda path: False,
        on_update: Callable[[frozenset[str]], None] = lambda paths: None,
        look_s: float = 3.0,
    ) -> None:
        self._store = store
        self._root = root.resolve()
        self._settings = settings or UpdateSettings()
        self._debounce_s = debounce_s
        self._look_s = look_s
        self._is_open = is_open
        self._on_update = on_update
        self._rules = IgnoreRules(self._root, self._settings.exclude)
        self._queue: queue.SimpleQueue[_Changed | _Stop] = queue.SimpleQueue()
        self._observer = Observer()
        self._thread = threading.Thread(target=self._run, name="index-watcher", daemon=True)
        self._stopping = threading.Event()
        self._seen_root: tuple[int, int] | None = None
        self._logged: set[str] = set()

    def start(self) -> bool:
        """Begin to watch; return False, logged, where the system lets no more folders be watched.

        What `notice` is told counts either way.
        """
        self._seen_root = _identity(self._root)
        is_watched = self._schedule()
        self._thread.start()
        return is_watched

    def stop(self) -> None:
        """Stop watching and wait for an update under way. Changes not yet looked at are found by the next update."""
        self._stopping.set()
        is_watching = self._observer.is_alive()
        self._observer.stop()
        if is_watching:
            self._observer.join()
        self._queue.put(_Stop())
        if self._thread.is_alive():
            self._thread.join()

    def notice(self, path: Path) -> None:
        """Look at a path that somebody else says has changed."""
        changed = self._changed(str(path), path.is_dir())
        if changed is None and not path.exists() and not path.suffix:
            changed = self._changed(str(path), is_folder=True)  # it may have been one
        if changed is not None:
            self._queue.put(changed)

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Queue what an event says has changed; runs in watchdog's thread."""
        for raw_path in filter(None, (event.src_path, event.dest_path)):
            changed = self._changed(os.fsdecode(raw_path), event.is_directory)
            if changed is not None:
                self._queue.put(changed)

    def _schedule(self) -> bool:
        try:
            self._observer.schedule(self, str(self._root), recursive=True, event_filter=_WRITING_EVENTS)
            if not self._observer.is_alive():
                self._observer.start()
        except OSError as error:
            self._warn(f"{self._root} is not watched ({error}); run `codeassist index` after changes")
            return False
        return True

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

    def _look_at_root(self) -> bool:
        """Watch the root anew if it has come back, or another folder took its place; return whether it is there."""
        now = _identity(self._root)
        if now == self._seen_root:
            return now is not None
        before, self._seen_root = self._seen_root, now
        if before is not None:
            self._observer.unschedule_all()
        if now is None:
            log.warning("%s is gone; its index stays as it is until it comes back", self._root)
            return False
        log.info("%s is back", self._root)
        self._rules = IgnoreRules(self._root, self._settings.exclude)
        self._schedule()
        self._queue.put(_Changed("", whole_tree=True))
        return True

    def _run(self) -> None:
        while True:
            try:
                first = self._queue.get(timeout=self._look_s)
            except queue.Empty:
                self._look_at_root()
                continue
            if isinstance(first, _Stop):
                return
            changes = [first]
            stopping = self._collect(changes)
            if stopping:
                return
            if self._look_at_root():
                self._update(changes)

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
                update_index(
                    self._store, self._root, self._settings, cancelled=self._stopping.is_set, unsaved=open_paths
                )
                paths = frozenset({""})
            else:
                for path in sorted(paths):
                    if not self._is_open(path):
                        update_file(self._store, self._root, path, settings=self._settings)
        except Cancelled:
            return
        except (CodeAssistError, OSError) as error:
            self._warn(f"a change was not indexed: {error}")
        self._on_update(paths)

    def _warn(self, message: str) -> None:
        if message not in self._logged:
            self._logged.add(message)
            log.warning("%s", message)


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells a folder from another one at the same place, None where there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None
