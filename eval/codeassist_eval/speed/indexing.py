"""How fast the index is: a large tree indexed, one file changed, queries over many chunks.

No model runs; the tree is made of real code.
"""

from __future__ import annotations

import random
import re
import shutil
import signal
import statistics
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from codeassist.errors import SettingsError
from codeassist.progress import Progress
from codeassist.request import CompletionRequest
from codeassist_eval.percentiles import percentile
from codeassist_indexer.ingest.update import UpdateProgress, update_file, update_index
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.storage.store import Store

_DEFINED_NAME = re.compile(r"\b(?:def|class)\s+([^\W\d]\w+)")
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_NUM_CHANGED_FILES = 30
_NUM_QUERIES = 300
_MOST_GROWTH = 8
_QUERY_MAX_CHARS = 4_000
_SAMPLE_S = 0.05


@dataclass(frozen=True, slots=True)
class IndexFigures:
    """What the benchmark measured. `peak_rss_bytes` is this process and its workers together.

    `changed_file_ms` is the median of one file changed on disk and indexed again, in the tree of `num_files`;
    `lexical_ms` are whole neighbour searches (plan, FTS5, windows) and `full_ms` whole retrievals over `num_chunks`.
    """

    num_files: int
    index_s: float
    files_per_s: float
    peak_rss_bytes: int
    database_bytes: int
    noop_s: float
    changed_file_ms: float
    num_chunks: int
    lexical_ms_p50: float
    lexical_ms_p95: float
    full_ms_p50: float
    full_ms_p95: float


def run_bench(
    repos: Path, folder: Path, num_files: int, num_chunks: int, report: Progress, seed: int = 0
) -> IndexFigures:
    """Measure in `folder`, which must be empty, with the Python files of `repos` (folders or .tar.xz archives)."""
    sources = unpacked(repos, folder / "sources")
    tree = folder / "tree"
    for number in make_tree(sources, tree, num_files):
        report("copying", number, num_files)
    store = Store(folder / "index" / "index.db")

    def on_progress(progress: UpdateProgress) -> None:
        report("indexing", progress.num_done, progress.num_total)

    with _peak_rss() as peak:
        first = update_index(store, tree, progress=on_progress)
    noop = update_index(store, tree)
    database_bytes = store.counts().num_bytes
    chooser = random.Random(seed)
    paths = sorted(store.file_states())
    changed_ms = [_changed_file_ms(store, tree, path) for path in chooser.sample(paths, _NUM_CHANGED_FILES)]
    grow_tree(store, sources, tree, num_files, num_chunks, report)  # not timed
    requests = [random_request(tree, path, chooser) for path in chooser.choices(paths, k=_NUM_QUERIES)]
    lexical_ms = _query_ms(IndexRetriever(store, "lexical"), requests, lambda done: report("BM25", done, _NUM_QUERIES))
    full_ms = _query_ms(IndexRetriever(store, "full"), requests, lambda done: report("full", done, _NUM_QUERIES))
    figures = IndexFigures(
        num_files=first.num_files,
        index_s=first.seconds,
        files_per_s=first.files_per_s,
        peak_rss_bytes=peak[0],
        database_bytes=database_bytes,
        noop_s=noop.seconds,
        changed_file_ms=statistics.median(changed_ms),
        num_chunks=store.counts().num_chunks,
        lexical_ms_p50=statistics.median(lexical_ms),
        lexical_ms_p95=percentile(lexical_ms, 95),
        full_ms_p50=statistics.median(full_ms),
        full_ms_p95=percentile(full_ms, 95),
    )
    store.close()
    return figures


