"""What a retrieval rests on, by a document's policy: what is given again is what asking anew would give."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from codeassist.completion.document_state import SnippetPolicy, before_typed_word
from codeassist.errors import CodeAssistError
from codeassist.request import CompletionRequest, Retrieval
from codeassist_indexer.ingest.update import update_file
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.storage.store import Store

OWN, OTHER = "pkg/own.py", "pkg/shapes.py"
HEAD = "from pkg import shapes\n\ndef show(points):\n    return shapes."
NAMES = ("polygon_area", "points", "perimeter", "shapes", "total", "größe", "x1")


@dataclass
class Counting:
    """Hands requests on, and counts them."""

    inner: IndexRetriever
    asked: list[str] = field(default_factory=list[str])

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        self.asked.append(request.prefix)
        return self.inner.retrieve(request, max_chars)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "index.db")
    update_file(made, tmp_path, OWN, HEAD)
    update_file(made, tmp_path, OTHER, "def polygon_area(points):\n    return sum(points)\n")
    return made


def at(typed: str) -> CompletionRequest:
    return CompletionRequest(OWN, HEAD + typed, "\n")


def test_a_word_is_asked_about_once_and_the_next_one_anew(store: Store) -> None:
    inner = Counting(IndexRetriever(store))
    policy = SnippetPolicy()
    first = policy.find(at("pol"), 2_000, inner)
    assert first.snippets == IndexRetriever(store).retrieve(at(""), 2_000).snippets != ()
    for typed in ("poly", "polygon_area", ""):
        again = policy.find(at(typed), 2_000, inner)
        assert (again.snippets, again.stage_ms) == (first.snippets, {"same_word": 0.0})
    assert inner.asked == [HEAD]
    policy.find(at("polygon_area("), 2_000, inner)
    policy.find(at("polygon_area("), 1_000, inner)  # less room
    policy.find(replace(at("polygon_area(p"), suffix=")\n"), 1_000, inner)
    policy.find(replace(at("pol"), path="pkg/third.py"), 1_000, inner)
    assert inner.asked[1:] == [HEAD + "polygon_area("] * 3 + [HEAD]


def test_what_changes_in_other_files_counts_at_once_and_in_its_own_not(store: Store, tmp_path: Path) -> None:
    inner = Counting(IndexRetriever(store))
    policy = SnippetPolicy()

    def is_asked_anew() -> bool:
        before = len(inner.asked)
        policy.retrieve(at("p"), 2_000, inner)
        return len(inner.asked) > before

    assert is_asked_anew() and not is_asked_anew()
    update_file(store, tmp_path, OWN, HEAD + "p")  # each pause has the document indexed
    assert not is_asked_anew()
    update_file(store, tmp_path, OTHER, "def polygon_edges(points):\n    return points\n")
    assert is_asked_anew() and not is_asked_anew()
    found = policy.retrieve(at("p"), 2_000, inner).snippets
    assert "polygon_edges" in "".join(snippet.text for snippet in found)
    update_file(store, tmp_path, "pkg/new.py", "points = 1\n")
    assert is_asked_anew() and not is_asked_anew()
    (tmp_path / "pkg").mkdir()
    update_file(store, tmp_path, "pkg/new.py")  # it is not there
    assert is_asked_anew() and not is_asked_anew()
    store.rebuild()
    assert is_asked_anew() and not is_asked_anew()


def test_an_index_that_cannot_be_asked_costs_that_request_only(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Store) -> tuple[int, int, int]:
        raise CodeAssistError("the index is held by another process")

    inner = Counting(IndexRetriever(store))
    policy = SnippetPolicy()
    first = policy.find(at("p"), 2_000, inner)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "vector_changes", fail)
        assert not policy.find(at("po"), 2_000, inner).snippets, "the index is asked again, and cannot be read"
    assert policy.find(at("pol"), 2_000, inner).snippets == first.snippets
    assert len(inner.asked) == 3


def test_any_typing_and_any_changes_give_what_asking_anew_gives(store: Store, tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chooser = random.Random(seed)
    inner = Counting(IndexRetriever(store))
    policy = SnippetPolicy()
    typed = ""
    for _ in range(150):
        choice = chooser.random()
        if choice < 0.75:
            typed += chooser.choice(("p", "o", "_", "1", "ß", ".", "(", " ", "\n    "))
        elif choice < 0.85:
            typed = typed[:-1]
        elif choice < 0.93:
            text = "".join(f"def {chooser.choice(NAMES)}({chooser.choice(NAMES)}):\n    pass\n" for _ in range(3))
            update_file(store, tmp_path, chooser.choice((OTHER, "pkg/more.py")), text)
        request = at(typed)
        anew = IndexRetriever(store).retrieve(replace(request, prefix=before_typed_word(request.prefix)), 2_000)
        assert policy.find(request, 2_000, inner).snippets == anew.snippets
    assert len(inner.asked) < 150
