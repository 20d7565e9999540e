"""What `metrics.json` holds: quality and cost of a run, over all tasks and by kind.

Records and scores in, plain values out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from codeassist_eval.metrics.score import Aggregate, Score, aggregate
from codeassist_eval.percentiles import percentile
from codeassist_eval.runs.run_folder import Record
from codeassist_eval.tasks.task import Task


def summarize(
    tasks: Sequence[Task],
    scores: Mapping[str, Score],
    records: Mapping[str, Record],
    aggregates: Mapping[str, Aggregate],
) -> dict[str, Any]:
    """Return the metrics over all tasks and, where tasks have kinds, by kind.

    `records` may be empty: predictions of others have a quality but no known cost.
    """
    result = _over(tasks, scores, records, aggregates)
    kinds = sorted({task.kind for task in tasks if task.kind is not None})
    if kinds:
        groups = {kind: [task for task in tasks if task.kind == kind] for kind in kinds}
        result["by_kind"] = {kind: _over(group, scores, records, aggregates) for kind, group in groups.items()}
    return result


def _over(
    tasks: Sequence[Task],
    scores: Mapping[str, Score],
    records: Mapping[str, Record],
    aggregates: Mapping[str, Aggregate],
) -> dict[str, Any]:
    quality: dict[str, Any] = aggregate([scores[task.task_id] for task in tasks], aggregates)
    costs = [records[task.task_id] for task in tasks if task.task_id in records]
    return quality | (_cost(costs) if costs else {})


def _cost(records: Sequence[Record]) -> dict[str, Any]:
    """Means over the tasks; a stage that a task did not pass through counts as 0 there."""
    seconds = [record.seconds for record in records]
    stages = sorted({stage for record in records for stage in record.stage_ms})
    return {
        "prompt_tokens": round(fmean(record.num_prompt_tokens for record in records), 1),
        "cached_tokens": round(fmean(record.num_cached_tokens for record in records), 1),
        "new_tokens": round(fmean(record.num_new_tokens for record in records), 1),
        "snippets": round(fmean(len(record.snippets) for record in records), 2),
        "seconds": {
            "sum": round(sum(seconds), 3),
            "mean": round(fmean(seconds), 4),
            "p50": round(percentile(seconds, 50), 4),
            "p90": round(percentile(seconds, 90), 4),
            "by_stage": {
                stage: round(fmean(record.stage_ms.get(stage, 0.0) for record in records) / 1000, 5) for stage in stages
            },
        },
    }
