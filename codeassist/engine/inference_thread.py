"""The one thread that owns an engine: it runs the jobs it is given and, when there are none, reads ahead, heals, has
states kept, rests.

A job waits for at most one layer of healing: healing looks for waiting jobs between layers, and its slices are sized by
the time that the last one took.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from time import monotonic, perf_counter
from typing import TypeVar

from codeassist.engine.engine import Engine
from codeassist.engine.memory_release import give_back
from codeassist.engine.prompt_cache import PromptCache
from codeassist.errors import Cancelled, ModelError

T = TypeVar("T")
logger = logging.getLogger(__name__)

# A waiting job waits for one layer of a slice only: 20 ms is the promise, and models have two dozen layers and more. An
# interrupted slice is gone on with, so that it may take longer than the time between two keystrokes.
_SLICE_MS = 200.0
_FIRST_SLICE = 16
# Giving back 250 MB takes 35 ms, and using as much anew 160 ms more than keeping it (2026-11-21).
_REST_S = 5.0
# An answer is on its way then: whoever sends it wants Python's lock and a core.
_ANSWER_S = 0.01
_MOST_BETWEEN_S = 30.0


class InferenceThread:
    """Runs jobs one at a time, in order; heals the caches that were used last while it is idle.

    `engine` None heals nothing: whoever submits jobs may set one later, between two of them. `heal` False leaves the
    caches as requests leave them. Freed memory is given back to the system after `rest_s`
    without work, and now and then between jobs. Should the thread end by itself, `on_death` is called in it
    with the error, and every job that waits or comes later fails with ModelError: nobody waits for ever.
    """

    def __init__(
        self,
        engine: Engine | None,
        *,
        heal: bool = True,
        rest_s: float = _REST_S,
        on_death: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        self.engine = engine
        self.heal = heal
        self.num_healed = 0
        self.num_rests = 0
        self._rest_s = rest_s
        self._given_back_s = monotonic()
        self._on_death = on_death
        self._slice_tokens = _FIRST_SLICE
        self._halted_ms = 0.0  # what an interrupted slice took so far
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._is_dead = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether jobs are run: False once the thread has ended by itself."""
        return not self._is_dead.is_set()

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Run `job` on the inference thread. What it raises comes out of the future; the thread lives on."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                if self._is_dead.is_set():
                    raise ModelError("the inference thread ended by itself; the log says why")
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 — the boundary of a job: whoever waits for it is told
                future.set_exception(error)

        self._jobs.put(run)
        if self._is_dead.is_set():
            self._refuse_what_waits()
        return future

    def close(self) -> None:
        """Finish the jobs that were submitted, then end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException as error:  # whoever owns the thread decides what now
            logger.exception("the inference thread ended by itself")
            self._is_dead.set()
            self._refuse_what_waits()
            self._on_death(error)

    def _serve(self) -> None:
        job = self._next_job()
        while job is not None:
            job()
            job = self._next_job()

    def _next_job(self) -> Callable[[], None] | None:
        """Wait for a job, and do meanwhile what helps the next; None ends the thread."""
        with contextlib.suppress(queue.Empty):
            return self._jobs.get(timeout=_ANSWER_S)
        while self._jobs.empty():
            if monotonic() - self._given_back_s > _MOST_BETWEEN_S:
                self._give_back()
            if not (self._read_awaited() or (self.heal and self._heal_slice()) or self._keep_on_disk()):
                break
        try:
            return self._jobs.get(timeout=self._rest_s)
        except queue.Empty:
            self._give_back()
            self.num_rests += 1
            return self._jobs.get()

    def _give_back(self) -> None:
        give_back()
        self._given_back_s = monotonic()

    def _refuse_what_waits(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None:
                    job()

    def _read_awaited(self) -> bool:
        """Read on in a prompt that was too long for its request; return whether there was one."""
        engine = self.engine
        cache = None if engine is None else engine.next_awaited()
        if engine is None or cache is None:
            return False
        with _spared(engine, cache, "reading the prompt of"):
            engine.read_awaited(cache, lambda: not self._jobs.empty())
        return True

    def _keep_on_disk(self) -> bool:
        """Have one cache's states kept for another day; return whether there may be more to do."""
        engine = self.engine
        cache = None if engine is None else engine.next_to_keep()
        if engine is None or cache is None:
            return False
        with _spared(engine, cache, "keeping the states of"):
            engine.keep(cache, lambda: not self._jobs.empty())
        return True

    def _heal_slice(self) -> bool:
        """Heal some slots of the most recent cache that needs it; return whether there may be more to do."""
        engine = self.engine
        cache = None if engine is None else engine.next_to_heal()
        if engine is None or cache is None:
            return False
        started, before, left = perf_counter(), cache.num_stale, -1
        with _spared(engine, cache, "healing"):
            left = engine.heal(cache, self._slice_tokens, lambda: not self._jobs.empty())
        took_ms = (perf_counter() - started) * 1e3
        if left < 0:
            self._halted_ms += took_ms
            return True
        num_healed = before - left
        self.num_healed += num_healed
        if num_healed:
            took_ms += self._halted_ms
            self._halted_ms = 0.0
            self._slice_tokens = max(1, min(512, int(num_healed * _SLICE_MS / max(took_ms, 1e-3))))
        return num_healed > 0


@contextlib.contextmanager
def _spared(engine: Engine, cache: PromptCache, doing: str) -> Generator[None]:
    """Work in idle time: it gives way to jobs, and where it fails, the next request starts afresh."""
    try:
        yield
    except Cancelled:
        pass  # a job waits
    except Exception:  # a broken cache must not end the thread
        logger.exception("%s %s failed; its cache is dropped", doing, cache.name)
        engine.forget(cache)
