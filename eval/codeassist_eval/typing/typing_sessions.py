"""Which files of a task file are edited in a typing benchmark, and what of their repositories stands in the prompt.

Tokens are estimated from characters.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from codeassist.request import CompletionRequest, Retrieval, Snippet
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.task import Task
from codeassist_eval.typing.typing_trace import Trace, make_trace

_CHARS_PER_TOKEN = 3.5
_SUFFIX_SHARE = 0.2  # as `prompt.Budget`
_SNIPPET_SHARE = 0.5
_SNIPPET_LINES = 40


@dataclass(frozen=True, slots=True)
class EditSession:
    """One file's session, with the snippets of other files that stay in its prompt all along."""

    trace: Trace
    snippets: tuple[Snippet, ...]


class FixedRetriever:
    """Finds the same snippets for every request: what stays when retrieval is sticky."""

    def __init__(self, snippets: Sequence[Snippet]) -> None:
        self._snippets = tuple(snippets)

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return them."""
        return Retrieval(self._snippets)


def choose_sessions(tasks: Sequence[Task], num_sessions: int, prompt_tokens: int, seed: int) -> list[EditSession]:
    """Draw files with `seed`, those that fill a prompt first, else the longest. Raise where there are too few."""
    files: dict[tuple[str, str], Task] = {}
    for task in tasks:
        files.setdefault((task.repository, task.path), task)
    if len(files) < num_sessions:
        raise EvaluationError(f"the task file has {len(files)} files, {num_sessions} sessions are wanted")
    drawn = list(files.values())
    random.Random(seed).shuffle(drawn)
    snippets = {task.task_id: _snippets(task, drawn, prompt_tokens) for task in drawn}
    fill = {task.task_id: _filled(task, snippets[task.task_id], prompt_tokens) for task in drawn}
    drawn.sort(key=lambda task: -min(fill[task.task_id], 0.95))
    return [EditSession(make_trace(task, seed), snippets[task.task_id]) for task in drawn[:num_sessions]]


def _snippets(task: Task, others: Sequence[Task], prompt_tokens: int) -> tuple[Snippet, ...]:
    """Pieces of the other files of the task's repository, at most what its share of the prompt holds."""
    room = int(prompt_tokens * _SNIPPET_SHARE * _CHARS_PER_TOKEN)
    chosen: list[Snippet] = []
    for other in others:
        if other.repository != task.repository or other.path == task.path:
            continue
        lines = (other.prefix + other.groundtruth + other.suffix).splitlines(keepends=True)
        for first in range(0, len(lines), _SNIPPET_LINES):
            text = "".join(lines[first : first + _SNIPPET_LINES])
            if not text.strip() or len(text) > room:
                continue
            room -= len(text)
            end = first + 1 + len(text.splitlines())
            chosen.append(Snippet(other.path, text, first + 1, end, "bench", 0.0, "another file of the repository"))
    return tuple(chosen)


def _filled(task: Task, snippets: Sequence[Snippet], prompt_tokens: int) -> float:
    """About which share of a prompt the task fills."""
    of_suffix = min(len(task.suffix) / _CHARS_PER_TOKEN, prompt_tokens * _SUFFIX_SHARE)
    of_snippets = sum(len(snippet.text) for snippet in snippets) / _CHARS_PER_TOKEN
    return min((of_suffix + of_snippets + len(task.prefix) / _CHARS_PER_TOKEN) / prompt_tokens, 1.0)
