"""The index brought up to date with the files on disk, or with one open document.

What a file yields comes from prepare.py. Work is committed in batches, so that an interrupt at any point loses at most
one, and the next run goes on.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from codeassist.errors import Cancelled, IndexCorrupt, RequestError
from codeassist_indexer.ingest.git_answers import GitPatience
from codeassist_indexer.ingest.ignore import IgnoreRules
from codeassist_indexer.ingest.parsers import PARSERS
from codeassist_indexer.ingest.pool import PrepareJob, prepare_all
from codeassist_indexer.ingest.prepare import (
    GoneFile,
    UnparsedFile,
    content_hash,
    prepared,
    read_from_disk,
    unsaved_file,
)
from codeassist_indexer.ingest.walk import FileLimits, FoundFile, NotSource, SkippedFile, decode_source, inspect, walk
from codeassist_indexer.languages.registry import indexed_language_of
from codeassist_indexer.retrieval.vectors.encoder_source import EncoderSource, shipped_source
from codeassist_indexer.secrets.file_names import secret_file_reason
from codeassist_indexer.storage.file_records import FileState, PreparedFile, SameContent
from codeassist_indexer.storage.store import Store

_BATCH_FILES = 64
# A file that was read this soon after its last change may change again with the same time stamp (FAT: 2 s).
_RACY_NS = 2_000_000_000
# After this many files the token index is merged into one segment; queries over 100,000 chunks then take half as long.
_OPTIMISE_MIN_FILES = 1_000


@dataclass(frozen=True, slots=True)
class UpdateSettings:
    """How to index. `exclude` holds patterns as in .gitignore, which no ignore file can take back.

    `num_workers` None: one a core, two at most (the writer is then the bottleneck). `in_background`: they yield the
    cores to whatever else wants them. `encoder` makes the chunks' vectors, if there is one. `git` is asked what it
    tracks and ignores; it is the same one for all updates of an index, for it knows whether git answers.
    """

    limits: FileLimits = field(default_factory=FileLimits)
    exclude: tuple[str, ...] = ()
    num_workers: int | None = None
    in_background: bool = False
    encoder: EncoderSource | None = field(default_factory=shipped_source)
    git: GitPatience = field(default_factory=GitPatience, compare=False)


@dataclass(frozen=True, slots=True)
class UpdateProgress:
    """How far an update is: of `num_total` files that may have changed, `num_done` are looked at; `num_unchanged` more
    need not be."""

    num_done: int
    num_total: int
    num_unchanged: int = 0


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did.

    Of `num_files` source files listed, `num_unchanged` were not read, `num_same_content` read but not parsed, and
    `num_parsed` parsed. `skipped_by_reason` counts what was left out now or before.
    """

    num_files: int
    num_unchanged: int
    num_same_content: int
    num_parsed: int
    num_removed: int
    num_chunks_written: int
    num_redacted_lines: int
    skipped_by_reason: Mapping[str, int]
    seconds: float
    notices: tuple[str, ...] = ()

    @property
    def files_per_s(self) -> float:
        """How many files were listed, and brought up to date, a second."""
        return self.num_files / self.seconds if self.seconds > 0 else 0.0


class FileOutcome(Enum):
    """What became of one file."""

    PARSED = "parsed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    LEFT_OUT = "left out"


def is_source(path: str) -> bool:
    """Say whether a file is in a language that is indexed, by its path."""
    return indexed_language_of(path) is not None


