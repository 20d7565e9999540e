"""Names on a remote engine: the server is held to what the analysis knows, and what is wrong all the same is cut."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from codeassist.remote.features import Constraint
from codeassist.remote.names import NameGuard
from codeassist.remote.tokenizer_files import load_tokenizer
from codeassist.request import AllowedNames, Analysis, CompletionRequest, NamePosition, NoRetriever
from tests.completions_server import CompletionsServer
from tests.remote.engine_at import Local, engine_at

MEMBERS = frozenset({"area", "area_of_all", "perimeter"})


class Members:
    """Knows what may stand after `shape.`, and the keyword arguments of `draw(`."""

    def __init__(self, names: frozenset[str] | None = MEMBERS) -> None:
        self._names = names

    def place(self, text: str) -> NamePosition | None:
        if found := re.search(r"\bshape\.(\w*)$", text):
            return NamePosition("member", found.start(1))
        if found := re.search(r"\bdraw\([^)]*?(\w*)$", text):
            return NamePosition("keyword", found.start(1))
        return None

    def names(self, text: str, place: NamePosition) -> AllowedNames | None:
        assert len(text) == place.start
        if place.kind == "keyword":
            return AllowedNames(frozenset({"scale"}), "test")
        return None if self._names is None else AllowedNames(self._names, "test")


class Knows:
    """All analysts, and the one that they find."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def find(self, request: CompletionRequest) -> Knows:
        return self

    def close(self) -> None:
        pass

    def analyse(self, request: CompletionRequest) -> Analysis:
        return self._analysis

    def warm(self, request: CompletionRequest) -> None:
        pass


def at_once(job: Callable[[], AllowedNames | None]) -> Future[AllowedNames | None]:
    future: Future[AllowedNames | None] = Future()
    try:
        future.set_result(job())
    except Exception as error:  # noqa: BLE001 — as a thread would
        future.set_exception(error)
    return future


def guard(prefix: str, suffix: str = "", analysis: Analysis | None = None) -> NameGuard:
    request = CompletionRequest("a.py", prefix, suffix, max_lines=1, monitor_deadline_ms=1000)
    return NameGuard(analysis or Members(), request, at_once)


@pytest.mark.parametrize(
    ("prefix", "answer", "suffix", "left"),
    [
        ("x = shape.", "area()", "", "area()"),
        ("x = shape.", "volume()", "", ""),
        ("x = shape.ar", "ea + shape.area_of_all", "", "ea + shape.area_of_all"),
        ("x = shape.ar", "c()", "", ""),
        ("x = ", "shape.area + shape.volume + 1", "", "shape.area + shape"),
        ("x = ", "other.volume", "", "other.volume"),
        ("x = shape.", "peri", "", "peri"),
        ("x = shape.", "peri", "meter()", "peri"),
        ("x = shape.", "peri", "od()", ""),
        ("x = shape.", "area_of_al)", "", ""),
        ("draw(", "scale=2, shade=3)", "", "scale=2,"),
        ("draw(", "shade == 3)", "", "shade == 3)"),
    ],
)
def test_an_answer_is_cut_before_a_wrong_name(prefix: str, answer: str, suffix: str, left: str) -> None:
    watched = guard(prefix, suffix)
    assert watched.cut(answer) == left
    wrong = [act for act in watched.acts if act.outcome == "overruled"]
    assert bool(wrong) == (left != answer) and all(act.wanted and act.source == "test" for act in wrong)


def test_what_is_not_known_is_not_judged() -> None:
    class Broken(Members):
        def names(self, text: str, place: NamePosition) -> AllowedNames | None:
            raise ZeroDivisionError

    class Late(Members):
        pass

    assert guard("shape.", analysis=Members(None)).cut("volume()") == "volume()"
    assert guard("shape.", analysis=Broken()).cut("volume()") == "volume()"
    waiting: list[Future[AllowedNames | None]] = []

    def never_done(job: Callable[[], AllowedNames | None]) -> Future[AllowedNames | None]:
        waiting.append(Future())
        return waiting[-1]

    request = CompletionRequest("a.py", "shape.", "", monitor_deadline_ms=1)
    late = NameGuard(Late(), request, never_done)
    assert late.cut("volume()") == "volume()" and late.acts[0].outcome == "late" and waiting[0].cancelled()


def test_names_that_are_only_likely_forbid_a_server_nothing() -> None:
    class Guesses(Members):
        def names(self, text: str, place: NamePosition) -> AllowedNames | None:
            found = super().names(text, place)
            return None if found is None else replace(found, strength="likely")

    assert guard("x = shape.ar", analysis=Guesses()).constraint("regex") == {}
    watched = guard("x = shape.", analysis=Guesses())
    assert watched.cut("volume()") == "volume()" and [act.outcome for act in watched.acts] == ["abstained"]


def test_the_constraint_lets_the_allowed_names_through_and_no_others() -> None:
    fields = guard("x = shape.ar").constraint("structured_outputs")
    regex = fields["structured_outputs"]["regex"]
    assert all(re.fullmatch(regex, text) for text in ("ea", "ea_of_all", "ea()", "ea_of_all + 1"))
    assert not any(re.fullmatch(regex, text) for text in ("", "c", "ea_of", "eas", "perimeter"))
    assert guard("x = shape.").constraint("guided_choice") == {"guided_choice": sorted(MEMBERS)}
    grammar = guard("x = shape.").constraint("grammar")["grammar"]
    assert grammar.startswith('root ::= ("area" | "area_of_all" | "perimeter") (')
    assert guard("x = shape.", "_of_all").constraint("guided_choice") == {"guided_choice": ["area"]}
    for nothing in (guard("x = "), guard("draw("), guard("shape.z"), guard("shape.", analysis=Members(None))):
        assert nothing.constraint("regex") == {}
    many = Members(frozenset(f"name{number}" for number in range(1000)))
    assert guard("shape.", analysis=many).constraint("regex") == {}


@pytest.mark.parametrize("obeys", ["structured_outputs", "guided_regex", "regex", "grammar", "guided_choice", None])
def test_servers_are_held_to_the_names_or_cut(
    theirs: PreTrainedTokenizerFast, tmp_path: Path, obeys: Constraint | None
) -> None:
    theirs.save_pretrained(tmp_path)

    def choose(value: object) -> str:
        told = str(value)
        return "zqx7" if "zqx7" in told else "perimeter" if "perimeter" in told else "nothing"

    request = CompletionRequest("a.py", "x = shape.", "\n", monitor_deadline_ms=5000)
    with CompletionsServer(theirs, lambda prompt: "volume() + 1", obeys=obeys) as server:
        server.choose = choose
        made = engine_at(
            server.url,
            load_tokenizer(tmp_path),
            Local(),
            with_features=True,
            analysts=Knows(Members()),
        )
        with closing(made) as engine:
            completion = engine.complete(request, NoRetriever())
            assert engine._session is not None and engine._session.capabilities.features.constraint == obeys
    assert completion.text == ("" if obeys is None else "perimeter")
    assert [act.outcome for act in completion.trace.monitor_acts] == ["overruled" if obeys is None else "agreed"]
