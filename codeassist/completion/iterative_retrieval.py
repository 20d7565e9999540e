"""RepoCoder's iteration: complete once, and look for context again as if what was guessed stood there.

After "RepoCoder: Repository-Level Code
Completion Through Iterative Retrieval and Generation" (two rounds, as published).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Protocol

from codeassist.request import Completion, CompletionRequest, Retrieval, Retriever, Snippet


class OnceCompleter(Protocol):
    """Completes one request."""

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        """Return one completion."""
        ...


@dataclass(frozen=True, slots=True)
class IterativeRetriever:
    """Retrieves twice; the first guess is made while retrieving, so its time counts as retrieval (`first_guess`).

    An empty guess, and one that finds the same, cost nothing more. For the thread that completes.
    """

    inner: Retriever
    completer: OnceCompleter

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return what is found at the end of the first guess. Raises what completing raises."""
        begin = time.perf_counter()
        first = self.inner.retrieve(request, max_chars)
        guess = self.completer.complete(replace(request, min_confidence=0.0), Found(first.snippets)).text
        stage_ms = {**first.stage_ms, "first_guess": (time.perf_counter() - begin) * 1000}
        if not guess.strip():
            return Retrieval(first.snippets, stage_ms, first.late_sources)
        second = self.inner.retrieve(replace(request, prefix=request.prefix + guess), max_chars)
        late = tuple(dict.fromkeys((*first.late_sources, *second.late_sources)))
        return Retrieval(second.snippets, {**second.stage_ms, "first_guess": stage_ms["first_guess"]}, late)


@dataclass(frozen=True, slots=True)
class Found:
    """A retriever that has found its snippets already."""

    snippets: tuple[Snippet, ...]

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return them."""
        return Retrieval(self.snippets)
