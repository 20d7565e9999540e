"""`codeassist eval score`: anybody's predictions, by a benchmark's official metrics."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path

import click

from codeassist.terminal.console import print_json, say
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.benchmark_tasks import benchmark_options
from codeassist_eval.cli.options import FILE


@click.command("score")
@benchmark_options
@click.option("--predictions", type=FILE, required=True, help="JSON lines with task_id and pred.")
@click.option("--out", type=FILE, help="Also write scores.jsonl and metrics.json into this folder.")
@click.option("--codebleu-python", type=FILE, help="Also CodeBLEU, by the `codebleu` of this Python.")
@json_option
@debug_option
def score_command(
    benchmark: str,
    predictions: Path,
    tasks_path: Path,
    levels: tuple[str, ...],
    created_from: datetime | None,
    created_to: datetime | None,
    out: Path | None,
    codebleu_python: Path | None,
    as_json: bool,
) -> None:
    """Score anybody's predictions with a benchmark's official metrics."""
    from codeassist_eval.benchmarks.registry import benchmark_named
    from codeassist_eval.benchmarks.task_source import task_files
    from codeassist_eval.metrics.scoring import load_predictions
    from codeassist_eval.reports.codebleu import with_codebleu
    from codeassist_eval.reports.tables import print_metrics
    from codeassist_eval.runs.run import judge, write_judgement
    from codeassist_eval.tasks.row_filter import RowFilter

    started = time.perf_counter()
    chosen = benchmark_named(benchmark)
    tasks = RowFilter(created_from, created_to, levels)(chosen.load(task_files(chosen, tasks_path)))
    judgement = judge(chosen, tasks, load_predictions(predictions, chosen, tasks))
    if codebleu_python is not None:
        judgement = with_codebleu(judgement, tasks, codebleu_python)
    if out is not None:
        write_judgement(out, judgement)
    took_s, used = time.perf_counter() - started, os.times()
    processor_s = used.user + used.system + used.children_user + used.children_system
    say(
        f"{len(tasks):,} predictions read and scored in {took_s:.1f} s; {processor_s:.1f} s of processor time on "
        f"{os.cpu_count()} cores",
        to_stderr=True,
    )
    if as_json:
        print_json(judgement.metrics)
    else:
        print_metrics(predictions.name, judgement.metrics)
