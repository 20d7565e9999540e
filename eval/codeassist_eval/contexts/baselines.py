"""Retrieval baselines of the literature: BM25 windows (CrossCodeEval), Jaccard windows (RepoCoder), provided, oracle.

Every retriever leaves out the file that is being completed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rank_bm25 import BM25Okapi

from codeassist.request import CompletionRequest, Retrieval, Snippet
from codeassist_eval.tasks.windows import Window, words

QUERY_LINES = 10  # as in CrossCodeEval; RepoCoder's query is one window
MAX_SNIPPETS = 5

Ranker = Callable[[Sequence[str], Sequence[Window]], list[float]]  # words of the query, windows -> scores


def bm25_scores(query: Sequence[str], windows: Sequence[Window]) -> list[float]:
    """Score with rank-bm25's Okapi, its defaults."""
    if not windows:
        return []
    return [float(score) for score in BM25Okapi([list(window.words) for window in windows]).get_scores(list(query))]


def jaccard_scores(query: Sequence[str], windows: Sequence[Window]) -> list[float]:
    """Score with the share of distinct words that query and window have in common, as RepoCoder's sparse retriever."""
    wanted = set(query)
    scores: list[float] = []
    for window in windows:
        found = set(window.words)
        scores.append(len(wanted & found) / len(wanted | found))
    return scores


@dataclass(frozen=True, slots=True)
class WindowRetriever:
    """Ranks windows by the last lines before the cursor.

    `hint` is text taken as if it stood after the cursor: the truth makes an oracle, a first guess makes RepoCoder's
    second round. `source` names the ranking in the snippets.
    """

    source: str
    windows: Sequence[Window]
    ranker: Ranker
    query_lines: int = QUERY_LINES
    hint: str = ""

    def ranking(self, request: CompletionRequest) -> list[tuple[float, Window]]:
        """Return all windows outside the requested file, best first; equal scores keep the windows' order."""
        windows = [window for window in self.windows if window.path != request.path]
        lines = [line for line in (request.prefix + self.hint).split("\n") if line.strip()]
        scores = self.ranker(words("\n".join(lines[-self.query_lines :])), windows)
        return sorted(zip(scores, windows, strict=True), key=lambda pair: -pair[0])

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return the best windows of together at most `max_chars`; one that does not fit is passed over."""
        started = time.perf_counter()
        snippets = fit((window.snippet(self.source, score) for score, window in self.ranking(request)), max_chars)
        return Retrieval(snippets, {self.source: (time.perf_counter() - started) * 1000})


@dataclass(frozen=True, slots=True)
class ProvidedRetriever:
    """Gives the snippets that came with the task's row, in their order."""

    snippets: tuple[Snippet, ...]

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return the row's snippets of together at most `max_chars`."""
        others = (snippet for snippet in self.snippets if snippet.path != request.path)
        return Retrieval(fit(others, max_chars, max_snippets=len(self.snippets)))


def fit(snippets: Iterable[Snippet], max_chars: int, max_snippets: int = MAX_SNIPPETS) -> tuple[Snippet, ...]:
    """Take snippets in order while they fit; one that does not is passed over."""
    chosen: list[Snippet] = []
    for snippet in snippets:
        if len(chosen) == max_snippets:
            break
        if len(snippet.text) <= max_chars:
            chosen.append(snippet)
            max_chars -= len(snippet.text)
    return tuple(chosen)
