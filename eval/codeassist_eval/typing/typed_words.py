"""What typing a line letter by letter does to the snippets in the prompt, with the word being typed and without it.

How often other snippets are chosen, how much of them is new and must be read, and how many of the names that still come
they show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

from codeassist.completion.document_state import SnippetPolicy, arranged, before_typed_word
from codeassist.progress import Progress
from codeassist.request import CompletionRequest, Retrieval, Retriever, Snippet
from codeassist_eval.contexts.index_context import IndexContexts
from codeassist_eval.contexts.rankers import Rankers
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.task import Task, in_prefix_order
from codeassist_indexer.languages.registry import language_of
from codeassist_indexer.retrieval.query.cursor import IDENTIFIER
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.storage.lexical import is_keyword

_MAX_KEYS = 60
_LEAST_NAME_CHARS = 3
_NEAR_CHARS_BEFORE, _NEAR_CHARS_BEHIND = 1600, 400  # what a small prompt shows of the file itself


@dataclass(slots=True)
class KeyFigures:
    """Of keys of one kind: how many changed the snippets, the characters of those that are new, and of the names that
    still come on the line, and do not stand near the cursor, the share that the snippets show."""

    num_keys: int = 0
    num_changed: int = 0
    new_chars: int = 0
    shown: list[float] = field(default_factory=list[float])

    def as_document(self) -> dict[str, Any]:
        """One JSON object; None where there is nothing to divide by."""
        return {
            "keys": self.num_keys,
            "changed_percent": 100 * self.num_changed / self.num_keys if self.num_keys else None,
            "new_chars_per_key": self.new_chars / self.num_keys if self.num_keys else None,
            "keys_before_new_names": len(self.shown),
            "names_shown_percent": 100 * fmean(self.shown) if self.shown else None,
        }


@dataclass(slots=True)
class WayFigures:
    """One way to ask: keys within a word, and keys after which none goes on."""

    within: KeyFigures = field(default_factory=KeyFigures)
    elsewhere: KeyFigures = field(default_factory=KeyFigures)

    def as_document(self) -> dict[str, Any]:
        """One JSON object."""
        return {"within_a_word": self.within.as_document(), "elsewhere": self.elsewhere.as_document()}


def measure_typed_words(
    tasks: Sequence[Task], contexts: IndexContexts, rankers: Rankers, max_chars: int, progress: Progress
) -> dict[str, WayFigures]:
    """Type the first line of each task's truth; look at each key for snippets of at most `max_chars` characters."""
    figures = {"every key": WayFigures(), "every word": WayFigures()}
    ordered = in_prefix_order(tasks)
    for number, task in enumerate(ordered, 1):
        contexts.retriever(task)  # the fold's encoder searches
        store = contexts.store(task)
        retriever = IndexRetriever(store, "learned", chooser=rankers.chooser(task), search=contexts.search)
        _type(task, _EveryKey(), retriever, figures["every key"], max_chars)
        _type(task, SnippetPolicy(), retriever, figures["every word"], max_chars)
        progress("typing", number, len(ordered))
    if not any(way.within.num_keys for way in figures.values()):
        raise EvaluationError("no task's truth has a word to type")
    return figures


class _EveryKey:
    """A `SnippetPolicy` without its rule of words: each key is asked about, and what stands stays."""

    def __init__(self) -> None:
        self._standing: tuple[Snippet, ...] = ()

    def retrieve(self, request: CompletionRequest, max_chars: int, retriever: Retriever) -> Retrieval:
        found = retriever.retrieve(replace(request, standing=self._standing), max_chars)
        self._standing = arranged(self._standing, found.snippets)
        return replace(found, snippets=self._standing)


def _type(
    task: Task, policy: SnippetPolicy | _EveryKey, retriever: Retriever, figures: WayFigures, max_chars: int
) -> None:
    line = task.groundtruth.partition("\n")[0][:_MAX_KEYS]
    last: tuple[Snippet, ...] | None = None
    for num_typed in range(len(line) + 1):
        prefix = task.prefix + line[:num_typed]
        request = CompletionRequest(task.path, prefix, task.suffix)
        found = policy.retrieve(request, max_chars, retriever).snippets
        if last is not None:
            begin = before_typed_word(prefix)
            is_within = len(prefix) - len(begin) > 1  # a word's first letter opens it: asked about either way
            kind = figures.within if is_within else figures.elsewhere
            kind.num_keys += 1
            kind.num_changed += found != last
            known = {(each.path, each.text) for each in last}
            kind.new_chars += sum(len(each.text) for each in found if (each.path, each.text) not in known)
            names = _new_names(task, begin, line[max(0, len(begin) - len(task.prefix)) :])
            if names:
                shown = {name for each in found for name in IDENTIFIER.findall(each.text)}
                kind.shown.append(len(names & shown) / len(names))
        last = found


def _new_names(task: Task, prefix: str, rest: str) -> set[str]:
    """The names in what comes that do not stand near the cursor."""
    near = set(IDENTIFIER.findall(prefix[-_NEAR_CHARS_BEFORE:] + task.suffix[:_NEAR_CHARS_BEHIND]))
    language = language_of(task.path) or ""
    names = {name for name in IDENTIFIER.findall(rest) if len(name) >= _LEAST_NAME_CHARS}
    return {name for name in names - near if not is_keyword(name, language)}
