"""What fitting needs, found out beside the model: once, on the other thread, and the same as without."""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from codeassist.completion.document_state import DocumentState, SnippetPolicy
from codeassist_indexer.fitting.trim import fit
from codeassist_indexer.open_document.reader import READER, DocumentPlace
from codeassist_lsp.completion import suggestions
from codeassist_lsp.completion.suggestions import FitPreparation, SuggestionRequest
from tests.lsp.imagined import Model, Scope

PREFIX, SUFFIX = "def f(a):\n    print(g(a", "))\n    return a\n"


@pytest.fixture
def looked_on(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that looked at a place."""
    names: list[str] = []
    look = suggestions._looked_at

    def noted(place: DocumentPlace) -> DocumentPlace:
        names.append(threading.current_thread().name)
        return look(place)

    monkeypatch.setattr(suggestions, "_looked_at", noted)
    return names


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1, thread_name_prefix="beside") as pool:
        yield pool


def is_right(fit_preparation: FitPreparation) -> bool:
    answer = ", 1))\n    return a"
    return fit_preparation.place().fit(answer) == fit(answer, PREFIX, SUFFIX, "a.py")


def test_a_place_is_looked_at_while_the_model_runs(looked_on: list[str], beside: ThreadPoolExecutor) -> None:
    prepared = threading.Event()
    fit_preparation = FitPreparation(READER.place(PREFIX, SUFFIX, "a.py"), beside, prepared.set)
    stopped = fit_preparation.begun_by(lambda: False)
    assert looked_on == []
    assert [stopped() for _ in range(3)] == [False] * 3
    assert all(is_right(fit_preparation) for _ in range(2))
    assert looked_on == ["beside_0"]
    assert prepared.wait(60)


@pytest.mark.parametrize("is_busy", [True, False])
def test_where_nobody_has_looked_yet_it_is_looked_at_when_it_is_needed(
    is_busy: bool, looked_on: list[str], beside: ThreadPoolExecutor
) -> None:
    over = threading.Event()
    if is_busy:
        beside.submit(over.wait)
    fit_preparation = FitPreparation(READER.place(PREFIX, SUFFIX, "a.py"), beside if is_busy else None)
    assert fit_preparation.begun_by(lambda: True)()
    assert is_right(fit_preparation)
    assert looked_on == ["MainThread"]
    over.set()


def test_what_nobody_needs_any_more_is_not_looked_at(looked_on: list[str], beside: ThreadPoolExecutor) -> None:
    over = threading.Event()
    beside.submit(over.wait)
    fit_preparation = FitPreparation(READER.place(PREFIX, SUFFIX, "a.py"), beside, lambda: looked_on.append("prepared"))
    fit_preparation.begun_by(lambda: False)()
    fit_preparation.close()
    over.set()
    beside.submit(int).result(60)
    assert looked_on == []


@pytest.mark.parametrize(
    ("path", "prefix", "said", "shown"),
    [
        ("Makefile", "test:", ["\n\tpytest", "```", "```sh"], ["\n\tpytest"]),
        ("a.py", "return", [" result", " return result", "return x"], [" result", " x"]),
        ("a.py", "    pub", ["public", "lished = 1", "    if x:"], ["lic", "lished = 1"]),
        ("a.c", "x = ", ["1;", "x = 2;", "2;"], ["1;", "2;"]),
    ],
)
def test_alternatives_are_fitted_and_withheld_as_the_first(
    tmp_path: Path, path: str, prefix: str, said: list[str], shown: list[str]
) -> None:
    scope: Any = Scope(tmp_path, path=path)
    session: Any = Model(say=lambda question: said[ast.literal_eval(question)[7]])
    wanted = SuggestionRequest(
        DocumentState("a", policy=SnippetPolicy()), scope, scope.settings, prefix, "\n", num_wanted=len(said)
    )
    found = suggestions.suggest(session, wanted, lambda: False)
    assert [each.at_cursor.text for each in found.suggestions] == shown
