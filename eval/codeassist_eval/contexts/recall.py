"""How often the file that a task needs is among the candidates for it: all sources together, alone, and without each.

What a task needs is told by its truth, which no source ever sees.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codeassist.progress import Progress
from codeassist.request import CompletionRequest
from codeassist_eval.contexts.index_context import IndexContexts
from codeassist_eval.errors import EvaluationError
from codeassist_eval.percentiles import percentiles
from codeassist_eval.tasks.identifiers import identifiers
from codeassist_eval.tasks.task import Task, in_prefix_order
from codeassist_indexer.retrieval.sources.candidate import SOURCES, Candidate, Source
from codeassist_indexer.retrieval.sources.find import ask_sources, read_candidates
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline, RetrievalContext
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import files_defining

CUTS = (1, 5, 10, 20, 50)
# A name that more files define says little of which of them a line needs.
MAX_DEFINING_FILES = 3

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Gold:
    """The files that define what a truth names, and these names."""

    paths: frozenset[str]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class TaskRecall:
    """Of one task: by variant ("all", "only NAME", "without NAME") the rank, from 1, of the first candidate from a
    gold file; `shown`: of the first that also has a gold name in its text. Ranks are None where there is none.
    """

    task_id: str
    gold: Gold
    is_new: bool
    num_candidates: int
    ranks: Mapping[str, int | None]
    shown: int | None


@dataclass(slots=True)
class RecallFigures:
    """What was measured. A task counts twice at most: with every gold name, and as "new" with those its file lacks."""

    num_tasks: int = 0
    every: list[TaskRecall] = field(default_factory=list[TaskRecall])
    new: list[TaskRecall] = field(default_factory=list[TaskRecall])
    wall_ms: list[float] = field(default_factory=list[float])
    processor_ms: list[float] = field(default_factory=list[float])
    stage_ms: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def as_document(self) -> dict[str, Any]:
        """One JSON object."""
        return {
            "tasks": self.num_tasks,
            "new": _group(self.new),
            "every": _group(self.every),
            "wall_ms": percentiles(self.wall_ms) or {},
            "processor_ms": percentiles(self.processor_ms) or {},
            "stage_ms": {stage: percentiles(times) or {} for stage, times in self.stage_ms.items()},
        }

    def misses(self) -> Iterator[dict[str, Any]]:
        """The tasks whose gold files are not among the first 50, for looking at them."""
        for group, listed in (("new", self.new), ("every", self.every)):
            for each in listed:
                rank = each.ranks["all"]
                if rank is None or rank > CUTS[-1]:
                    yield {
                        "task_id": each.task_id,
                        "group": group,
                        "names": sorted(each.gold.names),
                        "paths": sorted(each.gold.paths),
                        "rank": rank,
                        "candidates": each.num_candidates,
                    }


def measure_recall(tasks: Iterable[Task], contexts: IndexContexts, progress: Progress) -> RecallFigures:
    """Find candidates for each task, without a deadline, and look where the gold files stand."""
    ordered = in_prefix_order(tuple(tasks))
    figures = RecallFigures()
    for number, task in enumerate(ordered, 1):
        _measure(task, contexts.store(task), contexts.search, figures)
        progress("candidates", number, len(ordered))
    if not figures.every:
        raise EvaluationError("no task's truth names anything that another file defines; recall has no meaning here")
    return figures


def write_recall(folder: Path, figures: RecallFigures) -> None:
    """Write recall.json, and misses.jsonl with a row for each task whose files were not found."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "recall.json").write_text(json.dumps(figures.as_document(), indent=2) + "\n", encoding="utf-8")
        rows = "".join(json.dumps(row) + "\n" for row in figures.misses())
        (folder / "misses.jsonl").write_text(rows, encoding="utf-8")
    except OSError as error:
        raise EvaluationError(f"{folder}: cannot be written: {error}") from error


def gold_of(task: Task, store: Store, is_new: bool) -> Gold | None:
    """Return what the truth needs of other files, None for nothing; `is_new`: only names that its own file lacks."""
    own_words = set(_WORD.findall(task.prefix + task.suffix)) if is_new else set[str]()
    names: set[str] = set()
    paths: set[str] = set()
    for name in set(identifiers(task.language, task.groundtruth)) - own_words:
        defining = files_defining(store, name)
        if defining and task.path not in defining and len(defining) <= MAX_DEFINING_FILES:
            names.add(name)
            paths |= defining
    return Gold(frozenset(paths), frozenset(names)) if names else None


def _measure(task: Task, store: Store, learned: LearnedSearch, figures: RecallFigures) -> None:
    figures.num_tasks += 1
    collection = store.collection()
    request = CompletionRequest(task.path, task.prefix, task.suffix)
    wall, processor = time.perf_counter(), time.thread_time()
    search = ask_sources(RetrievalContext(store, request, collection, (), Deadline(None), learned))
    found = read_candidates(search)
    figures.wall_ms.append((time.perf_counter() - wall) * 1000)
    figures.processor_ms.append((time.thread_time() - processor) * 1000)
    for stage, taken_ms in found.stage_ms.items():
        figures.stage_ms.setdefault(stage, []).append(taken_ms)
    if found.late_sources:
        raise EvaluationError(f"task {task.task_id}: {', '.join(found.late_sources)} failed; the log says why")
    listed = {"all": found.candidates}
    every = gold_of(task, store, is_new=False)
    if every is None:
        return
    for source in SOURCES:
        listed[f"only {source}"] = read_candidates(search, {source}).candidates
        others: set[Source] = {other for other in SOURCES if other != source}
        listed[f"without {source}"] = read_candidates(search, others).candidates
    figures.every.append(_task_recall(task, every, False, listed))
    new = gold_of(task, store, is_new=True)
    if new is not None:
        figures.new.append(_task_recall(task, new, True, listed))


def _task_recall(task: Task, gold: Gold, is_new: bool, listed: Mapping[str, Sequence[Candidate]]) -> TaskRecall:
    def is_gold(candidate: Candidate) -> bool:
        return candidate.snippet.path in gold.paths

    def shows_gold(candidate: Candidate) -> bool:
        return is_gold(candidate) and not gold.names.isdisjoint(_WORD.findall(candidate.snippet.text))

    ranks = {variant: _rank(candidates, is_gold) for variant, candidates in listed.items()}
    everything = listed["all"]
    if any(candidate.snippet.path == task.path for candidate in everything):
        raise EvaluationError(f"task {task.task_id}: a candidate comes from {task.path}, the file being completed")
    return TaskRecall(task.task_id, gold, is_new, len(everything), ranks, _rank(everything, shows_gold))


def _rank(candidates: Sequence[Candidate], wanted: Callable[[Candidate], bool]) -> int | None:
    return next((rank for rank, candidate in enumerate(candidates, 1) if wanted(candidate)), None)


def _group(tasks: Sequence[TaskRecall]) -> dict[str, Any]:
    variants = list(tasks[0].ranks) if tasks else []
    recall = {variant: _shares([task.ranks[variant] for task in tasks]) for variant in variants}
    return {
        "tasks": len(tasks),
        "candidates_mean": statistics.mean(task.num_candidates for task in tasks) if tasks else None,
        "recall": recall,
        "shown": _shares([task.shown for task in tasks]) if tasks else {},
    }


def _shares(ranks: Sequence[int | None]) -> dict[str, float]:
    """Return the percentage of ranks within each cut."""
    return {str(cut): 100 * sum(rank is not None and rank <= cut for rank in ranks) / len(ranks) for cut in CUTS}
