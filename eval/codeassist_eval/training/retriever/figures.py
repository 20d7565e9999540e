"""What a retriever is worth on repositories that it never saw: rewards of what it puts first, and recall of gold files.

An encoder, tasks and rewards in, figures out. BM25 stands beside it everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from rich.table import Table

from codeassist.progress import Progress
from codeassist.request import CompletionRequest
from codeassist.terminal.screen import Screen
from codeassist_eval.contexts.recall import gold_of
from codeassist_eval.tasks.task import Task, in_prefix_order
from codeassist_eval.training.rewards.reward import Rewarded, RewardRecord
from codeassist_eval.training.rewards.reward_figures import POSITIVE_NATS, label
from codeassist_indexer.languages.registry import language_of
from codeassist_indexer.retrieval.sources import chunks
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline, RetrievalContext
from codeassist_indexer.retrieval.vectors.encoder import Encoder
from codeassist_indexer.retrieval.vectors.matrix import ChunkMatrix
from codeassist_indexer.retrieval.vectors.stored import fill_vectors
from codeassist_indexer.storage.chunk_reader import stored_chunks
from codeassist_indexer.storage.store import Store

TOPS = (1, 3, 5)
CUTS = (1, 5, 10, 50)
_BM25_CUTS = (1, 5, 10)  # it lists no more than 32


@dataclass(frozen=True, slots=True)
class Judged:
    """A task's candidates as an encoder sees them: similarities along `record.candidates`, and that of stopping."""

    record: RewardRecord
    similarities: Sequence[float]
    stop: float


@dataclass(frozen=True, slots=True)
class Ranks:
    """Where the first chunk of a gold file stands, from 1, by the encoder alone and by BM25 alone; None: nowhere."""

    learned: int | None
    bm25: int | None


def judged(encoder: Encoder, records: Iterable[RewardRecord], tasks: Mapping[str, Task]) -> list[Judged]:
    """Let an encoder judge the candidates of each task that has any."""
    found: list[Judged] = []
    for record in records:
        if record.candidates:
            task = tasks[record.task_id]
            query = encoder.query(CompletionRequest(task.path, task.prefix, task.suffix))
            snippets = [each.candidate.snippet for each in record.candidates]
            languages = [language_of(each.path) or "" for each in snippets]
            similarities = encoder.similarities(query, [each.text for each in snippets], languages)
            found.append(Judged(record, similarities.tolist(), encoder.stop_similarity(query)))
    return found


def reward_order_figures(tasks: Sequence[Judged]) -> dict[str, Any]:
    """Return mean rewards in nats of the first of each order, and how often stopping wins where it should."""
    if not tasks:
        return {"tasks": 0}
    orders = {
        "learned": [_learned_order(task) for task in tasks],
        "bm25": [_bm25_order(task.record) for task in tasks],
        "as found": [list(task.record.candidates) for task in tasks],
        "best possible": [sorted(task.record.candidates, key=lambda each: -each.reward) for task in tasks],
    }
    shown = [[each for each, score in zip(task.record.candidates, task.similarities, strict=True) if score > task.stop]
             for task in tasks]  # fmt: skip
    useless = [task for task in tasks if max(each.reward for each in task.record.candidates) <= POSITIVE_NATS]
    useful = [task for task in tasks if max(each.reward for each in task.record.candidates) > POSITIVE_NATS]
    kept = [each for some in shown for each in some]
    everything = [each for task in tasks for each in task.record.candidates]
    return {
        "tasks": len(tasks),
        "mean_reward": {
            name: {str(top): fmean(fmean(each.reward for each in order[:top]) for order in listed) for top in TOPS}
            for name, listed in orders.items()
        },
        "mean_of_all": fmean(each.reward for each in everything),
        "harmful_percent": {"all": _harmful(everything), "before_stop": _harmful(kept)},
        "kept_percent": 100 * len(kept) / len(everything),
        "mean_reward_kept": fmean(each.reward for each in kept) if kept else None,
        "stop": {
            "tasks_without_useful": len(useless),
            "stopped_of_them_percent": _stopped(useless),
            "stopped_of_others_percent": _stopped(useful),
        },
    }


