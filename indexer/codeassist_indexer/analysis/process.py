"""The analysis in a process of its own: asked from any thread, killed when it hangs, started again when it is needed.

Knows no place. A thread could not be stopped, and Python at work in one holds the interpreter lock that decoding needs
for each operation.
"""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

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
        self._worker: _Worker | None = None
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

    def _running(self) -> _Worker | None:
        if self._worker is None or not self._worker.is_alive:
            try:
                self._worker = _Worker(json.dumps(self._setup()))
            except OSError as error:
                self._log_once("", f"its process does not start: {error}")
                return None
        return self._worker

    def _log_once(self, about: str, message: str) -> None:
        if about not in self._logged:
            self._logged.add(about)
            log.warning("no analysis: %s", message)


class _Worker:
    """A running process and the thread that reads what it answers."""

    def __init__(self, setup: str) -> None:
        package_folder = str(Path(__file__).resolve().parents[2])
        # -I: neither the environment nor the folder that we run in decides what is imported.
        program = (
            f"import sys; sys.path.append({package_folder!r}); "
            "from codeassist_indexer.analysis.worker import main; main()"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="surrogatepass",
        )
        self._answers: queue.Queue[str | None] = queue.Queue()
        self._next_id = 0
        self._is_new = True
        if self._process.stdin is None or self._process.stdout is None:
            raise OSError("no pipes")
        self._stdin: IO[str] = self._process.stdin
        threading.Thread(
            target=_forward, args=(self._process.stdout, self._answers), name="analysis-answers", daemon=True
        ).start()
        self._send(setup)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def ask(self, question: Mapping[str, Any], timeout_s: float) -> dict[str, Any] | None:
        """Return the answer; None where the process ended or none came in time."""
        self._next_id += 1
        if not self._send(json.dumps({"id": self._next_id, **question})):
            return None
        try:
            line = self._answers.get(timeout=timeout_s + (_START_S if self._is_new else 0))
        except queue.Empty:
            return None
        self._is_new = False
        return json.loads(line) if line is not None else None

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._stdin.close()

    def _send(self, line: str) -> bool:
        try:
            self._stdin.write(line + "\n")
            self._stdin.flush()
        except (OSError, ValueError):
            return False
        return True


def _forward(stream: IO[str], answers: queue.Queue[str | None]) -> None:
    with stream:
        for line in stream:
            answers.put(line)
    answers.put(None)
