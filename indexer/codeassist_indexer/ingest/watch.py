"""A repository watched while a long-running process is up: changed files are indexed a moment later.

Reading files causes no work here, only writing does; ignored files cause none at all.
"""

from __future__ import annotations

import logging
import os
import queue
import stat
import sys
import threading
import time
from collections.abc import Callable
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
from watchdog.observers.api import BaseObserver

from codeassist.errors import Cancelled, CodeAssistError
from codeassist_indexer.ingest.changed_paths import ChangedPath, Meaning, meaning_of, meanings_outside
from codeassist_indexer.ingest.event_burst import EventBurst, LossListener
from codeassist_indexer.ingest.git_answers import folders_above
from codeassist_indexer.ingest.ignore import IgnoreRules
from codeassist_indexer.ingest.update import UpdateSettings, is_source, rules_for, update_files, update_index
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
_MORE = (
    "close programs, or raise the limits fs.inotify.max_user_instances and fs.inotify.max_user_watches (sysctl)"
    if sys.platform == "linux"
    else "close programs that watch files"
)
_OF_PATHS = (Meaning.FILE, Meaning.FOLDER)
_ANYTHING = ChangedPath("", Meaning.RULES)
"""What calls for a pass over the whole tree."""


class _Stop:
    """The last thing in the queue."""


