"""Rewards of what the present retriever finds: the step between two rounds of RLCoder's training.

Each task is written down when it is scored, so an interrupted round goes on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from codeassist.completion.session import Session
from codeassist.progress import Progress
from codeassist.request import CompletionRequest
from codeassist_eval.tasks.task import Task, in_prefix_order
from codeassist_eval.training.rewards.reward import RewardPlan, RewardRecord, reward_log, score_candidates
from codeassist_indexer.retrieval.sources.candidate import Candidate
from codeassist_indexer.retrieval.sources.find import ask_sources, read_candidates
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline, RetrievalContext
from codeassist_indexer.retrieval.vectors.encoder import Encoder
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.retrieval.vectors.stored import fill_vectors
from codeassist_indexer.storage.store import Store


def score_found(
    session: Session,
    store_of: Callable[[Task], Store],
    encoder: Encoder,
    tasks: Mapping[str, Task],
    records: Sequence[RewardRecord],
    plan: RewardPlan,
    folder: Path,
    progress: Progress,
) -> list[RewardRecord]:
    """Score what `encoder` finds for the tasks of `records` and they do not have yet: `plan.num_candidates` of each.

    Returns a record of the new candidates for each task; some may hold none.
    """
    identity = {"encoder": encoder.identity, "plan": dataclasses.asdict(plan)}
    identity["tasks"] = [record.task_id for record in records]
    log = reward_log(folder, identity)
    done = log.read()
    known = {record.task_id: record for record in records}
    ordered = in_prefix_order([tasks[record.task_id] for record in records])
    for number, task in enumerate(ordered):
        progress("scoring what was found", number, len(ordered))
        if task.task_id not in done:
            found = found_by(encoder, store_of(task), task)
            done[task.task_id] = record = _scored(session, task, found, known[task.task_id], plan)
            log.append(record)
    progress("scoring what was found", len(ordered), len(ordered))
    return [done[record.task_id] for record in records]


def found_by(encoder: Encoder, store: Store, task: Task) -> tuple[Candidate, ...]:
    """Return what an encoder alone finds for a task, the best first."""
    fill_vectors(store, encoder)
    request = CompletionRequest(task.path, task.prefix, task.suffix)
    search = ask_sources(
        RetrievalContext(store, request, store.collection(), (), Deadline(None), LearnedSearch(store, encoder))
    )
    return read_candidates(search, {"learned"}).candidates


def _scored(
    session: Session, task: Task, found: Sequence[Candidate], known: RewardRecord, plan: RewardPlan
) -> RewardRecord:
    texts = {(each.candidate.snippet.path, each.candidate.snippet.text) for each in known.candidates}
    new = [each for each in found if (each.snippet.path, each.snippet.text) not in texts][: plan.num_candidates]
    return score_candidates(session, task, new, plan)
