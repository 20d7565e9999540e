"""The analysis in a process of its own: asked from any thread, killed when it hangs, started again when it is needed.

A thread could not be stopped, and Python at work in one holds the interpreter lock that decoding needs for each
operation.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from codeassist.json_object import parse_json
from codeassist_indexer.workers.child import Worker, WorkerEnded

log = logging.getLogger(__name__)

_START_S = 20.0  # on a busy machine, with cold disks
MAX_HANGS = 3
"""After so many answers that never came, or failures of the process, a file is given up."""
GIVEN_UP_S = 300.0
"""It is tried once more after this long: by then it reads differently, as a rule."""


class AnalysisProcess:
    """One worker for one repository. For any thread; questions wait for each other. `now` gives seconds."""

    def __init__(self, setup: Callable[[], Mapping[str, Any]], now: Callable[[], float] = time.monotonic) -> None:
        self._setup = setup
        self._now = now
        self._lock = threading.Lock()
        self._worker: _Asked | None = None
        self._hangs: Counter[str] = Counter()
        self._hung_at: dict[str, float] = {}
        self._logged: set[str] = set()

    def start(self) -> None:
        """Start the worker in idle time, if it does not run."""
        with self._lock:
            self._running()

    def ask(
        self,
        path: str,
        question: Mapping[str, Any],
        timeout_s: float,
        is_stale: Callable[[], bool] = lambda: False,
    ) -> dict[str, Any]:
        """Return the worker's answer to a question about the file `path`; {"unsure": why} where none came.

        `is_stale()` is looked at when the worker is free: a question that nobody waits for any more is dropped.
        """
        if self._hangs[path] >= MAX_HANGS and self._now() - self._hung_at[path] < GIVEN_UP_S:
            return {"unsure": "given up"}
        with self._lock:
            if is_stale():
                return {"unsure": "stale"}
            worker = self._running()
            if worker is None:
                return {"unsure": "no worker"}
            answer = worker.ask(question, timeout_s)
            if answer is None:
                worker.kill()
                self._worker = None
                self._hangs[path] += 1
                self._hung_at[path] = self._now()
                self._log_once(path, f"no answer about {path} in {timeout_s:g} s")
                return {"unsure": "hung"}
        if "error" in answer:
            self._log_once(path, f"{path}: {answer['error']}")
            return {"unsure": "failed"}
        return answer

    def close(self) -> None:
        """Stop the worker; the next question starts it again."""
        with self._lock:
            if self._worker is not None:
                self._worker.kill()
                self._worker = None

    def _running(self) -> _Asked | None:
        if self._worker is None or not self._worker.is_alive:
            try:
                self._worker = _Asked(json.dumps(self._setup()))
            except OSError as error:
                self._log_once("", f"its process does not start: {error}")
                return None
        return self._worker

    def _log_once(self, about: str, message: str) -> None:
        if about not in self._logged:
            self._logged.add(about)
            log.warning("no analysis: %s", message)


class _Asked:
    """A running process and the questions that it was asked."""

    def __init__(self, setup: str) -> None:
        self._worker = Worker("codeassist_indexer.analysis.worker")
        self._next_id = 0
        self._is_new = True
        with contextlib.suppress(WorkerEnded):  # the first question finds out
            self._worker.send(setup)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._worker.is_alive

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._worker.pid

    def ask(self, question: Mapping[str, Any], timeout_s: float) -> dict[str, Any] | None:
        """Return the answer; None where the process ended, none came in time, or what came is none."""
        self._next_id += 1
        try:
            self._worker.send(json.dumps({"id": self._next_id, **question}))
            line = self._worker.receive(timeout_s + (_START_S if self._is_new else 0))
            answer = parse_json(line)
        except (WorkerEnded, TimeoutError, ValueError):
            return None
        self._is_new = False
        return answer if isinstance(answer, dict) else None

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._worker.kill()
