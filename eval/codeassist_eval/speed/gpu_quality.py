"""What a trained model gains and keeps on a GPU: drafts, and PIE's three tasks with and without rotating moved keys.

Tasks are made from source files at hand; nothing is fetched.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from codeassist.completion.document_state import DocumentState
from codeassist.completion.session import Session
from codeassist.engine.layers.attention import KVCache, Move
from codeassist.request import NoRetriever, Snippet
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.run_folder import Record
from codeassist_eval.runs.schedule import Limits
from codeassist_eval.speed.engine import EnginePlan, typing_requests
from codeassist_eval.tasks.task import Task
from codeassist_eval.typing.edit_replay import Replayed
from codeassist_eval.typing.edits import FULL_STAGE, LIVE_STAGE, expand
from codeassist_eval.typing.typing_sessions import FixedRetriever

PIE_KINDS = ("insert", "delete", "multi")
_LEAST_LINES, _LEAST_CHARS = 60, 12
_SNIPPET_LINES = 40
_CHARS_PER_TOKEN = 3.2


class UnrotatedCache(KVCache):
    """Moved keys keep the rotation of where they were computed: what PIE's rotation is worth shows by its absence."""

    def _move_block(self, move: Move, start: int, end: int) -> None:
        src, dst = slice(move.src + start, move.src + end), slice(move.dst + start, move.dst + end)
        for states in (self.k_raw, self.k, self.v):
            states[:, :, dst] = states[:, :, src].clone()


