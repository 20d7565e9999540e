"""One repository's index, kept current in the background while editors work in it.

It is built at first, then follows the disk, and the unsaved text of open documents a moment after the last edit.
Whatever fails here is logged: it costs context, never a completion.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from codeassist.errors import Cancelled, CodeAssistError, IndexCorrupt
from codeassist_indexer.ingest.update import UpdateProgress, UpdateSettings, update_file, update_index
from codeassist_indexer.ingest.watch import Watcher
from codeassist_indexer.repository_index import background
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.storage.store import Store
from codeassist_lsp.workspace.background_libraries import BackgroundLibraries
from codeassist_lsp.workspace.index_coverage import Coverage

log = logging.getLogger(__name__)

_DEBOUNCE_S = 0.5
_LOOK_S = 3.0
_MOST_HELD_S = 10.0
_MOST_HELD_DOCUMENT_S = 1.0
_HELD_LOOK_S = 0.1
_FIRST_AGAIN_S, _LONGEST_AGAIN_S = 2.0, 300.0  # after a build that failed, doubled each time
_MOST_DEBOUNCES = 10  # who types without a pause is indexed now and then all the same


class BackgroundIndex:
    """Keeps `store` current with the repository at `root` from `start` to `stop`. Safe to call from any thread.

    Paths are relative to the root, with forward slashes. Several editors may hold the same document: what one of them
    said last counts. A `holder` is whatever tells one from the other. Building begins as soon as not `is_busy()`, or
    when ten seconds have passed; a document that was edited is indexed as soon as not, or a second later. A build that
    failed, for another process held the database say, is tried again after a while, and at longer and longer intervals.
    The packages that the repository imports are kept in `libraries_folder`; None: they are not. `projects` are the
    other repositories that are worked in.
    """

    def __init__(
        self,
        store: Store,
        root: Path,
        settings: UpdateSettings,
        is_busy: Callable[[], bool] = lambda: False,
        libraries_folder: Path | None = None,
        projects: Callable[[], Sequence[Path]] = tuple,
    ) -> None:
        self.store = store
        self.libraries = BackgroundLibraries(store, root, libraries_folder, self._breathe, projects)
        self.search = LearnedSearch(store, settings.encoder.read() if settings.encoder is not None else None)
        self.root = root
        self._settings = background(settings)
        self._watcher = Watcher(
            store, root, self._settings, is_open=self.is_open, on_update=self._disk_was_read, look_s=_LOOK_S
        )
        self._coverage = Coverage(0, 0, is_building=True)
        self._problems: dict[str, str] = {}  # by what is not done
        self._listeners: dict[object, Callable[[Coverage], None]] = {}
        self._open: dict[str, dict[object, str]] = {}  # by path the text that each holder has, the newest last
        self._due: dict[str, None] = {}  # paths to index anew, in the order of their first change
        self._changed = threading.Condition()
        self._telling = threading.RLock()  # what a listener is told comes in the order in which it became so
        self._first_change_s = self._last_change_s = 0.0
        self._stopping = threading.Event()
        self._is_built = threading.Event()
        self._build_wanted = threading.Event()
        self._build_afresh = False
        self._is_busy = is_busy
        self._builder = threading.Thread(target=self._build_when_wanted, name=f"index-{root.name}", daemon=True)
        self._follower = threading.Thread(target=self._follow_documents, name=f"documents-{root.name}", daemon=True)

    def start(self) -> None:
        """Begin to watch and to build; returns at once."""
        self._build_wanted.set()
        try:
            self._builder.start()
            self._follower.start()
            self.libraries.start()
        except RuntimeError as error:  # no more threads: what the index holds is used as it is
            self._problems["building"] = self._not_current(f"{error}; close other programs")
            log.warning("%s", self._problems["building"])
            self._coverage = Coverage(0, 0, is_building=False)
            self._is_built.set()

    def begin_stopping(self) -> None:
        """Tell all work to end; returns at once."""
        self._stopping.set()
        self._build_wanted.set()
        self.libraries.begin_stopping()
        with self._changed:
            self._changed.notify_all()

    def stop(self, timeout_s: float | None = None) -> None:
        """End all work, waiting at most `timeout_s` for each thread, and close the database. What was indexed stays."""
        self.begin_stopping()
        for thread in (self._builder, self._follower):
            if thread.is_alive():
                thread.join(timeout_s)
        if self.libraries.stop(timeout_s) and not self._builder.is_alive() and not self._follower.is_alive():
            self.store.close()

    def listen(self, holder: object, on_coverage: Callable[[Coverage], None]) -> None:
        """Tell how far a build is, now and from the index's own threads, last with `is_building` False."""
        with self._telling:
            with self._changed:
                self._listeners[holder] = on_coverage
                now = self._coverage
            if now.is_building:
                on_coverage(now)
            elif self._problems:
                on_coverage(self.coverage())

    def leave(self, holder: object) -> None:
        """Tell `holder` that no build is under way for it, and nothing more; the files that it had open count again."""
        with self._telling:
            with self._changed:
                on_coverage, now = self._listeners.pop(holder, None), self._coverage
                held = [path for path, texts in self._open.items() if holder in texts]
            if on_coverage is not None:
                on_coverage(dataclasses.replace(now, is_building=False, problems=()))
        for path in held:
            self.document_closed(path, holder)

    def document_changed(self, path: str, text: str, holder: object) -> None:
        """Let an open document's text count in the place of its file's."""
        with self._changed:
            texts = self._open.setdefault(path, {})
            texts.pop(holder, None)
            texts[holder] = text
            self._is_due(path)

    def document_closed(self, path: str, holder: object) -> None:
        """Let the file count again, once nobody holds the document."""
        with self._changed:
            texts = self._open.get(path, {})
            if texts.pop(holder, None) is not None:
                if not texts:
                    del self._open[path]
                self._is_due(path)

    def is_open(self, path: str) -> bool:
        """Say whether an editor holds the document."""
        return path in self._open

    def open_documents(self, holder: object) -> dict[str, str]:
        """Return the text of each document that `holder` has open."""
        with self._changed:
            return {path: texts[holder] for path, texts in self._open.items() if holder in texts}

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Look at files that the client's own watcher saw change."""
        for path in paths:
            self._watcher.notice(path)

    def rebuild(self) -> None:
        """Empty the index and build it again, in the background."""
        self._build_afresh = True
        self._is_built.clear()
        self._build_wanted.set()

    def catch_up(self, timeout_s: float) -> bool:
        """Index what is on disk now, as far as the watcher has not yet; return False if a build takes longer than that.

        Raises CodeAssistError where it cannot be indexed.
        """
        if not self._is_built.wait(timeout_s):
            return False
        unsaved = list(self._open)
        update_index(self.store, self.root, self._settings, cancelled=self._stopping.is_set, unsaved=unsaved)
        return True

    def coverage(self) -> Coverage:
        """Say how much is indexed."""
        if self._coverage.is_building:
            return self._coverage
        try:
            num_files = self.store.num_files()
        except CodeAssistError as error:
            log.warning("%s", error)
            return dataclasses.replace(self._coverage, problems=tuple(dict.fromkeys(self._problems.values())))
        num_total = max(num_files, self._coverage.num_total)
        return Coverage(num_files, num_total, is_building=False, problems=tuple(dict.fromkeys(self._problems.values())))

    def _build_when_wanted(self) -> None:
        self._watcher.start()  # first, so that nothing that changes meanwhile is missed
        self._note("watching", self._watcher.problem)
        self._hold(_MOST_HELD_S)
        again_s, is_verified = _FIRST_AGAIN_S, False
        try:
            while True:
                has_failed = "building" in self._problems
                self._build_wanted.wait(again_s if has_failed else None)
                if self._stopping.is_set():
                    return
                again_s = min(2 * again_s, _LONGEST_AGAIN_S) if has_failed else _FIRST_AGAIN_S
                self._build_wanted.clear()
                self._build()
                if not is_verified and "building" not in self._problems:
                    is_verified = True
                    self._verify()
        finally:
            self._watcher.stop()

    def _hold(self, most_s: float) -> None:
        """Wait until others need the cores less, or all work is to end."""
        until_s = time.monotonic() + most_s
        while self._is_busy() and time.monotonic() < until_s and not self._stopping.wait(_HELD_LOOK_S):
            pass

    def _build(self) -> None:
        began = time.perf_counter()
        self._tell(Coverage(0, 0, is_building=True))
        num_total = 0
        self._problems.pop("building", None)
        try:
            if self._build_afresh:
                self._build_afresh = False
                self.store.rebuild()
            report = update_index(
                self.store,
                self.root,
                self._settings,
                progress=self._progress,
                cancelled=self._stopping.is_set,
                unsaved=list(self._open),
            )
            num_total = report.num_files
            for notice in report.notices:
                log.warning("%s: %s", self.root, notice)
            log.info("%s: %d files indexed in %.1f s", self.root, num_total, time.perf_counter() - began)
        except Cancelled:
            return
        except (CodeAssistError, OSError) as error:
            log.warning("%s was not indexed: %s", self.root, error)
            self._problems["building"] = self._not_current(error)
        except Exception as error:  # the boundary of a thread: the next build may go better
            log.exception("%s was not indexed", self.root)
            self._problems["building"] = f"{self.root} was not indexed ({type(error).__name__}); the log says why"
        self._coverage = Coverage(0, num_total, is_building=False)
        self._tell(self.coverage())
        self._is_built.set()
        self._disk_was_read(frozenset({""}))

    def _verify(self) -> None:
        """Hold all of the index against itself, once, while nothing else is to be done; have a broken one made anew."""
        try:
            self.store.check(breathe=self._breathe)
        except Cancelled:
            return
        except IndexCorrupt as error:
            log.warning("%s", error)
            self.rebuild()
        except CodeAssistError as error:
            log.info("the index of %s is not verified: %s", self.root, error)

    def _breathe(self) -> None:
        """Give way. Raises Cancelled once all work is to end."""
        self._hold(_MOST_HELD_DOCUMENT_S)
        if self._stopping.is_set():
            raise Cancelled("the index is being closed")

    def _progress(self, state: UpdateProgress) -> None:
        num_done = state.num_unchanged + state.num_done
        self._tell(Coverage(num_done, state.num_unchanged + state.num_total, is_building=True))

    def _tell(self, coverage: Coverage) -> None:
        with self._telling:
            with self._changed:
                self._coverage = coverage
                listeners = list(self._listeners.values())
            for on_coverage in listeners:
                on_coverage(coverage)

    def _disk_was_read(self, paths: frozenset[str]) -> None:
        """Index open documents again that a pass over the whole tree may have read from the disk before they opened."""
        failure = self._watcher.failure
        self._note("changes", None if failure is None else self._not_current(failure))
        with self._changed:
            for path in self._open if "" in paths else ():
                self._is_due(path)
        self.libraries.look()

    def _not_current(self, why: object) -> str:
        return f"the index of {self.root} is not up to date: {why}"

    def _note(self, what: str, problem: str | None) -> None:
        """Tell of a problem with `what`, or that there is none any more, if that is news."""
        if problem == self._problems.get(what):
            return
        self._problems.pop(what, None)
        if problem is not None:
            self._problems[what] = problem
        if not self._coverage.is_building:
            self._tell(self.coverage())

    def _is_due(self, path: str) -> None:
        self._last_change_s = time.monotonic()
        if not self._due:
            self._first_change_s = self._last_change_s
            self._changed.notify_all()  # else the follower waits already, and looks at the clock again when it wakes
        self._due[path] = None

    def _follow_documents(self) -> None:
        while True:
            with self._changed:
                while not self._stopping.is_set() and (left_s := self._seconds_until_due()) != 0:
                    self._changed.wait(left_s)
                if self._stopping.is_set():
                    return
            self._hold(_MOST_HELD_DOCUMENT_S)  # an answer on its way would wait for Python's lock
            if self._stopping.is_set():
                return
            with self._changed:
                due = {path: self._newest_text(path) for path in self._due}
                self._due.clear()
            for path, text in due.items():
                self._index_document(path, text)

    def _newest_text(self, path: str) -> str | None:
        texts = self._open.get(path)
        return texts[next(reversed(texts))] if texts else None

    def _seconds_until_due(self) -> float | None:
        """Return how long to wait for the next thing to do; None: until something changes."""
        if not self._due:
            return None
        due_s = min(self._last_change_s + _DEBOUNCE_S, self._first_change_s + _MOST_DEBOUNCES * _DEBOUNCE_S)
        return max(0.0, due_s - time.monotonic())

    def _index_document(self, path: str, text: str | None) -> None:
        if text is None and not self.root.is_dir():
            return  # the whole repository is gone: its index stays as it is
        try:
            update_file(self.store, self.root, path, text, self._settings)
            self.libraries.look()
            self._note("documents", None)
        except (CodeAssistError, OSError) as error:
            log.warning("%s was not indexed: %s", path, error)
            self._note("documents", self._not_current(error))
        except Exception:  # the boundary of a thread: the next document may go better
            log.exception("%s was not indexed", path)
