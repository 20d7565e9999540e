"""What a ranker learns from: the features and rewards of candidates, task by task.

Knows no network: it joins a reward log with the tasks that it was made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codeassist.request import CompletionRequest
from codeassist_eval.errors import EvaluationError
from codeassist_eval.reward import RewardRecord
from codeassist_eval.tasks import Task
from codeassist_indexer.candidates.candidate import Candidate
from codeassist_indexer.ranking.features import features

Similarities = Callable[[CompletionRequest, Sequence[Candidate]], NDArray[np.float32]]
"""How like a request's surroundings each candidate's text is, float32 [n]: the learned retriever's."""


@dataclass(frozen=True, slots=True)
class Example:
    """One task's n candidates: `rows`, float32 [n, F], and `rewards`, float32 [n], in nats; n is 0 where none was
    found."""

    record: RewardRecord
    rows: NDArray[np.float32]
    rewards: NDArray[np.float32]

    @property
    def repository(self) -> str:
        """The repository of the task: none may be in both training and test."""
        return self.record.repository

    @property
    def candidates(self) -> list[Candidate]:
        """The candidates, in the order in which they were found."""
        return [each.candidate for each in self.record.candidates]


def make_examples(
    records: Iterable[RewardRecord], tasks: Mapping[str, Task], similarities: Similarities | None = None
) -> list[Example]:
    """Return an example for each record. Raises EvaluationError where `tasks`, by id, lack one of them."""
    examples: list[Example] = []
    for record in records:
        task = tasks.get(record.task_id)
        if task is None:
            raise EvaluationError(f"task {record.task_id} was scored but is in no task file; give it with --tasks")
        request = CompletionRequest(task.path, task.prefix, task.suffix)
        found = [each.candidate for each in record.candidates]
        alike = None if similarities is None or not found else similarities(request, found)
        rewards = np.array([each.reward for each in record.candidates], dtype=np.float32)
        examples.append(Example(record, features(found, request, alike), rewards))
    return examples