def tasks_of(folder: Path, num_rows: int, prompt_tokens: int) -> list[Task]:
    """Make tasks from the Python files of a folder: the rest of a line, with pieces of other files as its context."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")) if path.is_file()}
    long = [path for path, text in texts.items() if text.count("\n") >= _LEAST_LINES]
    if len(long) < 2:
        raise EvaluationError(f"{folder} has {len(long)} Python files of {_LEAST_LINES} lines; tasks are made of them")
    found: list[Task] = []
    for number in range(num_rows):
        path = long[number * len(long) // num_rows]
        lines = texts[path].splitlines(keepends=True)
        wanted = len(lines) // 2 + number * 7 % (len(lines) // 3)
        row = next((i for i in range(wanted, len(lines)) if len(lines[i].strip()) >= _LEAST_CHARS), None)
        if row is None:
            continue
        line = lines[row].rstrip("\n")
        split = len(line) - len(line.lstrip()) + len(line.strip()) // 3
        before = "".join(lines[:row])
        others = [(other, texts[other]) for other in long if other != path]
        turn = number * 13 % len(others)
        snippets = _pieces(folder, others[turn:] + others[:turn], int(prompt_tokens * _CHARS_PER_TOKEN) - len(before))
        found.append(
            Task(
                task_id=f"tree/{number}",
                repository="tree",
                path=path.relative_to(folder).as_posix(),
                language="python",
                prefix=before + line[:split],
                suffix="\n" + "".join(lines[row + 1 :]),
                groundtruth=line[split:],
                provided=snippets,
            )
        )
    return found


def _pieces(folder: Path, files: Sequence[tuple[Path, str]], num_chars: int) -> tuple[Snippet, ...]:
    pieces: list[Snippet] = []
    for path, text in files:
        lines = text.splitlines(keepends=True)
        for first in range(0, len(lines), _SNIPPET_LINES):
            piece = "".join(lines[first : first + _SNIPPET_LINES])
            if num_chars < len(piece):
                return tuple(pieces)
            num_chars -= len(piece)
            name = path.relative_to(folder).as_posix()
            end = first + 1 + piece.count("\n")
            pieces.append(Snippet(name, piece, first + 1, end, "bench", 0.0, "another file"))
    return tuple(pieces)


def pie_figures(session: Session, tasks: Sequence[Task], until_s: float) -> dict[str, Any]:
    """Exact match of full recomputation, of the live cache, and of one whose moved keys are not rotated, by kind.

    Rows that are not begun by `until_s` (`time.monotonic`) are left out; `rows` says how many count.
    """
    model = session.engine.model
    edited = [task for task in expand(tasks, seed=0) if task.kind in PIE_KINDS]
    rotated = {task.task_id: record for task, record in _replayed(session, edited, time.monotonic() + _half(until_s))}
    edited = [task for task in edited if task.task_id in rotated]
    rotating = model.new_cache
    model.new_cache = (
        lambda capacity: UnrotatedCache(  # pyright: ignore[reportAttributeAccessIssue]
            model.config, model.rotations[:capacity], capacity, model.dtype
        )
    )
    try:
        unrotated = {task.task_id: record for task, record in _replayed(session, edited, until_s)}
    finally:
        model.new_cache = rotating
    found: dict[str, Any] = {"prompt_tokens": session.prompter.budget.total, "by_kind": {}}
    for kind in (*PIE_KINDS, None):
        group = [task for task in edited if task.task_id in unrotated and kind in (task.kind, None)]
        if group:
            found["by_kind"][kind or "all"] = _exact_matches(group, rotated, unrotated)
    return found


def _half(until_s: float) -> float:
    return max(0.0, until_s - time.monotonic()) / 2


def _replayed(session: Session, tasks: Sequence[Task], until_s: float) -> list[tuple[Task, Record]]:
    replayed = Replayed(session, lambda task: FixedRetriever(task.provided), Limits(32, 1), seed=0)
    found: list[tuple[Task, Record]] = []
    for task, outcome in zip(tasks, replayed.outcomes(tasks), strict=False):
        if not isinstance(outcome, Record):
            raise EvaluationError(f"{task.task_id}: {outcome.error}")
        found.append((task, outcome))
        if time.monotonic() > until_s:
            break
    return found


def _exact_matches(tasks: Sequence[Task], rotated: dict[str, Record], unrotated: dict[str, Record]) -> dict[str, Any]:
    def percent(answers: dict[str, str]) -> float:
        return round(
            100 * sum(answers[task.task_id].strip() == task.groundtruth.strip() for task in tasks) / len(tasks), 2
        )

    def median_ms(stage: str) -> float:
        times = sorted(rotated[task.task_id].stage_ms[stage] for task in tasks)
        return round(times[len(times) // 2], 2)

    full = {name: record.reference or "" for name, record in rotated.items()}
    live, stale = ({name: record.pred for name, record in side.items()} for side in (rotated, unrotated))
    return {
        "rows": len(tasks),
        "em_full": percent(full),
        "em_live": percent(live),
        "em_without_rotation": percent(stale),
        "same_answer": round(100 * sum(live[task.task_id] == full[task.task_id] for task in tasks) / len(tasks), 1),
        "same_answer_without_rotation": round(
            100 * sum(stale[task.task_id] == full[task.task_id] for task in tasks) / len(tasks), 1
        ),
        "first_token_live_ms": median_ms(LIVE_STAGE),
        "first_token_full_ms": median_ms(FULL_STAGE),
    }


def draft_figures(session: Session, tasks: Sequence[Task]) -> dict[str, Any]:
    """Milliseconds a token while lines are typed, with drafts and without, on the same requests."""
    totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    plan = EnginePlan(num_places=3, max_lines=4, max_new_tokens=64)
    for task in tasks:
        for kind in ("drafted", "plain"):
            session.engine.speculate = kind == "drafted"
            document = DocumentState(task.path)
            for request in typing_requests(task, plan):
                completion = session.complete(replace(request, patience_ms=None), NoRetriever(), document=document)
                trace, sums = completion.trace, totals[kind]
                sums[0] += trace.stage_ms["decode"] - trace.stage_ms["first_token"]
                sums[1] += max(0, trace.num_new_tokens - 1)
            document.close()
    session.engine.speculate = True
    if not all(sums[1] for sums in totals.values()):
        raise EvaluationError("no answer has a second token: nothing to measure")
    ms = {kind: round(sums[0] / sums[1], 3) for kind, sums in totals.items()}
    return {"ms_a_token": ms, "gain": round(ms["plain"] / ms["drafted"], 2), "num_tokens": int(totals["plain"][1])}
