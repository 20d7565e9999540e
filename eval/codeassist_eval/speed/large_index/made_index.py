"""A large made tree with its index, as `codeassist index` builds it: what the index's benchmarks measure on.

Both may be kept in a folder and measured again.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from codeassist.errors import SettingsError
from codeassist.processes import module_command
from codeassist.progress import Progress
from codeassist.settings import REPOSITORY_FILE
from codeassist_eval.errors import EvaluationError
from codeassist_eval.speed.large_index.made_tree import MadeTree
from codeassist_indexer.storage.schema import SCHEMA_VERSION
from codeassist_indexer.storage.store import Store, database_path

_FIRST_FILES = 200  # say how many bytes a chunk has
_MOST_GROWTH = 1.02
_LEAST_GROWTH_FILES = 20
_SAMPLE_S = 0.05


@dataclass(frozen=True, slots=True)
class CommandFigures:
    """One run of `codeassist index`: seconds of the whole process, and the memory of it and its workers together."""

    seconds: float
    peak_rss_bytes: int


@dataclass(frozen=True, slots=True)
class MadeIndex:
    """A tree and its index, both below `folder`; `built` is what building took, all runs of the command together."""

    folder: Path
    built: CommandFigures

    @property
    def tree(self) -> Path:
        """The tree's folder."""
        return self.folder / "tree"

    def store(self) -> Store:
        """Return the index, not opened yet."""
        return Store(database_path(self.tree, self.folder / "home" / "cache"))

    def run_index(self, *options: str) -> CommandFigures:
        """Run `codeassist index` on the tree. Raises EvaluationError where it fails."""
        return _run_index(self.folder, *options)


def make_index(repos: Path, folder: Path, num_chunks: int, seed: int, report: Progress) -> MadeIndex:
    """Make a tree of the repositories in `repos` (folders or .tar.xz archives) that has `num_chunks`, and its index.

    What an earlier run made of the same stands; what is half done is made anew. Raises SettingsError for a folder that
    holds anything else.
    """
    note = folder / "built.json"
    wanted = {"repos": str(repos.resolve()), "num_chunks": num_chunks, "seed": seed, "schema": SCHEMA_VERSION}
    folder.mkdir(parents=True, exist_ok=True)
    begun = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else None
    if begun is None and any(folder.iterdir()):
        raise SettingsError(f"{folder} is not empty and not of this benchmark; name another folder for --keep")
    if begun is not None and "built" in begun and {name: begun[name] for name in wanted} == wanted:
        return MadeIndex(folder, CommandFigures(**begun["built"]))
    note.write_text(json.dumps(wanted), encoding="utf-8")
    for part in ("sources", "tree", "home"):
        shutil.rmtree(folder / part, ignore_errors=True)
    built = _build(repos, folder, num_chunks, seed, report)
    note.write_text(json.dumps({**wanted, "built": asdict(built)}), encoding="utf-8")
    return MadeIndex(folder, built)


def _build(repos: Path, folder: Path, num_chunks: int, seed: int, report: Progress) -> CommandFigures:
    made = MadeTree(_unpacked(repos, folder / "sources"), seed)
    made_index = MadeIndex(folder, CommandFigures(0.0, 0))
    made_index.tree.mkdir()
    (made_index.tree / REPOSITORY_FILE).touch()
    store = made_index.store()
    runs: list[CommandFigures] = []
    num_files, wanted = 0, _FIRST_FILES
    try:
        while num_files < wanted:
            for number in made.write(made_index.tree, wanted, already=num_files):
                report("making files", number, wanted)
            num_files = wanted
            report("indexing", 0, num_files)
            runs.append(made_index.run_index())
            held = store.counts().num_chunks
            if held < num_chunks:
                num_bytes = made.num_bytes(num_files) * num_chunks / max(1, held) * _MOST_GROWTH
                wanted = max(made.num_files_with(int(num_bytes)), num_files + _LEAST_GROWTH_FILES)
    finally:
        store.close()
    return CommandFigures(sum(run.seconds for run in runs), max(run.peak_rss_bytes for run in runs))


def _run_index(folder: Path, *options: str) -> CommandFigures:
    folder = folder.resolve()
    # Without installed packages: which there are is no matter of the tree's size.
    command = module_command("codeassist.cli", ["index", str(folder / "tree"), "--set", "context.mode=full", *options])
    environment: Mapping[str, str] = {**os.environ, "CODEASSIST_HOME": str(folder / "home")}
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            with _peak_rss(process.pid) as peak:
                _, said = process.communicate()
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise EvaluationError(f"`codeassist index` ended with {process.returncode}: {said.strip()[-500:]}")
    return CommandFigures(time.perf_counter() - began, peak[0])


def _unpacked(repos: Path, folder: Path) -> Path:
    """Return a folder with the repositories: `repos` itself, or the archives in it unpacked."""
    archives = sorted(repos.rglob("*.tar.xz")) if repos.is_dir() else [repos]
    if not archives:
        return repos
    for archive in archives:
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
    return folder


@contextmanager
def _peak_rss(pid: int) -> Iterator[list[int]]:
    """Yield a list whose only item is the highest memory of a process and its children, while the block runs."""
    peak = [0]
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLE_S):
            total = 0
            try:
                this = psutil.Process(pid)
                for process in (this, *this.children(recursive=True)):
                    total += process.memory_info().rss
            except psutil.Error:
                pass  # one has just ended: what was added up counts
            peak[0] = max(peak[0], total)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


@contextmanager
def working_folder(keep: Path | None = None) -> Iterator[Path]:
    """Give `keep`, or an empty folder that is deleted with all that is in it: also if the process is told to end."""
    if keep is not None:
        yield keep
        return
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