def measure_ranks(
    encoder: Encoder, tasks: Sequence[Task], store_of: Callable[[Task], Store], progress: Progress
) -> list[Ranks]:
    """Search the whole index for each task whose truth names what few other files define (see `recall.gold_of`)."""
    ranks: list[Ranks] = []
    matrix, before = ChunkMatrix(encoder.identity, encoder.num_dims), None
    ordered = in_prefix_order(tasks)
    for number, task in enumerate(ordered, 1):
        store = store_of(task)
        if store is not before:
            matrix, before = ChunkMatrix(encoder.identity, encoder.num_dims), store
        gold = gold_of(task, store, is_new=False)
        if gold is not None:
            fill_vectors(store, encoder)
            matrix.refresh(store)
            situation = RetrievalContext(
                store, CompletionRequest(task.path, task.prefix, task.suffix), store.collection(), (), Deadline(None)
            )
            found = matrix.nearest(encoder.query(situation.request), CUTS[-1], situation.own_file_id)
            lexical = [hit.number for hit in chunks.bm25(situation)]
            ranks.append(
                Ranks(_rank(store, [each for each, _ in found], gold.paths), _rank(store, lexical, gold.paths))
            )
        progress("recall", number, len(ordered))
    return ranks


def recall_figures(ranks: Sequence[Ranks]) -> dict[str, Any]:
    """Return the percentage of gold files among the first, by the encoder and by BM25."""
    if not ranks:
        return {"tasks": 0}
    return {
        "tasks": len(ranks),
        "learned": {str(cut): _share([each.learned for each in ranks], cut) for cut in CUTS},
        "bm25": {str(cut): _share([each.bm25 for each in ranks], cut) for cut in _BM25_CUTS},
        "either": {
            str(cut): 100 * fmean(min(each.learned or cut + 1, each.bm25 or cut + 1) <= cut for each in ranks)
            for cut in _BM25_CUTS
        },
    }


def print_figures(document: Mapping[str, Any]) -> None:
    """Print the figures of a run as tables."""
    console = Screen()
    for name, part in document["parts"].items():
        rewards, recall = part["rewards"], part["recall"]
        if rewards["tasks"]:
            table = Table(f"{name}: mean reward, nats", *(f"top {top}" for top in TOPS))
            for order, means in rewards["mean_reward"].items():
                table.add_row(order, *(f"{means[str(top)]:+.2f}" for top in TOPS))
            console.print(table)
            stop, harmful = rewards["stop"], rewards["harmful_percent"]
            console.print(
                f"{rewards['tasks']} tasks. Of {stop['tasks_without_useful']} without a useful candidate, stopping "
                f"wins in {_text(stop['stopped_of_them_percent'])}, of the others in "
                f"{_text(stop['stopped_of_others_percent'])}; harmful of all {_text(harmful['all'])}, of those before "
                f"the stop {_text(harmful['before_stop'])}",
            )
        if recall["tasks"]:
            table = Table(f"{name}: recall, %", *(f"@{cut}" for cut in CUTS))
            for source in ("learned", "bm25", "either"):
                shares = (recall[source].get(str(cut)) for cut in CUTS)
                table.add_row(source, *("" if share is None else f"{share:.0f}" for share in shares))
            console.print(table)


def _learned_order(task: Judged) -> list[Rewarded]:
    pairs = zip(task.similarities, task.record.candidates, strict=True)
    return [each for _, each in sorted(pairs, key=lambda pair: -pair[0])]


def _bm25_order(record: RewardRecord) -> list[Rewarded]:
    """Those that BM25 found in its order, then the others by how many of the searched words they hold."""

    def key(each: Rewarded) -> tuple[float, int]:
        found = each.candidate.by("bm25")
        return (float("inf") if found is None else found.rank, -each.candidate.num_shared_terms)

    return sorted(record.candidates, key=key)


def _harmful(rewarded: Sequence[Rewarded]) -> float | None:
    return 100 * fmean(label(each.reward) == "negative" for each in rewarded) if rewarded else None


def _stopped(tasks: Sequence[Judged]) -> float | None:
    return 100 * fmean(max(task.similarities) <= task.stop for task in tasks) if tasks else None


def _rank(store: Store, chunk_ids: Sequence[int], paths: frozenset[str]) -> int | None:
    path_of = {chunk.chunk_id: chunk.path for chunk in stored_chunks(store, chunk_ids)}
    return next((rank for rank, chunk in enumerate(chunk_ids, 1) if path_of.get(chunk) in paths), None)


def _share(ranks: Sequence[int | None], cut: int) -> float:
    return 100 * fmean(rank is not None and rank <= cut for rank in ranks)


def _text(percent: float | None) -> str:
    return "–" if percent is None else f"{percent:.0f} %"
