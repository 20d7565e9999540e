"""CrossCodeEval: the official task files in four languages, with or without `crossfile_context`.

Rows: `prompt`, `right_context`, `groundtruth`, `metadata` with `task_id`, `repository`, `file` and, where a set has
them, `kind`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from codeassist.request import Snippet
from codeassist_eval.metrics.benchmark import Benchmark, plain_prediction
from codeassist_eval.metrics.score import CROSSCODEEVAL_AGGREGATES, Score, crosscodeeval_score
from codeassist_eval.tasks.rows import Row, read_rows, unique_by_id
from codeassist_eval.tasks.task import SUFFIXES, Task, language_of, repository_path


def load_tasks(path: Path) -> tuple[Task, ...]:
    """Read a task file. Raise `EvaluationError` on the first row that is not a CrossCodeEval row."""
    tasks = ((row.line, task.task_id, task) for row in read_rows(path) for task in [_task(row)])
    return tuple(unique_by_id(path, tasks).values())


def score(task: Task, prediction: str) -> Score:
    """Score one prediction with the official metrics."""
    return crosscodeeval_score(task.task_id, task.language, task.prefix, prediction, task.groundtruth)


def _task(row: Row) -> Task:
    file = row.require("metadata.file", str)
    path = repository_path(file)
    if path is None:
        raise row.error(f"field 'metadata.file' leaves its repository: {file}")
    language = language_of(path)
    if language is None:
        known = ", ".join(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
        raise row.error(f"field 'metadata.file' is {file}, whose language is not in CrossCodeEval ({known})")
    groundtruth = row.require("groundtruth", str)
    if not groundtruth.strip():
        raise row.error("field 'groundtruth' is empty; nothing could be right")
    return Task(
        task_id=row.require("metadata.task_id", str),
        repository=row.require("metadata.repository", str),
        path=path,
        language=language,
        prefix=row.require("prompt", str),
        suffix=row.optional("right_context", str) or "",
        groundtruth=groundtruth,
        kind=row.optional("metadata.kind", str),
        provided=_provided(row),
    )


def _provided(row: Row) -> tuple[Snippet, ...]:
    """Return `crossfile_context.list`, best first. Where the official retrieval found nothing it is `""` or `{}`."""
    if row.data.get("crossfile_context") in (None, "", {}):
        return ()
    chunks = row.require("crossfile_context.list", list)
    return tuple(_snippet(row, index, chunk) for index, chunk in enumerate(chunks))


def _snippet(row: Row, index: int, chunk: Any) -> Snippet:
    inner = Row(row.path, row.line, {"metadata": row.data["metadata"], "chunk": chunk})
    text = inner.require("chunk.retrieved_chunk", str)
    score = chunk.get("score")
    return Snippet(
        path=inner.require("chunk.filename", str),
        text=text,
        start_line=1,  # the rows do not say where in its file a chunk stood
        end_line=1 + len(text.splitlines()),
        source="provided",
        score=float(score) if isinstance(score, int | float) else 0.0,
        reason=f"chunk {index + 1} of the row's crossfile_context",
    )


BENCHMARK = Benchmark(
    name="crosscodeeval",
    load=load_tasks,
    prediction_of=plain_prediction,
    score=score,
    aggregates=CROSSCODEEVAL_AGGREGATES,
    max_new_tokens=50,  # the official --gen_length
    max_lines=None,  # a statement may go on over lines; the metric cuts it
)
