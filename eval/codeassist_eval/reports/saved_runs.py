"""A finished run, read back from its folder for reports and comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeassist_eval.benchmarks.registry import benchmark_named
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.benchmark import Benchmark
from codeassist_eval.metrics.score import Score
from codeassist_eval.runs.run_folder import (
    MANIFEST,
    METRICS,
    PREDICTIONS,
    SCORES,
    Record,
    read_json,
    read_records,
    read_scores,
)


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run. `label` is what tables and plots call it."""

    label: str
    manifest: Mapping[str, Any]
    metrics: Mapping[str, Any]
    scores: Mapping[str, Score]
    records: Mapping[str, Record]

    @property
    def benchmark(self) -> Benchmark:
        """The benchmark that the run was made with."""
        return benchmark_named(self.manifest["benchmark"])


def read_run(folder: Path) -> Run:
    """Read a run's folder; raise `EvaluationError` if it holds none, or one that has not finished."""
    if not folder.is_dir():
        raise EvaluationError(f"{folder}: no such folder")
    manifest = read_json(folder / MANIFEST)
    if not (folder / METRICS).exists():
        raise EvaluationError(f"{folder}: this run has not finished; go on with: {manifest.get('command')}")
    return Run(
        label=folder.name,
        manifest=manifest,
        metrics=read_json(folder / METRICS),
        scores=read_scores(folder / SCORES),
        records=read_records(folder / PREDICTIONS),
    )