class Watcher(FileSystemEventHandler):
    """Watches `root` and updates `store` from one thread of its own, `debounce_s` after the last change.

    `is_open(path)` names documents that an editor holds: the disk does not overrule their unsaved text. `on_update`
    is called in the watcher's thread with the paths that were looked at, after each update; with "" for all of them.

    After a burst of events so long that the system may have dropped some, the whole tree is looked at.

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
        self._ignored_folders: frozenset[str] = frozenset()  # as far as known: nothing in them is looked at
        self._git = self._settings.git
        self._tracked_anyway: frozenset[str] = frozenset()  # files that git tracks although a rule matches
        self._outside = meanings_outside(self._root)
        self._queue: queue.SimpleQueue[ChangedPath | _Stop] = queue.SimpleQueue()
        self._burst = EventBurst()
        self._losses = LossListener(self._burst)
        self._observer: BaseObserver | None = None  # to make one may need what is used up
        self._thread = threading.Thread(target=self._run, name="index-watcher", daemon=True)
        self._stopping = threading.Event()
        self.problem: str | None = None  # why nothing is watched, and what to do
        self.failure: str | None = None  # why the newest changes are not in the index
        self._seen_root: tuple[int, int] | None = None
        self._logged: set[str] = set()

    def start(self) -> bool:
        """Begin to watch; return False, with a `problem`, where the system lets no more folders be watched.

        What `notice` is told counts either way, as long as the system lets a thread be started.
        """
        self._seen_root = _identity(self._root)
        self._tracked_anyway = self._git.tracked_although_ignored(self._root)
        self._losses.listen()
        self._schedule()
        try:
            self._thread.start()
        except RuntimeError as error:  # no more threads
            self.problem = f"changes of files in {self._root} do not count ({error}); {_MORE}"
        return self.problem is None

    def stop(self) -> None:
        """Stop watching and wait for an update under way. Changes not yet looked at are found by the next update."""
        self._stopping.set()
        self._losses.close()
        if self._observer is not None:
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
        self._burst.note()
        for raw_path in filter(None, (event.src_path, event.dest_path)):
            changed = self._changed(os.fsdecode(raw_path), event.is_directory)
            if changed is not None:
                self._queue.put(changed)

    def _schedule(self) -> None:
        self.problem = None
        try:
            observer = self._observer = self._observer or Observer()
            observer.schedule(self, str(self._root), recursive=True, event_filter=_WRITING_EVENTS)
            for folder in {str(Path(place).parent) for place in self._outside}:
                observer.schedule(self, folder, recursive=False, event_filter=_WRITING_EVENTS)
            if not observer.is_alive():
                observer.start()
        except (OSError, RuntimeError) as error:  # RuntimeError: no more threads
            self.problem = (
                f"{self._root} is not watched ({error.args[-1]}): what changes outside the editor counts after "
                f"`codeassist index`; {_MORE}"
            )
            self._warn(self.problem)

    def _changed(self, full_path: str, is_folder: bool) -> ChangedPath | None:
        try:
            path = Path(full_path).relative_to(self._root).as_posix()
        except ValueError:
            outside = self._outside.get(full_path)
            return None if outside is None else ChangedPath(full_path, outside)
        meaning = meaning_of(path, is_folder)
        if meaning in _OF_PATHS and not self._ignored_folders.isdisjoint((path, *folders_above(path))):
            return None
        return None if meaning is None else ChangedPath(path, meaning)

    def _look_at_root(self) -> bool:
        """Watch the root anew if it has come back, or another folder took its place; return whether it is there."""
        now = _identity(self._root)
        if now == self._seen_root:
            return now is not None
        before, self._seen_root = self._seen_root, now
        if before is not None and self._observer is not None:
            self._observer.unschedule_all()
        if now is None:
            log.warning("%s is gone; its index stays as it is until it comes back", self._root)
            return False
        log.info("%s is back", self._root)
        self._schedule()
        self._queue.put(_ANYTHING)
        return True

    def _run(self) -> None:
        while True:
            try:
                first = self._queue.get(timeout=self._look_s)
            except queue.Empty:
                if self._look_at_root() and self._burst.take_long():
                    self._update([_ANYTHING])
                continue
            if isinstance(first, _Stop):
                return
            changes = [first]
            stopping = self._collect(changes)
            if stopping:
                return
            if self._look_at_root():
                self._update([*changes, _ANYTHING] if self._burst.take_long() else changes)

    def _collect(self, changes: list[ChangedPath]) -> bool:
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

    def _update(self, changes: list[ChangedPath]) -> None:
        meanings = {change.meaning for change in changes}
        paths = {change.path for change in changes if change.meaning in _OF_PATHS}
        if not meanings <= set(_OF_PATHS):
            self._ignored_folders = frozenset()
        self.failure = None
        try:
            if not meanings <= set(_OF_PATHS):
                paths |= self._newly_tracked()
            paths = self._update_tree() if Meaning.RULES in meanings else self._update_paths(paths)
        except Cancelled:
            return
        except (CodeAssistError, OSError) as error:
            self.failure = str(error)
            self._warn(f"a change was not indexed: {error}")
        if paths:
            self._on_update(frozenset(paths))

    def _update_tree(self) -> set[str]:
        open_paths = [path for path in self._store.file_states() if self._is_open(path)]
        update_index(self._store, self._root, self._settings, cancelled=self._stopping.is_set, unsaved=open_paths)
        return {""}

    def _update_paths(self, paths: set[str]) -> set[str]:
        """Look at the paths that count, or are in the index; return them, "" for the whole tree."""
        rules = rules_for(self._store, self._root, paths, self._settings)
        folders = {path for path in paths if (self._root / path).is_dir()}
        above = folders.union(*map(folders_above, paths))
        self._ignored_folders |= {folder for folder in above if rules.ignores_folder(folder)}
        counting = self._store.known_paths(paths)
        counting |= {path for path in folders if not rules.ignores_folder(path)}
        counting |= {path for path in paths - folders - counting if self._counts(path, rules)}
        if len(counting) > _MAX_SINGLE_FILES or not all(map(is_source, counting)):
            return self._update_tree()
        closed = [path for path in counting if not self._is_open(path)]
        update_files(self._store, self._root, closed, rules, self._settings)
        return counting

    def _counts(self, path: str, rules: IgnoreRules) -> bool:
        return os.path.lexists(self._root / path) and not rules.ignores_file(path)

    def _newly_tracked(self) -> set[str]:
        """Return files of which it is new that git tracks them although a rule matches, or new that not both is so."""
        before, self._tracked_anyway = self._tracked_anyway, self._git.tracked_although_ignored(self._root)
        return set(before ^ self._tracked_anyway)

    def _warn(self, message: str) -> None:
        if message not in self._logged:
            self._logged.add(message)
            log.warning("%s", message)


def watching_problem(root: Path) -> str | None:
    """Say why the folder cannot be watched and what to do, None where it can: watches it for a moment."""
    watcher = Watcher(Store(root / "no database"), root)
    watcher._schedule()
    watcher.stop()
    return watcher.problem


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells a folder from another one at the same place, None where there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None
