"""Where the tasks stand that `--tasks` names: on this machine, or on the hub."""

from __future__ import annotations

from pathlib import Path

from codeassist_eval.benchmarks.repobench_hub import fetch, parse_hub
from codeassist_eval.engines.local_engine import evaluation_settings
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.benchmark import Benchmark
from codeassist_eval.runs.schedule import Limits


def task_files(benchmark: Benchmark, named: Path) -> Path:
    """Return where the tasks stand that `--tasks` names, fetching them where that is on the hub."""
    source = parse_hub(named.as_posix())
    if source is None:
        return named
    if benchmark.name != "repobench":
        raise EvaluationError(f"--tasks {named}: only RepoBench's tasks are fetched (--benchmark repobench)")
    cache = evaluation_settings(None, (), Limits(1, None)).places.cache
    return fetch(source, cache / "eval" / "hub")
