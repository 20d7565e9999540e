"""Whether each typed letter of a name helps: asked before its first letter, and after each of the next ones.

The name is the one that a task's truth begins with. A task's places are asked about in one document, as they are typed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from codeassist.completion.document_state import DocumentState, SnippetPolicy
from codeassist.completion.session import Session
from codeassist.progress import Progress
from codeassist.request import CompletionRequest
from codeassist_eval.contexts.registry import RetrieverFor
from codeassist_eval.errors import EvaluationError
from codeassist_eval.percentiles import percentile
from codeassist_eval.tasks.task import Task

_NAME = re.compile(r"[^\W\d]\w*")
_REST_OF_NAME = re.compile(r"\w*")
_LEFT_CHARS = 2  # of a name, after the last letter that is typed


@dataclass(frozen=True, slots=True)
class TypedName:
    """One name asked for with `num_typed` of its letters before the cursor. `ms`: without the first letter's context,
    which is read once."""

    task_id: str
    name: str
    num_typed: int
    answer: str
    confidence: float | None
    num_read: int
    ms: float

    @property
    def is_right(self) -> bool:
        """Whether the answer writes the rest of the name, and no more of it."""
        found = _REST_OF_NAME.match(self.answer)
        return found is not None and self.name[: self.num_typed] + found[0] == self.name


def name_of(task: Task, most_typed: int) -> str | None:
    """Return the name that a task's truth begins with, if it is long enough that something of it is left to write."""
    found = _NAME.match(task.groundtruth)
    return found[0] if found is not None and len(found[0]) >= most_typed + _LEFT_CHARS else None


def ask_typed_names(
    session: Session, tasks: Sequence[Task], retriever_for: RetrieverFor, most_typed: int, progress: Progress
) -> list[TypedName]:
    """Ask for each task's name with 0 to `most_typed` letters typed. Raises EvaluationError where no task has one."""
    places = [(task, name) for task in tasks if (name := name_of(task, most_typed)) is not None]
    if not places:
        raise EvaluationError(f"no task's truth begins with a name of {most_typed + _LEFT_CHARS} letters")
    asked: list[TypedName] = []
    for number, (task, name) in enumerate(places, 1):
        with closing(DocumentState(task.path, policy=SnippetPolicy())) as document:
            asked += [_ask(session, task, name, typed, retriever_for, document) for typed in range(most_typed + 1)]
        progress("asking", number, len(places))
    return asked


def _ask(
    session: Session, task: Task, name: str, num_typed: int, retriever_for: RetrieverFor, document: DocumentState
) -> TypedName:
    request = CompletionRequest(task.path, task.prefix + name[:num_typed], task.suffix, max_new_tokens=24)
    started = perf_counter()
    answer = session.complete(request, retriever_for(task), document=document)
    ms = (perf_counter() - started) * 1e3
    trace = answer.trace
    num_read = trace.num_prompt_tokens - trace.num_cached_tokens
    return TypedName(task.task_id, name, num_typed, answer.text, answer.confidence, num_read, ms)


def figures_of(asked: Sequence[TypedName]) -> list[dict[str, Any]]:
    """One row for each number of typed letters: how many names were right, what was read, how long it took."""
    rows: list[dict[str, Any]] = []
    for num_typed in sorted({each.num_typed for each in asked}):
        here = [each for each in asked if each.num_typed == num_typed]
        rows.append(
            {
                "typed": num_typed,
                "names": len(here),
                "right": sum(each.is_right for each in here),
                "read_tokens_p50": percentile([float(each.num_read) for each in here], 50),
                "ms_p50": round(percentile([each.ms for each in here], 50), 1),
            }
        )
    return rows
