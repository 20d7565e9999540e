"""Retrieving twice: the second time with what was guessed, and nothing more where nothing was."""

from __future__ import annotations

from dataclasses import replace

from codeassist.completion.iterative_retrieval import IterativeRetriever
from codeassist.request import Completion, CompletionRequest, Retrieval, Retriever, Snippet

REQUEST = CompletionRequest("a.py", "x = store.", "\n", min_confidence=0.9)


class Searching:
    """Finds a snippet named after the end of the text before the cursor."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        self.asked.append(request.prefix)
        snippet = Snippet(f"{request.prefix[-5:]}.py", "text\n", 1, 2, "bm25", 1.0, "")
        return Retrieval((snippet,), {"bm25": 1.0}, (f"late {len(self.asked)}",))


class Guessing:
    def __init__(self, text: str) -> None:
        self.text = text
        self.seen: list[tuple[CompletionRequest, Retrieval]] = []

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        self.seen.append((request, retriever.retrieve(request, 100)))
        return Completion(self.text, self.text, "eos", "m")


def test_the_second_search_sees_the_guess() -> None:
    searching, guessing = Searching(), Guessing("price_of(item)")
    found = IterativeRetriever(searching, guessing).retrieve(REQUEST, 100)
    assert searching.asked == ["x = store.", "x = store.price_of(item)"]
    assert [snippet.path for snippet in found.snippets] == ["item).py"]
    assert found.late_sources == ("late 1", "late 2") and found.stage_ms["first_guess"] >= 0
    [(request, first)] = guessing.seen  # what is unlikely is a guess too; its context is the first search's
    assert request == replace(REQUEST, min_confidence=0.0) and [each.path for each in first.snippets] == ["tore..py"]


def test_without_a_guess_the_first_search_counts() -> None:
    searching = Searching()
    found = IterativeRetriever(searching, Guessing("  \n")).retrieve(REQUEST, 100)
    assert len(searching.asked) == 1 and [snippet.path for snippet in found.snippets] == ["tore..py"]
    assert "first_guess" in found.stage_ms