def update_index(
    store: Store,
    root: Path,
    settings: UpdateSettings | None = None,
    progress: Callable[[UpdateProgress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    unsaved: Collection[str] = frozenset(),
) -> UpdateReport:
    """Bring `store` up to date with the repository at `root`; files in `unsaved` (open documents) are left alone.

    A broken database is rebuilt, which the report's notices say. Raises Cancelled once `cancelled` says so; what is
    done by then stays.
    """
    if not root.is_dir():
        raise RequestError(f"no such folder: {root}; name the folder of a repository")
    settings = settings or UpdateSettings()
    with store.patiently():
        try:
            return _update(store, root.resolve(), settings, progress, cancelled, unsaved)
        except IndexCorrupt as error:
            store.rebuild()
            report = _update(store, root.resolve(), settings, progress, cancelled, unsaved)
            return replace(report, notices=(f"the index was rebuilt from nothing: {error}", *report.notices))


def update_file(
    store: Store, root: Path, path: str, text: str | None = None, settings: UpdateSettings | None = None
) -> FileOutcome:
    """Bring one file up to date, with an open document's unsaved `text` if given, else with what is on disk."""
    settings = settings or UpdateSettings()
    is_asked = is_source(path) and (text is not None or os.path.lexists(root / path))
    rules = rules_for(store, root, [path] if is_asked else [], settings)
    with store.patiently():
        return _update_file(store, root, path, text, settings, rules)


def update_files(
    store: Store, root: Path, paths: Iterable[str], rules: IgnoreRules, settings: UpdateSettings | None = None
) -> None:
    """Bring some files up to date with what is on disk. `rules` know of them (`rules_for`)."""
    with store.patiently():
        for path in sorted(paths):
            _update_file(store, root, path, None, settings or UpdateSettings(), rules)


def rules_for(store: Store, root: Path, paths: Collection[str], settings: UpdateSettings) -> IgnoreRules:
    """Return the ignore rules as they are now for some paths; git is asked about all of them at once."""
    asked = [path for path in paths if _is_inside(path)]
    return IgnoreRules(root, settings.exclude, settings.git.about_paths(root, asked) if asked else None)


def _update_file(
    store: Store, root: Path, path: str, text: str | None, settings: UpdateSettings, rules: IgnoreRules
) -> FileOutcome:
    known = store.file_state(path)
    read: UnparsedFile | PreparedFile | SameContent | GoneFile | None
    if text is None:
        found = None
        if _is_inside(path) and is_source(path) and not rules.ignores_file(path):
            found = inspect(root, path, is_source, settings.limits)
        read = read_from_disk(root, found, known) if isinstance(found, FoundFile) else None
    else:
        read = None
        content = text.encode("utf-8", errors="replace")
        if _may_hold(path, content, settings, rules):
            same = known is not None and known.content_hash == content_hash(content)
            read = SameContent(path, replace(known, mtime_ns=None)) if known and same else unsaved_file(path, text)
    outcome = prepared(read, PARSERS.parse(path, read.text)) if isinstance(read, UnparsedFile) else read
    if outcome is None or isinstance(outcome, GoneFile):
        if known is None:
            return FileOutcome.LEFT_OUT
        store.write([], gone=[path])
        return FileOutcome.REMOVED
    if isinstance(outcome, SameContent):
        store.write([], touched=[outcome])
        return FileOutcome.UNCHANGED
    store.write([_encoded(outcome, settings.encoder)])
    return FileOutcome.PARSED if outcome.parsed is not None else FileOutcome.LEFT_OUT


def _update(
    store: Store,
    root: Path,
    settings: UpdateSettings,
    progress: Callable[[UpdateProgress], None] | None,
    cancelled: Callable[[], bool] | None,
    unsaved: Collection[str],
) -> UpdateReport:
    begin = time.perf_counter()
    store.require_sound()
    changes = _list_changes(store, root, settings, unsaved)
    jobs, skipped = changes.jobs, changes.skipped
    batch = _Batch(store, skipped, changes.gone, settings.encoder)
    num_workers = settings.num_workers or min(2, os.cpu_count() or 1)
    with closing(prepare_all(root, jobs, num_workers, settings.in_background)) as outcomes:
        for num_done, outcome in enumerate(outcomes, 1):
            batch.add(outcome)
            if not batch.is_full:
                continue
            batch.commit()
            if progress is not None:
                progress(UpdateProgress(num_done, len(jobs), changes.num_unchanged))
            if cancelled is not None and cancelled():
                store.count_terms()
                raise Cancelled(f"indexing was stopped after {num_done} of {len(jobs)} files; run again to go on")
    batch.commit()
    if batch.num_parsed or batch.num_removed:
        store.count_terms()
    if settings.encoder is not None:
        settings.encoder.fill_vectors(store, cancelled or _never)  # those that another encoder made
    if batch.num_parsed >= _OPTIMISE_MIN_FILES:
        store.optimise()
    if progress is not None:
        progress(UpdateProgress(len(jobs), len(jobs), changes.num_unchanged))
    return UpdateReport(
        num_files=changes.num_unchanged + len(jobs),
        num_unchanged=changes.num_unchanged,
        num_same_content=batch.num_same_content,
        num_parsed=batch.num_parsed,
        num_removed=batch.num_removed,
        num_chunks_written=batch.num_chunks,
        num_redacted_lines=batch.num_redacted_lines,
        skipped_by_reason=dict(sorted(skipped.items())),
        seconds=time.perf_counter() - begin,
        notices=changes.notices,
    )


@dataclass(frozen=True, slots=True)
class _Changes:
    """What differs between the disk and the index, before any file was read."""

    jobs: list[PrepareJob]
    gone: list[str]
    num_unchanged: int
    skipped: Counter[str]
    notices: tuple[str, ...]


def _list_changes(store: Store, root: Path, settings: UpdateSettings, unsaved: Collection[str]) -> _Changes:
    states = store.file_states()
    skipped: Counter[str] = Counter()
    jobs: list[PrepareJob] = []
    seen = set(unsaved)
    num_unchanged = 0
    rules = IgnoreRules(root, settings.exclude, settings.git.about_tree(root))
    for found in walk(root, rules, is_source, settings.limits):
        if isinstance(found, SkippedFile):
            if found.path == ".":  # it went away: all files would count as removed
                raise RequestError(f"{root}: cannot be read; its index stays as it is")
            skipped[found.reason] += 1
            continue
        seen.add(found.path)
        known = states.get(found.path)
        if found.path in unsaved:
            num_unchanged += 1
        elif known is None or not _is_unchanged(found, known):
            jobs.append(PrepareJob(found, known))
        else:
            num_unchanged += 1
            if known.skip_reason:
                skipped[known.skip_reason] += 1
    gone = [path for path in states if path not in seen]
    return _Changes(jobs, gone, num_unchanged, skipped, settings.git.take_notices())


class _Batch:
    """What is to be written next, and the counts of what was."""

    def __init__(self, store: Store, skipped: Counter[str], gone: list[str], encoder: EncoderSource | None) -> None:
        self._store = store
        self._encoder = encoder
        self._skipped = skipped
        self._gone = gone
        self._files: list[PreparedFile] = []
        self._touched: list[SameContent] = []
        self.num_same_content = self.num_parsed = self.num_removed = self.num_chunks = self.num_redacted_lines = 0

    @property
    def is_full(self) -> bool:
        return len(self._files) + len(self._touched) >= _BATCH_FILES

    def add(self, outcome: PreparedFile | SameContent | GoneFile) -> None:
        if isinstance(outcome, GoneFile):
            self._skipped[outcome.reason] += 1
            self._gone.append(outcome.path)
            return
        if outcome.state.skip_reason:
            self._skipped[outcome.state.skip_reason] += 1
        if isinstance(outcome, SameContent):
            self._touched.append(outcome)
        else:
            self._files.append(outcome)

    def commit(self) -> None:
        if not (self._files or self._touched or self._gone):
            return
        files = [_encoded(file, self._encoder) for file in self._files]
        self._store.write(files, self._touched, self._gone)
        self.num_same_content += len(self._touched)
        self.num_removed += len(self._gone)
        for file in self._files:
            if file.parsed is not None:
                self.num_parsed += 1
                self.num_chunks += len(file.parsed.chunks)
                self.num_redacted_lines += file.num_redacted_lines
        self._files, self._touched, self._gone = [], [], []


def _encoded(file: PreparedFile, encoder: EncoderSource | None) -> PreparedFile:
    return file if encoder is None else encoder.with_vectors(file)


def _never() -> bool:
    return False


def _is_unchanged(found: FoundFile, known: FileState) -> bool:
    """Say whether the file need not even be read: same size, same time, and that time was past when it was read."""
    if known.mtime_ns is None:
        return False
    return (found.size, found.mtime_ns) == (known.size, known.mtime_ns) and known.mtime_ns + _RACY_NS < known.read_ns


def _is_inside(path: str) -> bool:
    return not path.startswith("/") and ".." not in path.split("/") and ":" not in path.partition("/")[0]


def _may_hold(path: str, content: bytes, settings: UpdateSettings, rules: IgnoreRules) -> bool:
    """Say whether an open document's text belongs in the index: what holds for its file holds for it."""
    if not _is_inside(path) or not is_source(path) or secret_file_reason(path) is not None:
        return False
    if len(content) > settings.limits.max_file_bytes or isinstance(decode_source(content), NotSource):
        return False
    return not rules.ignores_file(path)
