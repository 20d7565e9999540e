"""How fast the index of a large tree is made and brought up to date, and what it takes of memory and disk.

No model runs. Files that are changed for a measurement are changed back.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codeassist.progress import Progress
from codeassist_eval.errors import EvaluationError
from codeassist_eval.speed.large_index.made_index import MadeIndex, make_index
from codeassist_indexer.ingest.update import update_file
from codeassist_indexer.ingest.watch import Watcher
from codeassist_indexer.storage.chunk_reader import paths_of_language
from codeassist_indexer.storage.store import Store

_NUM_DOCUMENTS = 30
_MANY_FILES = 100
_REPEATS = 3
_WATCHED_WITHIN_S = 600.0


@dataclass(frozen=True, slots=True)
class IndexFigures:
    """What the benchmark measured.

    index_s, index_peak_rss_bytes: building all of it by `codeassist index`; memory with its workers.
    unchanged_s, changed_file_s, changed_100_s: the command again with nothing changed, one file, a hundred.
    status_s: `codeassist index --status`.
    watch_s: until a server's watcher watches all folders; watched_file_s, watched_100_s: from the last file written
        until what the watcher saw is in the index, its wait for a pause (0.2 s) included. None: the system watches no
        more folders.
    document_ms: one open document's text, indexed again.
    """

    num_files: int
    num_chunks: int
    index_s: float
    index_peak_rss_bytes: int
    database_bytes: int
    unchanged_s: float
    changed_file_s: float
    changed_100_s: float
    status_s: float
    watch_s: float | None
    watched_file_s: float | None
    watched_100_s: float | None
    document_ms: float


def run_index_bench(repos: Path, folder: Path, num_chunks: int, seed: int, report: Progress) -> IndexFigures:
    """Measure in `folder`, with a tree made of `repos` (folders or .tar.xz archives); see `make_index`."""
    made = make_index(repos, folder, num_chunks, seed, report)
    store = made.store()
    try:
        return _measure(made, store, random.Random(seed), report)
    finally:
        store.close()


def _measure(made: MadeIndex, store: Store, chooser: random.Random, report: Progress) -> IndexFigures:
    counts = store.counts()
    paths = paths_of_language(store)
    few, many = chooser.sample(paths, 1), chooser.sample(paths, min(_MANY_FILES, len(paths)))
    report("`codeassist index` again", 0, 4)
    unchanged_s = statistics.median(made.run_index().seconds for _ in range(_REPEATS))
    report("`codeassist index` again", 1, 4)
    changed_file_s = statistics.median(_changed_s(made, few) for _ in range(_REPEATS))
    report("`codeassist index` again", 2, 4)
    changed_100_s = statistics.median(_changed_s(made, many) for _ in range(_REPEATS))
    report("`codeassist index` again", 3, 4)
    status_s = statistics.median(made.run_index("--status").seconds for _ in range(_REPEATS))
    report("watching", 0, 1)
    watched = _watched_s(made, store, (few, many))
    documents = chooser.sample(paths, min(_NUM_DOCUMENTS, len(paths)))
    return IndexFigures(
        num_files=counts.num_files,
        num_chunks=counts.num_chunks,
        index_s=made.built.seconds,
        index_peak_rss_bytes=made.built.peak_rss_bytes,
        database_bytes=counts.num_bytes,
        unchanged_s=unchanged_s,
        changed_file_s=changed_file_s,
        changed_100_s=changed_100_s,
        status_s=status_s,
        watch_s=watched[0] if watched else None,
        watched_file_s=watched[1] if watched else None,
        watched_100_s=watched[2] if watched else None,
        document_ms=statistics.median(_document_ms(store, made.tree, path) for path in documents),
    )


def _changed_s(made: MadeIndex, paths: Sequence[str]) -> float:
    with _changed(made.tree, paths):
        taken_s = made.run_index().seconds
    made.run_index()
    return taken_s


def _watched_s(made: MadeIndex, store: Store, groups: Sequence[Sequence[str]]) -> list[float] | None:
    """Return how long watching took to begin, then how long until each group of files was indexed after a change."""
    arrived = threading.Condition()
    seen: set[str] = set()

    def note(paths: frozenset[str]) -> None:
        with arrived:
            seen.update(paths)
            arrived.notify_all()

    def wait_for(paths: Sequence[str]) -> float:
        began = time.perf_counter()
        with arrived:
            if not arrived.wait_for(lambda: "" in seen or seen.issuperset(paths), _WATCHED_WITHIN_S):
                raise EvaluationError(f"changes of {len(paths)} files were not indexed: {watcher.failure}")
            seen.clear()
        return time.perf_counter() - began

    watcher = Watcher(store, made.tree, on_update=note)
    began = time.perf_counter()
    is_watching = watcher.start()
    taken_s = [time.perf_counter() - began]
    try:
        for paths in groups if is_watching else ():
            with _changed(made.tree, paths):
                taken_s.append(wait_for(paths))
            wait_for(paths)  # as they were before
    finally:
        watcher.stop()
    return taken_s if is_watching else None


@contextmanager
def _changed(tree: Path, paths: Sequence[str]) -> Iterator[None]:
    """Let files have one function more in the block."""
    before = {path: (tree / path).read_bytes() for path in paths}
    for path, content in before.items():
        (tree / path).write_bytes(content + b"\n\ndef added_by_the_benchmark(value):\n    return value\n")
    try:
        yield
    finally:
        for path, content in before.items():
            (tree / path).write_bytes(content)


def _document_ms(store: Store, tree: Path, path: str) -> float:
    text = (tree / path).read_text(encoding="utf-8")
    began = time.perf_counter()
    update_file(store, tree, path, f"{text}\n\ndef added_by_the_benchmark(value):\n    return value\n")
    taken_ms = (time.perf_counter() - began) * 1000
    update_file(store, tree, path)
    return taken_ms
