"""The thread that analyses code beside the prefill, so that nobody has to wait for an analysis.

Jobs go in, futures come out. A job that hangs is left to itself, in its thread.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)

# Far longer than any answer takes that somebody still waits for (1 s cold), and than analyses that watch their own time
# give themselves: what takes so long will hardly end.
HANGS_AFTER_S = 60.0
# Each thread that hangs may keep a core busy: after so many, nothing is analysed any more.
MOST_HUNG = 3


class AnalysisThread:
    """Runs jobs one at a time, in order. For any thread.

    Where a job hangs, those after it are cancelled and another thread serves the ones that come later.
    `now_s` is the clock that says what hangs.
    """

    def __init__(self, now_s: Callable[[], float] = monotonic) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._num_hung = 0
        self._is_closed = False

    @property
    def is_idle(self) -> bool:
        """Whether a job that is submitted now would be run at once."""
        with self._lock:
            return self._worker is None or self._worker.num_jobs == 0

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Run `job`. What it raises comes out of the future, which is cancelled where nothing is analysed any more."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 — the boundary of a job: whoever waits for it is told
                future.set_exception(error)

        with self._lock:
            worker = self._free_worker()
            if worker is None:
                future.cancel()
            else:
                worker.put(run, future.cancel)
        return future

    def close(self) -> None:
        """Run nothing more. Does not wait for the job that is being run."""
        with self._lock:
            self._is_closed = True
            if self._worker is not None:
                self._worker.leave()
                self._worker = None

    def _free_worker(self) -> _Worker | None:
        worker = self._worker
        if worker is not None and worker.began_s is not None and self._now_s() - worker.began_s > HANGS_AFTER_S:
            self._num_hung += 1
            log.warning("an analysis hangs (number %d of at most %d); it is left to itself", self._num_hung, MOST_HUNG)
            worker.leave()
            self._worker = worker = None
        if self._is_closed or self._num_hung >= MOST_HUNG:
            return None
        if worker is None:
            self._worker = worker = _Worker(self._now_s)
        return worker


class _Worker:
    """One thread with its jobs. Told to leave, it cancels those that wait and ends after the one that it runs."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.began_s: float | None = None  # of the job that is being run
        self.num_jobs = 0
        self._now_s = now_s
        self._jobs: queue.SimpleQueue[tuple[Callable[[], None], Callable[[], object]] | None] = queue.SimpleQueue()
        self._must_leave = False
        threading.Thread(target=self._run, name="analysis", daemon=True).start()

    def put(self, run: Callable[[], None], cancel: Callable[[], object]) -> None:
        self.num_jobs += 1
        self._jobs.put((run, cancel))

    def leave(self) -> None:
        self._must_leave = True
        while not self._jobs.empty():
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:  # the worker was faster: it cancels that job by itself
                break
            if job is not None:
                job[1]()
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            run, cancel = job
            if self._must_leave:
                cancel()
                continue
            self.began_s = self._now_s()
            run()
            self.began_s = None
            self.num_jobs -= 1
