"""A run over next-edit tasks in a folder: records written as they come, figures when all are there.

OUT/plan.json           what the run is: another one is refused
OUT/predictions.jsonl   one record a task; a run that was interrupted goes on behind the last whole line
OUT/scores.jsonl        what each is worth
OUT/metrics.json        the figures, and under "baselines" those of the baselines on the same tasks
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from codeassist.progress import Progress
from codeassist_eval.edits.edit_figures import edit_figures
from codeassist_eval.edits.edit_record import record_from_json, record_of
from codeassist_eval.edits.edit_score import score
from codeassist_eval.edits.edit_system import EditSystem
from codeassist_eval.edits.edit_task import EditTask
from codeassist_eval.runs.record_log import claim_log
from codeassist_eval.runs.run_folder import METRICS, PREDICTIONS, SCORES, write_json

SystemOpener = Callable[[], EditSystem]


def run_edits(
    tasks: Sequence[EditTask],
    open_system: SystemOpener,
    baselines: Mapping[str, SystemOpener],
    out: Path,
    identity: Mapping[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """Ask a system about the tasks that `out` lacks, write scores and metrics there, and return the metrics.

    Raises EvaluationError where `out` holds another run.
    """
    figures = _asked(tasks, open_system, out, identity, progress)
    figures["baselines"] = {
        name: _asked(tasks, opener, out / "baselines" / name, {**identity, "proposer": name}, progress)
        for name, opener in baselines.items()
    }
    write_json(out / METRICS, figures)
    return figures


def _asked(
    tasks: Sequence[EditTask], open_system: SystemOpener, out: Path, identity: Mapping[str, Any], progress: Progress
) -> dict[str, Any]:
    log = claim_log(out, PREDICTIONS, identity, record_from_json, lambda record: record.task_id)
    records = log.read()
    todo = [task for task in tasks if task.task_id not in records]
    if todo:
        system = open_system()
        try:
            for number, task in enumerate(todo):
                progress(f"asking ({out.name})", len(tasks) - len(todo) + number, len(tasks))
                record = record_of(task, system)
                log.append(record)
                records[task.task_id] = record
        finally:
            system.close()
    progress(f"asking ({out.name})", len(tasks), len(tasks))
    scores = [score(task, records[task.task_id]) for task in tasks]
    with (out / SCORES).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(each)) + "\n" for each in scores)
    return edit_figures(scores, records)
