"""The loop of a worker process: confined, it answers each line of its input with one of its output.

Each answer may take so much processor time; the system ends the process that goes on longer, also inside a parser
written in C. It reads no files but this program's own.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator

from codeassist_indexer.workers.confinement import confine


def answer_questions(
    answer: Callable[[str], str], cpu_s: float, memory_bytes: int, idle_s: float | None = None
) -> None:
    """Answer until the input ends, or until nothing has come for `idle_s`.

    The first line says with which share of the cores: "background" or "foreground". Answers are lines without their
    end. The process may use `memory_bytes`.
    """
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever prints must not speak between the answers
    lines = _lines(idle_s)
    if next(lines, "") == "background" and hasattr(os, "nice"):
        os.nice(19)
    confine([], memory_bytes)
    output.write("ready\n")
    output.flush()
    for line in lines:
        _limit_time(cpu_s)
        answered = answer(line)
        _limit_time(0)
        output.write(answered + "\n")
        output.flush()


def _lines(idle_s: float | None) -> Iterator[str]:
    """The lines of the input, until it ends or none has come for so long (Windows: until it ends)."""
    rest = bytearray()
    searched = 0
    while _has_input(idle_s):
        block = os.read(0, 1 << 20)
        if not block:
            return
        rest += block
        while (end := rest.find(b"\n", searched)) >= 0:
            line = rest[:end].decode("ascii")
            del rest[: end + 1]
            searched = 0
            yield line
        searched = len(rest)


def _has_input(idle_s: float | None) -> bool:
    return sys.platform == "win32" or bool(select.select([0], [], [], idle_s)[0])


def _limit_time(cpu_s: float) -> None:
    """End this process after so much processor time from now; 0: not at all. Windows has no such timer."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, cpu_s)
