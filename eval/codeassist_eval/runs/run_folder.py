"""A run's folder: predictions written as they come, and what is made of them when all are there.

`predictions.jsonl` is only ever appended to; a last line that an interruption tore is dropped when the run goes on.
`manifest.json` says what the run is; one folder holds one run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codeassist.request import AnswerToken
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.score import Score
from codeassist_eval.tasks.rows import Row, read_rows, unique_by_id

PREDICTIONS = "predictions.jsonl"
SCORES = "scores.jsonl"
METRICS = "metrics.json"
MANIFEST = "manifest.json"
REPORT = "report.html"

# What of a record's row figures are made of; what is missing or of another type is said with its line.
_RECORD_FIELDS: tuple[tuple[str, type], ...] = (
    *((name, str) for name in ("task_id", "pred", "raw_text", "finish_reason")),
    *((name, int) for name in ("num_prompt_tokens", "num_cached_tokens", "num_new_tokens")),
    *(("seconds", float), ("stage_ms", dict)),
)


@dataclass(frozen=True, slots=True)
class UsedContext:
    """Which snippet went into a prompt, why, and what it cost there."""

    path: str
    start_line: int
    end_line: int
    source: str
    score: float
    num_tokens: int


@dataclass(frozen=True, slots=True)
class Record:
    """One finished task: what was predicted, from what, at what price. `seconds` is the whole completion.

    `reference` is what another way answered that a benchmark compares with: a full recomputation, for typing.
    `tokens` are those of the answer before it was cut, none where a server did not tell them.
    """

    task_id: str
    pred: str
    raw_text: str
    finish_reason: str
    num_prompt_tokens: int
    num_cached_tokens: int
    num_new_tokens: int
    seconds: float
    stage_ms: dict[str, float] = field(default_factory=dict[str, float])
    snippets: tuple[UsedContext, ...] = ()
    confidence: float | None = None
    reference: str | None = None
    tokens: tuple[AnswerToken, ...] = ()


def read_records(path: Path) -> dict[str, Record]:
    """Return a run's records by task id, in the order they were written."""
    rows = list(read_rows(path))
    return unique_by_id(path, ((row.line, record.task_id, record) for row in rows for record in [_record(row)]))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file so that a reader sees the old one or the new one, never half of it."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raise `EvaluationError` if it is missing or is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EvaluationError(f"{path}: no such file; is this the folder of a finished run?") from None
    except (OSError, ValueError, RecursionError) as error:
        raise EvaluationError(f"{path}: cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise EvaluationError(f"{path}: holds {type(value).__name__}, expected one JSON object")
    return value


def write_scores(path: Path, scores: Mapping[str, Score]) -> None:
    """Write one line a task: what was judged, against what, and every metric."""
    with path.open("w", encoding="utf-8") as file:
        for score in scores.values():
            row = {"task_id": score.task_id, "judged": score.judged, "target": score.target, **score.values}
            file.write(json.dumps(row) + "\n")


def read_scores(path: Path) -> dict[str, Score]:
    """Return what `write_scores` wrote."""
    rows = list(read_rows(path))
    return unique_by_id(path, ((row.line, score.task_id, score) for row in rows for score in [_score(row)]))


def _score(row: Row) -> Score:
    values = {name: float(value) for name, value in row.data.items() if isinstance(value, int | float)}
    return Score(row.require("task_id", str), row.require("judged", str), row.require("target", str), values)


def _record(row: Row) -> Record:
    for name, kind in _RECORD_FIELDS:
        row.require(name, kind)
    try:
        snippets = tuple(UsedContext(**snippet) for snippet in row.data.get("snippets", ()))
        tokens = tuple(AnswerToken(**token) for token in row.data.get("tokens", ()))
        return Record(**{**row.data, "snippets": snippets, "tokens": tokens})
    except TypeError as error:
        raise row.error(f"not a row of a run's {PREDICTIONS}: {error}") from error
