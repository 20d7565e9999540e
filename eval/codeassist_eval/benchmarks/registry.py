"""The benchmarks by name."""

from __future__ import annotations

from codeassist_eval.benchmarks import crosscodeeval, repobench, repoeval, typing_benchmark
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.benchmark import Benchmark

BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (crosscodeeval.BENCHMARK, repobench.BENCHMARK, repoeval.BENCHMARK, typing_benchmark.BENCHMARK)
}


def benchmark_named(name: str) -> Benchmark:
    """Return a benchmark; raise `EvaluationError` where a run was made with one that is not known here."""
    if name not in BENCHMARKS:
        raise EvaluationError(f"no benchmark is called '{name}'; there are {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]
