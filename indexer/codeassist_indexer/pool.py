"""Files prepared in order, in this process when they are few and in worker processes when they are many.

Knows no database. Workers ignore Ctrl-C (this process stops them) and end by themselves when this process is killed.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from codeassist_indexer.prepare import FileState, GoneFile, PreparedFile, SameContent, prepare_from_disk
from codeassist_indexer.walk import FoundFile

log = logging.getLogger(__name__)

# Two spawned workers with their grammars cost about 0.6 s to start (2 cores), as long as preparing 200 files here.
MIN_FILES_FOR_WORKERS = 300
_FILES_PER_TASK = 16
_TASKS_IN_FLIGHT_PER_WORKER = 4  # bounds what finished results can pile up to

Outcome = PreparedFile | SameContent | GoneFile


@dataclass(frozen=True, slots=True)
class PrepareJob:
    """A file to prepare and what the index knows of it, if anything."""

    found: FoundFile
    known: FileState | None


def prepare_all(
    root: Path, jobs: Sequence[PrepareJob], num_workers: int, in_background: bool = False
) -> Generator[Outcome, None, None]:
    """Yield one outcome a job, in the jobs' order. Closing the generator stops the workers.

    `in_background` gives the workers the least share of the cores.
    """
    if num_workers < 2 or len(jobs) < MIN_FILES_FOR_WORKERS:
        yield from (prepare_from_disk(root, job.found, job.known) for job in jobs)
        return
    num_done = 0
    try:
        for outcome in _prepare_in_workers(root, jobs, num_workers, in_background):
            yield outcome
            num_done += 1
    except BrokenProcessPool:
        # A worker was killed, or a script without a __main__ guard called us: slower is better than nothing.
        log.warning("parser processes ended unexpectedly; the other %d files are read in one", len(jobs) - num_done)
        yield from (prepare_from_disk(root, job.found, job.known) for job in jobs[num_done:])


def _prepare_in_workers(
    root: Path, jobs: Sequence[PrepareJob], num_workers: int, in_background: bool
) -> Generator[Outcome, None, None]:
    context = multiprocessing.get_context("spawn")  # fork is unsafe under threads, and does not exist on Windows
    executor = ProcessPoolExecutor(
        num_workers, mp_context=context, initializer=_begin_worker, initargs=(in_background,)
    )
    in_flight: deque[Future[list[Outcome]]] = deque()
    try:
        for start in range(0, len(jobs), _FILES_PER_TASK):
            group = jobs[start : start + _FILES_PER_TASK]
            with _interrupts_held_back():  # submitting starts workers
                in_flight.append(executor.submit(_prepare_group, root, group))
            if len(in_flight) >= num_workers * _TASKS_IN_FLIGHT_PER_WORKER:
                yield from in_flight.popleft().result()
        while in_flight:
            yield from in_flight.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let Ctrl-C wait until the end. A worker that starts meanwhile holds it back for good: it would print a traceback
    if it were interrupted while it imports, before it can ignore the signal."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_group(root: Path, jobs: Sequence[PrepareJob]) -> list[Outcome]:
    return [prepare_from_disk(root, job.found, job.known) for job in jobs]


def _begin_worker(in_background: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if in_background and hasattr(os, "nice"):
        os.nice(19)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
