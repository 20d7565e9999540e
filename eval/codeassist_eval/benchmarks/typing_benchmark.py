"""Typing: PIE's three tasks (insertion, deletion, edits in several places) and typing, replayed through the live cache.

Task files are CrossCodeEval's, of the official set or of `eval make`; each row becomes a task for every kind of edit.
The ordinary metrics are of the live cache's answers; `typing` holds them against a full recomputation of the same
state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from codeassist_eval.benchmarks import crosscodeeval
from codeassist_eval.metrics.benchmark import Benchmark, plain_prediction
from codeassist_eval.metrics.score import CROSSCODEEVAL_AGGREGATES, Score, aggregate
from codeassist_eval.percentiles import percentile
from codeassist_eval.runs.run_folder import Record
from codeassist_eval.tasks.paired_bootstrap import bootstrap
from codeassist_eval.tasks.task import Task
from codeassist_eval.typing.edits import EDIT_KINDS, FULL_STAGE, LIVE_STAGE, base_id, expand
from codeassist_eval.typing.typing_figures import same_first_line

BENCHMARK = Benchmark(
    name="typing",
    load=crosscodeeval.load_tasks,
    prediction_of=plain_prediction,
    score=crosscodeeval.score,
    aggregates=CROSSCODEEVAL_AGGREGATES,
    max_new_tokens=64,
    max_lines=1,  # what an editor asks for
    expand=expand,
)


def typing_summary(
    tasks: Sequence[Task], records: Mapping[str, Record], scores: Mapping[str, Score], seed: int
) -> dict[str, Any]:
    """Return what `metrics.json` has as `typing`: quality and time against the full recomputation, also by kind."""
    references = {task.task_id: _reference(task, records[task.task_id]) for task in tasks}
    result = _against_full(tasks, records, scores, references, seed)
    groups = {kind: [task for task in tasks if task.kind == kind] for kind in EDIT_KINDS}
    result["by_kind"] = {
        kind: _against_full(group, records, scores, references, seed) for kind, group in groups.items() if group
    }
    return result


def _reference(task: Task, record: Record) -> Score:
    assert record.reference is not None, "the replay writes one for every task"
    return crosscodeeval.score(task, record.reference)


def _against_full(
    tasks: Sequence[Task],
    records: Mapping[str, Record],
    scores: Mapping[str, Score],
    references: Mapping[str, Score],
    seed: int,
) -> dict[str, Any]:
    """Live minus full in points, and live over full in time. `n` tasks were made from `rows` rows."""
    live = [scores[task.task_id] for task in tasks]
    full = [references[task.task_id] for task in tasks]
    of = [records[task.task_id] for task in tasks]
    ratios = [record.stage_ms[LIVE_STAGE] / record.stage_ms[FULL_STAGE] for record in of]
    encoded = [float(record.num_prompt_tokens - record.num_cached_tokens) for record in of]
    same = [same_first_line(record.pred, record.reference or "") for record in of]
    result: dict[str, Any] = {"n": len(tasks), "rows": len({base_id(task.task_id) for task in tasks})}
    for name in ("em", "es"):
        result[f"{name}_delta"] = _delta(tasks, live, full, name, seed)
    return result | {
        "same_answer": round(100 * sum(same) / len(same), 2),
        "time_ratio": {"p50": round(percentile(ratios, 50), 4), "p95": round(percentile(ratios, 95), 4)},
        "live_ms": {"p50": round(percentile([record.stage_ms[LIVE_STAGE] for record in of], 50), 1)},
        "full_ms": {"p50": round(percentile([record.stage_ms[FULL_STAGE] for record in of], 50), 1)},
        "encoded_tokens": {"p50": percentile(encoded, 50), "share": round(_share(of), 4)},
        "full": {name: value for name, value in aggregate(full, CROSSCODEEVAL_AGGREGATES).items() if name != "n"},
    }


def _share(records: Sequence[Record]) -> float:
    """The share of all prompt tokens that had to be computed."""
    total = sum(record.num_prompt_tokens for record in records)
    return sum(record.num_prompt_tokens - record.num_cached_tokens for record in records) / total


def _delta(
    tasks: Sequence[Task], live: Sequence[Score], full: Sequence[Score], metric: str, seed: int
) -> dict[str, float]:
    """Live minus full in points, with the 95% interval of a paired bootstrap.

    Rows are drawn, not tasks: those made from one row have the same truth and the same full recomputation.
    """
    pairs: dict[str, list[tuple[float, float]]] = {}
    for task, ours, theirs in zip(tasks, live, full, strict=True):
        pairs.setdefault(base_id(task.task_id), []).append((theirs.values[metric], ours.values[metric]))
    means = [(fmean(theirs for theirs, _ in row), fmean(ours for _, ours in row)) for row in pairs.values()]
    found = bootstrap([theirs for theirs, _ in means], [ours for _, ours in means], seed)
    scale = CROSSCODEEVAL_AGGREGATES[metric].scale
    return {name: round(value * scale, 2) for name, value in asdict(found).items()}
