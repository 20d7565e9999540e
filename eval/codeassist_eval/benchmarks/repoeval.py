"""RepoEval: RepoCoder's line, API and function-body completion tasks.

Rows: `prompt` and `metadata` with `task_id` ("repository/number"), `ground_truth`, `fpath_tuple`,
`context_start_lineno` and `line_no` (also written `lineno`). Behaviour and quirks of the scores follow microsoft/CodeT,
`RepoCoder/compute_score.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codeassist_eval.metrics.benchmark import Benchmark
from codeassist_eval.metrics.score import Aggregate, Score
from codeassist_eval.metrics.similarity import levenshtein_similarity
from codeassist_eval.tasks.rows import Row, read_rows, unique_by_id
from codeassist_eval.tasks.task import Task, language_of, repository_path

# The official script prints means with four decimals.
_PERCENT = Aggregate(100, decimals_of_mean=4)


def load_tasks(path: Path) -> tuple[Task, ...]:
    """Read a task file. Raise `EvaluationError` on the first row that is not a RepoEval row."""
    tasks = ((row.line, task.task_id, task) for row in read_rows(path) for task in [_task(row)])
    return tuple(unique_by_id(path, tasks).values())


def score(task: Task, prediction: str) -> Score:
    """Score one prediction with the official EM and ES.

    Quirks: only as many non-blank lines of the prediction count as the truth has; lines end wherever Python's
    `splitlines` says (form feeds, Unicode separators too); similarity is Levenshtein's, over stripped lines.
    """
    target = _stripped_lines(task.groundtruth)
    judged = _stripped_lines(prediction)[: len(target)]
    target_text, judged_text = "\n".join(target), "\n".join(judged)
    values = {"em": float(judged == target), "es": levenshtein_similarity(target_text, judged_text)}
    return Score(task.task_id, judged_text, target_text, values)


def prediction_of(row: Row, tasks: Sequence[Task]) -> tuple[str, str]:
    """Read RepoCoder's own prediction rows (`metadata.task_id`, `choices`: the first counts) and ours."""
    if "choices" not in row.data:
        return row.require("task_id", str), row.require("pred", str)
    choices = row.require("choices", list)
    text = choices[0].get("text") if choices and isinstance(choices[0], dict) else None
    if not isinstance(text, str):
        raise row.error("field 'choices' has no first 'text'")
    return row.require("metadata.task_id", str), text


def _task(row: Row) -> Task:
    task_id = row.require("metadata.task_id", str)
    parts = row.require("metadata.fpath_tuple", list)
    if len(parts) < 2 or not all(isinstance(part, str) for part in parts):
        raise row.error("field 'metadata.fpath_tuple' must hold the repository and the path in it, as texts")
    repository, path = parts[0], repository_path("/".join(parts[1:]))
    language = language_of(path) if path is not None else None
    if path is None or language is None:
        raise row.error(f"field 'metadata.fpath_tuple' names no source file inside its repository: {'/'.join(parts)}")
    if row.optional("metadata.line_no", int) is None:
        row.require("metadata.lineno", int)
    groundtruth = row.require("metadata.ground_truth", str)
    if not groundtruth.strip():
        raise row.error("field 'metadata.ground_truth' is empty; nothing could be right")
    return Task(
        task_id, repository, path, language, prefix=row.require("prompt", str), suffix="", groundtruth=groundtruth
    )


def _stripped_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


BENCHMARK = Benchmark(
    name="repoeval",
    load=load_tasks,
    prediction_of=prediction_of,
    score=score,
    aggregates={"em": _PERCENT, "es": _PERCENT},
    max_new_tokens=100,  # as codegen_inference.py; function bodies want more (--max-new-tokens)
    max_lines=None,
)
