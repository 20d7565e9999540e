"""The sides that `bench lsp` types into beside our own, each session after ours, and all sides' figures as one table.

While one side is typed into, the others rest: ours has ended (or serves nobody), a peer's process waits.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rich.table import Table

from codeassist.processes import find_program
from codeassist_eval.engines.llama_peer import LlamaPeer
from codeassist_eval.errors import EvaluationError
from codeassist_eval.percentiles import percentiles
from codeassist_eval.typing.llama_vim import Infill
from codeassist_eval.typing.lsp_replay import ReplayedSession
from codeassist_eval.typing.seen_figures import seen_figures
from codeassist_eval.typing.side_replay import SideSession, replay_in_llama_vim, replay_in_server
from codeassist_eval.typing.typing_trace import Trace
from codeassist_eval.typing.typist import Typist

_PREDICTED, _PREDICT_MS = 128, 250  # llama.vim's n_predict, and its t_max_predict_ms of a first request

SIDE_CONTEXT_TOKENS = 16_384
"""What llama.cpp is given: 16 chunks, a batch and two answers fit."""


class OtherSide(Protocol):
    """Something else that the sessions are typed into."""

    def replay(self, trace: Trace, language: str, folder: Path, typist: Typist) -> SideSession:
        """Type one session. Raises EvaluationError."""
        ...


@dataclass(frozen=True, slots=True)
class ServerSide:
    """A language server, started anew for each session."""

    command: Sequence[str]

    def replay(self, trace: Trace, language: str, folder: Path, typist: Typist) -> SideSession:
        """See OtherSide."""
        return asyncio.run(replay_in_server(trace, language, folder, self.command, os.environ, typist))


@dataclass(frozen=True, slots=True)
class LlamaVimSide:
    """llama.vim before llama.cpp, whose process all sessions share; it holds the model before the first one."""

    peer: LlamaPeer
    ring_size: int
    seed: int

    def replay(self, trace: Trace, language: str, folder: Path, typist: Typist) -> SideSession:
        """See OtherSide."""
        return asyncio.run(replay_in_llama_vim(trace, folder, self._infill, self.ring_size, self.seed, typist))

    def _infill(self, request: Infill) -> str:
        is_asked = bool(request.prefix)  # else the ring is read, no more
        return self.peer.infill(
            {
                "prefix": request.prefix,
                "middle": request.middle,
                "suffix": request.suffix,
                "extra": [[chunk.path, chunk.text] for chunk in request.extra],
                "num_predict": _PREDICTED if is_asked else 0,
                "num_indent": request.num_indent,
                "max_predict_ms": _PREDICT_MS,
                "seed": self.seed,
            }
        )


def server_command(line: str) -> list[str]:
    """A command line as arguments, its program with its path. Raises EvaluationError for one that is not there."""
    words = shlex.split(line)
    program = find_program(words[0]) if words else None
    if program is None:
        raise EvaluationError(f"--server {line!r}: there is no such program")
    return [str(program), *words[1:]]


def sides_document(
    ours: Sequence[ReplayedSession], others: Sequence[Sequence[SideSession]], typed: Sequence[int]
) -> dict[str, Any]:
    """The figures of each side by its name, ours first.

    `others`: each side's sessions, in the order of ours. `typed`: the characters of each session's typed line.
    """
    found = {"codeassist": seen_figures([session.seen for session in ours], typed)}
    found["codeassist"] |= {
        "first_completion_s": percentiles((session.first_completion_s for session in ours), digits=3),
        "rss_bytes": max(session.peak_rss_bytes for session in ours),
    }
    for sessions in others:
        starts = [session.first_completion_s for session in sessions if session.first_completion_s is not None]
        memory = [session.rss_bytes for session in sessions if session.rss_bytes is not None]
        found[sessions[0].side] = seen_figures([session.seen for session in sessions], typed) | {
            "first_completion_s": percentiles(starts, digits=3),
            "rss_bytes": max(memory, default=None),
        }
    return found


def sides_table(sides: Mapping[str, Mapping[str, Any]]) -> Table:
    """All sides in one table."""
    table = Table("", *sides, title="The same sessions on every side")
    for column in table.columns[1:]:
        column.justify = "right"

    def row(label: str, cell: Callable[[Mapping[str, Any]], str]) -> None:
        table.add_row(label, *(cell(side) for side in sides.values()))

    row("keystroke to a suggestion, ms: p50 / p95", lambda side: _pair(side["suggestion_ms"]))
    row("of those that had to be computed", lambda side: _pair(side["computed_ms"]))
    row("edits after which one was shown", lambda side: f"{side['num_shown']:,} of {side['num_edits']:,}")
    row("within 300 ms", lambda side: f"{side['num_shown_promptly']:,}")
    row(
        "typed characters foreseen within 300 ms",
        lambda side: f"{side['characters_foreseen_promptly']:,} of {side['characters_typed']:,}",
    )
    row("at all", lambda side: f"{side['characters_foreseen']:,}")
    row("wrong from the first character", lambda side: f"{side['num_wrong_at_once']:,} of {side['num_judged']:,}")
    row("start to the first answer, s: p50 / p95", lambda side: _pair(side["first_completion_s"], 2))
    return table


def _pair(values: Mapping[str, float] | None, decimals: int = 0) -> str:
    return "–" if values is None else f"{values['p50']:,.{decimals}f} / {values['p95']:,.{decimals}f}"
