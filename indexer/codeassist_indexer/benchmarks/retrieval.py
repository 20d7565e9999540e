"""How fast candidates are found in a large index, under the deadline that an editor sets.

Knows no model. The tree is that of bench.py: real Python code, copied with other names until there are enough chunks.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from codeassist.request import CompletionRequest
from codeassist_indexer.benchmarks.indexing import (
    Report,
    grow_tree,
    make_tree,
    progress_bars,
    random_request,
    unpacked,
    working_folder,
)
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.storage.schema import SCHEMA_VERSION
from codeassist_indexer.storage.store import Store

_FIRST_FILES = 200
_BUILT = ("sources", "tree", "index")
_GOALS = {"p50_ms": "10", "p95_ms": "30"}


@dataclass(frozen=True, slots=True)
class StageFigures:
    """One source, or reading the texts: wall time, and in which share of the requests it was stopped."""

    p50_ms: float
    p95_ms: float
    late_percent: float


@dataclass(frozen=True, slots=True)
class RetrievalFigures:
    """What the benchmark measured; `processor_*` is this thread's processor time, which other programs do not change.

    `late_percent`: requests in which any source was stopped by the deadline.
    """

    num_files: int
    num_chunks: int
    num_requests: int
    deadline_ms: float | None
    candidates_mean: float
    p50_ms: float
    p95_ms: float
    processor_p50_ms: float
    processor_p95_ms: float
    late_percent: float
    stages: dict[str, StageFigures]


def run_retrieval_bench(
    repos: Path, folder: Path, num_chunks: int, num_requests: int, deadline_ms: float | None, report: Report, seed: int
) -> RetrievalFigures:
    """Measure in `folder` with the Python files of `repos` (folders or .tar.xz archives).

    What an earlier run built there of the same files is used again.
    """
    build(repos, folder, num_chunks, report)
    store = Store(folder / "index" / "index.db")
    try:
        return measure_retrieval(store, folder / "tree", num_requests, deadline_ms, report, seed)
    finally:
        store.close()


def build(repos: Path, folder: Path, num_chunks: int, report: Report) -> None:
    """Make the tree and its index in `folder` unless they stand there; what is half done is made anew.

    Raises UsageError for a folder that holds anything else.
    """
    built = folder / "built.json"
    wanted = {"repos": str(repos.resolve()), "num_chunks": num_chunks, "schema": SCHEMA_VERSION}
    folder.mkdir(parents=True, exist_ok=True)
    begun = json.loads(built.read_text(encoding="utf-8")) if built.is_file() else None
    if begun is None and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty and not of this benchmark; name another folder for --keep")
    if begun == {**wanted, "is_done": True}:
        return
    built.write_text(json.dumps({**wanted, "is_done": False}), encoding="utf-8")
    for part in _BUILT:
        shutil.rmtree(folder / part, ignore_errors=True)
    sources = unpacked(repos, folder / "sources")
    tree = folder / "tree"
    for number in make_tree(sources, tree, _FIRST_FILES):
        report("copying", number, _FIRST_FILES)
    store = Store(folder / "index" / "index.db")
    try:
        update_index(store, tree)
        grow_tree(store, sources, tree, _FIRST_FILES, num_chunks, report)
        store.optimise()  # as after a first build of that size
    finally:
        store.close()
    built.write_text(json.dumps({**wanted, "is_done": True}), encoding="utf-8")


def measure_retrieval(
    store: Store, tree: Path, num_requests: int, deadline_ms: float | None, report: Report, seed: int
) -> RetrievalFigures:
    """Find candidates at random places of random files of an index over `tree`."""
    chooser = random.Random(seed)
    paths = sorted(store.file_states())
    requests = [random_request(tree, path, chooser) for path in chooser.choices(paths, k=num_requests)]
    retriever = IndexRetriever(store, deadline_ms=deadline_ms)
    # Opens the index and reads its vectors, as a running server has.
    IndexRetriever(store).candidates(CompletionRequest("none.py", "", ""))
    wall_ms: list[float] = []
    processor_ms: list[float] = []
    num_candidates: list[int] = []
    stage_ms: dict[str, list[float]] = {}
    num_late: dict[str, int] = {}
    for number, request in enumerate(requests, 1):
        wall_s, processor_s = time.perf_counter(), time.thread_time()
        found = retriever.candidates(request)
        wall_ms.append((time.perf_counter() - wall_s) * 1000)
        processor_ms.append((time.thread_time() - processor_s) * 1000)
        num_candidates.append(len(found.candidates))
        for stage, taken_ms in found.stage_ms.items():
            stage_ms.setdefault(stage, []).append(taken_ms)
        for stage in {*found.late_sources, *(("any",) if found.late_sources else ())}:
            num_late[stage] = num_late.get(stage, 0) + 1
        report("candidates", number, num_requests)
    counts = store.counts()
    return RetrievalFigures(
        num_files=counts.num_files,
        num_chunks=counts.num_chunks,
        num_requests=num_requests,
        deadline_ms=deadline_ms,
        candidates_mean=statistics.mean(num_candidates),
        p50_ms=statistics.median(wall_ms),
        p95_ms=_p95(wall_ms),
        processor_p50_ms=statistics.median(processor_ms),
        processor_p95_ms=_p95(processor_ms),
        late_percent=100 * num_late.get("any", 0) / num_requests,
        stages={
            stage: StageFigures(statistics.median(times), _p95(times), 100 * num_late.get(stage, 0) / num_requests)
            for stage, times in stage_ms.items()
        },
    )


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]


@click.command(help="Measure the search for candidates in a large tree made of the Python files under --repos.")
@click.option("--repos", type=click.Path(exists=True, path_type=Path), required=True, help="Folder or .tar.xz archive.")
@click.option("--chunks", "num_chunks", type=click.IntRange(1), default=100_000, show_default=True, help="To search.")
@click.option("--requests", "num_requests", type=click.IntRange(2), default=300, show_default=True)
@click.option(
    "--deadline-ms", type=click.FloatRange(min=0), default=30, show_default=True, help="Of each request; 0: none."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the places asked about.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Build the tree and its index in this folder, and use them again the next time. Without it: a temporary one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    repos: Path, num_chunks: int, num_requests: int, deadline_ms: float, seed: int, keep: Path | None, as_json: bool
) -> None:
    """Run the benchmark and print its figures."""
    folders = nullcontext(keep) if keep is not None else working_folder()
    with folders as folder, progress_bars() as report:
        figures = run_retrieval_bench(repos, folder, num_chunks, num_requests, deadline_ms or None, report, seed)
    if as_json:
        click.echo(json.dumps(asdict(figures), indent=2))
        return
    console = Console()
    table = Table("figure", "value", "goal")
    for name, value in asdict(figures).items():
        if not isinstance(value, dict):
            table.add_row(name, f"{value:,.1f}" if isinstance(value, float) else f"{value:,}", _GOALS.get(name, ""))
    console.print(table)
    table = Table("source", "p50 ms", "p95 ms", "late %")
    for stage, each in figures.stages.items():
        table.add_row(stage, f"{each.p50_ms:.1f}", f"{each.p95_ms:.1f}", f"{each.late_percent:.1f}")
    console.print(table)
