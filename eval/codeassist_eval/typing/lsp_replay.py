"""Editing sessions typed into a real language server at human speed, and how long each answer took to come.

Most requests are outdated before they are answered, which is what a server has to live with.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codeassist_eval.errors import EvaluationError
from codeassist_eval.typing.lsp_client import LspClient
from codeassist_eval.typing.typing_trace import Keystroke, Trace
from codeassist_eval.typing.typist import Seen, Typist, type_into

_LOAD_S = 300.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One keystroke's request. `ms` is from the keystroke to the answer as the client saw it.

    `outcome`, `stage_ms` and the rest are the server's own words; `stage_ms` is empty where the model was not asked.
    `server_ms` is from when it had read the request until it had handed its answer to the system; of that, `before_ms`
    passed until the inference thread was asked, and `after_ms` when that was done. `has_late_source`: the deadline of
    retrieval cut a source short.
    """

    kind: str
    outcome: str
    ms: float
    stage_ms: Mapping[str, float]
    server_ms: float | None = None
    before_ms: float | None = None
    after_ms: float | None = None
    has_late_source: bool = False


@dataclass(frozen=True, slots=True)
class ReplayedSession:
    """A session with its server from start to end. `first_completion_s` is from the process's start to the answer to
    the first request, sent when the server said that it is ready; `ready_s` is until then."""

    name: str
    ready_s: float
    first_completion_s: float
    answers: tuple[Answer, ...]
    num_shown: int
    peak_rss_bytes: int
    status: Mapping[str, Any]
    seen: tuple[Seen, ...] = ()


async def replay(
    trace: Trace,
    language: str,
    folder: Path,
    command: Sequence[str],
    environment: Mapping[str, str],
    typist: Typist,
) -> ReplayedSession:
    """Type one session into a server of its own. Raises EvaluationError."""
    client = LspClient(command, folder, environment)
    began = time.perf_counter()
    try:
        await client.start()
        client.open(trace.path, language, trace.initial)
        await client.ready(_LOAD_S)
        ready_s = time.perf_counter() - began
        await client.complete(trace.initial, trace.cursor, automatic=True)
        first_s = time.perf_counter() - began
        seen = await type_into(_InOurs(client), trace, typist)
        status = await client.status()
        while status["requests"]["under_way"]:
            await asyncio.sleep(0.05)
            status = await client.status()
    finally:
        await client.stop()
    recent = [one for one in status["recent"] if one["kind"] == "automatic"]
    answers = _matched(seen, recent)
    return ReplayedSession(
        trace.name,
        ready_s,
        first_s,
        tuple(answers),
        sum(bool(one.text) for one in seen),
        client.peak_rss_bytes,
        _without_recent(status),
        tuple(replace(one, was_known=answer.outcome == "cached") for one, answer in zip(seen, answers, strict=True)),
    )


async def warm_up(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Have a server that windows share load its model and answer once. Raises EvaluationError."""
    client = LspClient(command, folder, environment)
    try:
        await client.start()
        text = "def add(a, b):\n    return "
        client.open("first.py", "python", text)
        await client.ready(_LOAD_S)
        await client.complete(text, len(text), automatic=False)
    finally:
        await client.stop()


async def end_shared(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    """End the server that windows share. Raises EvaluationError."""
    client = LspClient(command, folder, environment)
    await client.start()
    await client.end_shared()


class _InOurs:
    """An open document of our server as a `typist.Side`."""

    def __init__(self, client: LspClient) -> None:
        self._client = client

    def change(self, text: str, keystroke: Keystroke) -> None:
        """Tell the server."""
        self._client.change(text, keystroke.edits)

    def move(self, text: str, cursor: int) -> None:
        """Editors do not tell a server where the cursor is."""

    async def suggest(self, text: str, cursor: int) -> tuple[str | None, bool]:
        """Return the first item; what the server knew already, it alone knows."""
        items = await self._client.complete(text, cursor, automatic=True)
        return (None if items is None else next(iter(items), "")), False


def _matched(seen: Sequence[Seen], recent: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Join what the client measured with what the server notes, which are in the same order but for cancelled ones."""
    num_answered = sum(one.text is not None for one in seen)
    answered = [one for one in recent if one["outcome"] != "cancelled"][-num_answered:]
    if len(answered) != num_answered:
        raise EvaluationError("the server kept too few of its last requests for so long a session")
    notes = iter(answered)
    joined: list[Answer] = []
    for one in seen:
        if one.text is None:
            joined.append(Answer(one.kind, "cancelled", one.ms, {}))
        else:
            note = next(notes)
            joined.append(
                Answer(
                    one.kind,
                    note["outcome"],
                    one.ms,
                    note["stage_ms"],
                    server_ms=_between(note, "read_s", "written_s"),
                    before_ms=_between(note, "read_s", "asked_s"),
                    after_ms=_between(note, "done_s", "written_s"),
                    has_late_source=bool(note["late_sources"]),
                )
            )
    return joined


def _between(note: Mapping[str, Any], first: str, last: str) -> float | None:
    return None if note[first] is None or note[last] is None else (note[last] - note[first]) * 1e3


def _without_recent(status: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in status.items() if name != "recent"}