def make_tree(sources: Path, tree: Path, num_files: int, already: int = 0) -> Iterator[int]:
    """Copy Python files of `sources` into `tree` until it has `num_files`, again and again with other names defined.

    The first copy is as it is; in the n-th every name that its repository defines ends in `_n`. Yields the count.
    """
    paths = sorted(path for path in sources.rglob("*.py") if path.is_file())
    if not paths:
        raise SettingsError(f"no Python files in {sources}; name a folder of repositories or archives")
    for number in range(already, num_files):
        copy, place = divmod(number, len(paths))
        source = paths[place]
        target = tree / f"copy_{copy}" / source.relative_to(sources)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8", errors="replace")
        target.write_text(_renamed(text, copy) if copy else text, encoding="utf-8")
        yield number + 1


def grow_tree(store: Store, sources: Path, tree: Path, num_files: int, num_chunks: int, report: Progress) -> None:
    """Go on copying and indexing until `store` has `num_chunks`, in a tree of `num_files` so far."""

    def on_progress(progress: UpdateProgress) -> None:
        report("indexing more", progress.num_done, progress.num_total)

    while (held := store.counts().num_chunks) < num_chunks:
        lacking = max(200, round((num_chunks - held) * num_files / max(1, held) * 1.02))
        # A few files say little of how many chunks the others have: by steps, it does not end far beyond.
        wanted = num_files + min(lacking, _MOST_GROWTH * num_files)
        for number in make_tree(sources, tree, wanted, already=num_files):
            report("copying more", number, wanted)
        num_files = wanted
        update_index(store, tree, progress=on_progress)


def _renamed(text: str, copy: int) -> str:
    names = {name for name in _DEFINED_NAME.findall(text) if not name.startswith("__")}
    return _IDENTIFIER.sub(lambda match: f"{match[0]}_{copy}" if match[0] in names else match[0], text)


def unpacked(repos: Path, folder: Path) -> Path:
    """Return a folder with the repositories: `repos` itself, or the archives in it unpacked."""
    archives = sorted(repos.rglob("*.tar.xz")) if repos.is_dir() else [repos]
    if not archives:
        return repos
    for archive in archives:
        with tarfile.open(archive) as opened:
            opened.extractall(folder / archive.name.partition(".")[0], filter="data")
    return folder


def _changed_file_ms(store: Store, tree: Path, path: str) -> float:
    with (tree / path).open("a", encoding="utf-8") as file:
        file.write("\n\ndef added_by_the_benchmark(value):\n    return value\n")
    begin = time.perf_counter()
    update_file(store, tree, path)
    return (time.perf_counter() - begin) * 1000


def random_request(tree: Path, path: str, chooser: random.Random) -> CompletionRequest:
    """Return a cursor anywhere in a file; what stands after it is the suffix."""
    text = (tree / path).read_text(encoding="utf-8")
    at = chooser.randint(0, len(text))
    return CompletionRequest(path, text[:at], text[at:])


def _query_ms(retriever: IndexRetriever, requests: list[CompletionRequest], done: Callable[[int], None]) -> list[float]:
    taken_ms: list[float] = []
    for number, request in enumerate(requests, 1):
        begin = time.perf_counter()
        retriever.retrieve(request, _QUERY_MAX_CHARS)
        taken_ms.append((time.perf_counter() - begin) * 1000)
        done(number)
    return taken_ms


@contextmanager
def _peak_rss() -> Iterator[list[int]]:
    """Yield a list whose only item is the highest memory of this process and its children, while the block runs."""
    peak = [0]
    ended = threading.Event()

    def sample() -> None:
        this = psutil.Process()
        while not ended.wait(_SAMPLE_S):
            total = 0
            for process in (this, *this.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue  # it has just ended
            peak[0] = max(peak[0], total)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


@contextmanager
def working_folder() -> Iterator[Path]:
    """Give an empty folder, and delete it with all that is in it: also if the process is told to end (SIGTERM)."""
    folder = Path(tempfile.mkdtemp(prefix="codeassist-bench-"))
    try:
        with leaving_on_sigterm():
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def leaving_on_sigterm() -> Iterator[None]:
    """Let SIGTERM leave the block as Ctrl-C does, so that what it has opened is closed; in the main thread only."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
