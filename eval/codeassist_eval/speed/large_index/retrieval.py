"""How fast snippets are found in a large index, under the deadline that an editor sets.

No model runs. The tree is made of real code (`made_tree`); what is asked about are random places of it.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from codeassist.progress import Progress
from codeassist.request import CompletionRequest
from codeassist_eval.percentiles import percentile
from codeassist_eval.speed.large_index.made_index import MadeIndex, make_index
from codeassist_indexer.retrieval.ranking.ranker import Chooser, load_ranker
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.storage.chunk_reader import paths_of_language
from codeassist_indexer.storage.store import Store

_MAX_CHARS = 6_000  # about what a prompt of 2,048 tokens has room for
_READ_WITHIN_S = 600.0


@dataclass(frozen=True, slots=True)
class StageFigures:
    """One source, or reading the texts: wall time, and in which share of the requests it was stopped."""

    p50_ms: float
    p95_ms: float
    late_percent: float


@dataclass(frozen=True, slots=True)
class RetrievalFigures:
    """What the benchmark measured. All but the first request are by a server that is warm.

    `first_ms`: the first request of a process, which opens the index and begins to read vectors; `vectors_s`: until
        these are read. `memory_bytes`: by how much the process has grown since before it, after all requests.
    `processor_*`: this thread's processor time, which other programs do not change.
    `late_percent`: requests in which any source was stopped by the deadline.
    """

    num_files: int
    num_chunks: int
    num_requests: int
    deadline_ms: float | None
    first_ms: float
    vectors_s: float
    memory_bytes: int
    snippets_mean: float
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
    """Measure in `folder`, with a tree made of `repos` (folders or .tar.xz archives); see `make_index`."""
    made = make_index(repos, folder, num_chunks, seed, report)
    store = made.store()
    try:
        return _measure(made, store, num_requests, deadline_ms, report, seed)
    finally:
        store.close()


def _measure(
    made: MadeIndex, store: Store, num_requests: int, deadline_ms: float | None, report: Progress, seed: int
) -> RetrievalFigures:
    chooser = random.Random(seed)
    with_counts = made.store()  # of its own: the one that is measured is not open yet
    counts, paths = with_counts.counts(), paths_of_language(with_counts)
    with_counts.close()
    requests = [random_request(made.tree, path, chooser) for path in chooser.choices(paths, k=num_requests)]
    ranker = load_ranker()
    gc.collect()
    before_bytes, began = psutil.Process().memory_info().rss, time.perf_counter()
    search = LearnedSearch(store)
    retriever = IndexRetriever(
        store, "learned", deadline_ms=deadline_ms, chooser=Chooser(ranker, search.encoder), search=search
    )
    retriever.retrieve(requests[0], _MAX_CHARS)
    first_ms = (time.perf_counter() - began) * 1000
    search.wait_until_read(_READ_WITHIN_S)
    vectors_s = time.perf_counter() - began
    wall_ms: list[float] = []
    processor_ms: list[float] = []
    num_snippets: list[int] = []
    stage_ms: dict[str, list[float]] = {}
    num_late: dict[str, int] = {}
    for number, request in enumerate(requests, 1):
        wall_s, processor_s = time.perf_counter(), time.thread_time()
        found = retriever.retrieve(request, _MAX_CHARS)
        wall_ms.append((time.perf_counter() - wall_s) * 1000)
        processor_ms.append((time.thread_time() - processor_s) * 1000)
        num_snippets.append(len(found.snippets))
        for stage, taken_ms in found.stage_ms.items():
            stage_ms.setdefault(stage, []).append(taken_ms)
        for stage in {*found.late_sources, *(("any",) if found.late_sources else ())}:
            num_late[stage] = num_late.get(stage, 0) + 1
        report("retrieval", number, num_requests)
    return RetrievalFigures(
        num_files=counts.num_files,
        num_chunks=counts.num_chunks,
        num_requests=num_requests,
        deadline_ms=deadline_ms,
        first_ms=first_ms,
        vectors_s=vectors_s,
        memory_bytes=psutil.Process().memory_info().rss - before_bytes,
        snippets_mean=statistics.mean(num_snippets),
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


def random_request(tree: Path, path: str, chooser: random.Random) -> CompletionRequest:
    """Return a cursor anywhere in a file; what stands after it is the suffix."""
    text = (tree / path).read_text(encoding="utf-8")
    at = chooser.randint(0, len(text))
    return CompletionRequest(path, text[:at], text[at:])
