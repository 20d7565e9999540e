"""llama.cpp beside us: llama-cpp-python in another Python, spoken to over pipes, timed on its own side.

What runs over there is `llama_child`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from codeassist.processes import child_environment, child_folder
from codeassist_eval.errors import EvaluationError

_CHILD = Path(__file__).with_name("llama_child.py")
_QUIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Timed:
    """One piece of work over there: what it took, how many tokens were evaluated, what the model chose next."""

    ms: float
    num_encoded: int
    token: int


class LlamaPeer:
    """A child process with one model. Not thread-safe: one question at a time. Use it as a context manager."""

    def __init__(self, command: Sequence[str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the child
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
                cwd=child_folder(command),
                env=child_environment(),
            )
        except OSError as error:
            self._errors.close()
            raise EvaluationError(f"{command[0]} cannot be started: {error}; check --llama-python") from error
        self.version = ""
        self.load_s = 0.0

    def __enter__(self) -> LlamaPeer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def load(self, model: Path, num_context: int, num_threads: int) -> None:
        """Load a GGUF file. Raises EvaluationError where llama-cpp-python is missing or refuses the file."""
        answer = self._ask({"op": "load", "path": str(model), "num_context": num_context, "num_threads": num_threads})
        self.version, self.load_s = answer["version"], answer["load_s"]

    def prefill(self, ids: Sequence[int]) -> Timed:
        """Evaluate a prompt from nothing, up to the choice of the next token."""
        return _timed(self._ask({"op": "prefill", "ids": list(ids)}))

    def sync(self, ids: Sequence[int]) -> Timed:
        """Evaluate a prompt, reusing the last one as llama.cpp can: its common prefix, and what moved to the left."""
        return _timed(self._ask({"op": "sync", "ids": list(ids)}))

    def decode(self, num_tokens: int) -> Timed:
        """Choose so many tokens greedily after the last prompt and its first token; they are forgotten again."""
        return _timed(self._ask({"op": "decode", "num_tokens": num_tokens}))

    def write_with_lookup(self, ids: Sequence[int]) -> Timed:
        """Write these tokens after the last prompt, the first of them free, as if the model had chosen them: with
        drafts that llama-cpp-python copies from the prompt (prompt lookup decoding). They are forgotten again."""
        return _timed(self._ask({"op": "write_with_lookup", "ids": list(ids)}))

    def infill(self, request: Mapping[str, Any]) -> str:
        """Answer as llama-server's /infill would; see `llama_child.Peer.infill`. The last prompt's states are kept."""
        return self._ask({"op": "infill", **request})["content"]

    def peak_rss_bytes(self) -> int | None:
        """The most memory the child ever held resident; None where its system does not say."""
        return self._ask({"op": "memory"})["peak_rss_bytes"]

    def close(self) -> None:
        """End the child."""
        assert self._child.stdin is not None and self._child.stdout is not None
        with contextlib.suppress(OSError):  # it may be gone already
            self._child.stdin.close()
        try:
            self._child.wait(_QUIT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()
        self._errors.close()

    def _ask(self, request: dict[str, object]) -> dict[str, Any]:
        assert self._child.stdin is not None and self._child.stdout is not None
        try:
            self._child.stdin.write(json.dumps(request) + "\n")
            self._child.stdin.flush()
            line = self._child.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise EvaluationError(f"llama.cpp's process ended while asked to {request['op']}: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise EvaluationError(f"llama.cpp cannot {request['op']}: {answer['error']}")
        return answer

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def start_peer(llama_python: Path) -> LlamaPeer:
    """Start the child in a Python that has llama-cpp-python."""
    return LlamaPeer([str(llama_python), "-I", str(_CHILD)])


def find_llama_python(named: Path | None) -> Path | None:
    """The Python to use: the named one, else our own if it has llama-cpp-python; None if it has not."""
    if named is not None:
        return named.absolute()  # links stay: a virtual environment's Python is one
    return Path(sys.executable) if importlib.util.find_spec("llama_cpp") is not None else None


def _timed(answer: dict[str, Any]) -> Timed:
    return Timed(answer["ms"], answer["num_encoded"], answer["token"])
