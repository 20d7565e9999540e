"""RepoCoder's iterative retrieval: complete once, then search with what was guessed.

Knows no model: it is handed a completer. The idea is of "RepoCoder: Repository-Level Code Completion Through Iterative
Retrieval and Generation"; two rounds, as published.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from codeassist.completion.iterative_retrieval import Found
from codeassist.request import CompletionRequest, Retrieval
from codeassist_eval.contexts.baselines import WindowRetriever
from codeassist_eval.tasks.completer import Completer


@dataclass(frozen=True, slots=True)
class IterativeRetriever:
    """Retrieves twice. The first guess is made while retrieving, so its time counts as retrieval."""

    first_round: WindowRetriever
    completer: Completer

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return what the window around the first guess finds."""
        started = time.perf_counter()
        guess = self.completer.complete(request, Found(self.first_round.retrieve(request, max_chars).snippets))
        guessed = time.perf_counter()
        found = replace(self.first_round, hint=guess.text).retrieve(request, max_chars)
        return Retrieval(found.snippets, {**found.stage_ms, "first_guess": (guessed - started) * 1000})
