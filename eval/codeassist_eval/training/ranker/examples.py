"""What a ranker learns from: the features of candidates with what each is worth, task by task.

Measured rewards come from a log; those guessed from names cost no model (`name_rewards`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codeassist.request import CompletionRequest
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.task import Task
from codeassist_eval.training.rewards.name_rewards import name_facts
from codeassist_eval.training.rewards.reward import RewardRecord
from codeassist_indexer.retrieval.ranking.features import features, set_similarities
from codeassist_indexer.retrieval.ranking.ranker import similarities
from codeassist_indexer.retrieval.sources.candidate import Candidate
from codeassist_indexer.retrieval.vectors.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Example:
    """One task's n candidates: `rows`, float32 [n, F], and `rewards`, float32 [n], in nats; n may be 0.

    rows: without similarities. alike: these, float32 [E, n], of each of E encoders. names: float32 [n, 3], what each
    candidate's text says of the names in the truth (`name_facts`). candidates: in the order in which they were found.
    None of a `repository` may be in both training and test.
    """

    repository: str
    rows: NDArray[np.float32]
    rewards: NDArray[np.float32]
    names: NDArray[np.float32]
    alike: NDArray[np.float32]
    candidates: tuple[Candidate, ...] = ()

    def seen_by(self, encoder: int) -> Example:
        """Return the example with the similarities of one of the encoders in its rows."""
        rows = self.rows.copy()
        if len(rows):
            set_similarities(rows, self.alike[encoder])
        return replace(self, rows=rows)


def alike(
    encoders: Sequence[Encoder], request: CompletionRequest, candidates: Sequence[Candidate]
) -> NDArray[np.float32]:
    """Return the similarities of each of E encoders: float32 [E, n]."""
    found = [similarities(encoder, request, candidates) for encoder in encoders]
    return np.stack(found) if found else np.zeros((0, len(candidates)), dtype=np.float32)


def make_examples(
    records: Iterable[RewardRecord], tasks: Mapping[str, Task], encoders: Sequence[Encoder] = ()
) -> list[Example]:
    """Return an example for each record. Raises EvaluationError where `tasks`, by id, lack one of them."""
    examples: list[Example] = []
    for record in records:
        task = tasks.get(record.task_id)
        if task is None:
            raise EvaluationError(f"task {record.task_id} was scored but is not in the task file that was given for it")
        request = CompletionRequest(task.path, task.prefix, task.suffix)
        found = tuple(each.candidate for each in record.candidates)
        rewards = np.array([each.reward for each in record.candidates], dtype=np.float32)
        examples.append(
            Example(
                record.repository,
                features(found, request),
                rewards,
                name_facts(request, record.truth, found),
                alike(encoders, request, found),
                found,
            )
        )
    return examples
