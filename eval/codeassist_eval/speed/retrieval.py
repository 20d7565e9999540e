"""How fast candidates are found in a large index, under the deadline that an editor sets.

No model runs. The tree is that of `indexing`: real Python code, copied with other names until there are enough chunks.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from codeassist.errors import SettingsError
from codeassist.progress import Progress
from codeassist.request import CompletionRequest
from codeassist_eval.percentiles import percentile
from codeassist_eval.speed.indexing import grow_tree, make_tree, random_request, unpacked
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.storage.schema import SCHEMA_VERSION
from codeassist_indexer.storage.store import Store

_FIRST_FILES = 200
_BUILT = ("sources", "tree", "index")


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
    repos: Path,
    folder: Path,
    num_chunks: int,
    num_requests: int,
    deadline_ms: float | None,
    report: Progress,
    seed: int,
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


def build(repos: Path, folder: Path, num_chunks: int, report: Progress) -> None:
    """Make the tree and its index in `folder` unless they stand there; what is half done is made anew.

    Raises SettingsError for a folder that holds anything else.
    """
    built = folder / "built.json"
    wanted = {"repos": str(repos.resolve()), "num_chunks": num_chunks, "schema": SCHEMA_VERSION}
    folder.mkdir(parents=True, exist_ok=True)
    begun = json.loads(built.read_text(encoding="utf-8")) if built.is_file() else None
    if begun is None and any(folder.iterdir()):
        raise SettingsError(f"{folder} is not empty and not of this benchmark; name another folder for --keep")
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
    store: Store, tree: Path, num_requests: int, deadline_ms: float | None, report: Progress, seed: int
) -> RetrievalFigures:
    """Find candidates at random places of random files of an index over `tree`."""
    chooser = random.Random(seed)
    paths = sorted(store.file_states())
    requests = [random_request(tree, path, chooser) for path in chooser.choices(paths, k=num_requests)]
    search = LearnedSearch(store)
    retriever = IndexRetriever(store, deadline_ms=deadline_ms, search=search)
    # Opens the index and reads its vectors, as a running server has.
    IndexRetriever(store, search=search).candidates(CompletionRequest("none.py", "", ""))
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
        p95_ms=percentile(wall_ms, 95),
        processor_p50_ms=statistics.median(processor_ms),
        processor_p95_ms=percentile(processor_ms, 95),
        late_percent=100 * num_late.get("any", 0) / num_requests,
        stages={
            stage: StageFigures(
                statistics.median(times), percentile(times, 95), 100 * num_late.get(stage, 0) / num_requests
            )
            for stage, times in stage_ms.items()
        },
    )
