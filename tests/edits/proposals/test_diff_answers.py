"""What a diff's continuation becomes as a proposal, with a model that is told what to prefer and what to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from codeassist.completion.pipeline import never
from codeassist.edits.change import LineChange
from codeassist.edits.diff_prompt import DiffPrompt
from codeassist.edits.edit_model import EditModel
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.proposals.diff import DiffProposer
from codeassist.edits.site import Site

TEXT = "one\ntwo\nthree\nfour\n"
REQUEST = EditRequest("x", 0, (), {"x": TEXT})


@dataclass
class Scripted:
    """A model of characters. After the diff line that is a key of `markers` it prefers that marker; it writes `text`,
    then ends as `end` says."""

    markers: Mapping[str, str] = field(default_factory=dict[str, str])
    text: str = ""
    end: str = "stop_token"
    context_tokens: int = 4_000
    drafted_from: list[str] = field(default_factory=list[str])
    tokenizer: Any = field(default_factory=lambda: SimpleNamespace(token_bytes=lambda token: bytes([token])))

    def logprobs(
        self, prompt: Sequence[int], continuation: Sequence[int], should_stop: Callable[[], bool] = never
    ) -> torch.Tensor:
        rows = torch.zeros(1 + len(continuation), 256)
        last = bytes([*prompt, *continuation]).decode().split("\n")[-2]
        rows[-1, ord(self.markers.get(last, "+"))] = 9.0
        return rows

    def generate(
        self,
        prompt: Sequence[int],
        max_new_tokens: int,
        original: Sequence[int],
        accept: Callable[[int, float], bool],
        should_stop: Callable[[], bool] = never,
    ) -> Any:
        assert bytes(prompt).endswith(b"+")
        self.drafted_from.append(bytes(original).decode())
        for byte in self.text.encode():
            if not accept(byte, 0.0):
                return SimpleNamespace(end="refused")
        return SimpleNamespace(end=self.end)


def proposed(model: Scripted, start: int, end: int) -> list[LineChange]:
    prompt = DiffPrompt(lambda text: list(text.encode()))
    site = Site("x", start, end, 0.5, "near", "")
    return [each.change for each in DiffProposer(cast("EditModel", model), prompt).propose(REQUEST, site)]


def test_a_line_becomes_others() -> None:
    model = Scripted(text="TWO\n+and more\n three")
    assert proposed(model, 1, 2) == [LineChange("x", 1, ("two",), ("TWO", "and more"))]
    assert model.drafted_from == ["two\n "]


def test_a_line_goes_where_the_model_keeps_the_next_one() -> None:
    assert proposed(Scripted({"-two": " "}), 1, 2) == [LineChange("x", 1, ("two",), ())]


def test_lines_below_go_too_where_the_model_takes_them_away() -> None:
    model = Scripted({"-two": "-", "-three": "+"}, "2\n ")
    assert proposed(model, 1, 2) == [LineChange("x", 1, ("two", "three"), ("2",))]
    assert proposed(Scripted({"-two": "-", "-three": "-", "-four": "-", "-": " "}), 1, 2) == [
        LineChange("x", 1, ("two", "three", "four", ""), ())
    ]


def test_of_several_lines_no_more_go_than_are_asked_about() -> None:
    model = Scripted({"-three": "-"}, "2\n ")
    assert proposed(model, 1, 3) == [LineChange("x", 1, ("two", "three"), ("2",))]


def test_something_goes_in_before_a_line() -> None:
    assert proposed(Scripted(text="new\n two"), 1, 1) == [LineChange("x", 1, (), ("new",))]


def test_what_stays_is_no_change() -> None:
    assert proposed(Scripted(text="two\n three"), 1, 2) == []
    assert proposed(Scripted({"-two": "-"}, "two\n+3\n four"), 1, 2) == [LineChange("x", 2, ("three",), ("3",))]


@pytest.mark.parametrize("end", ["max_tokens", "cancelled"])
def test_an_answer_that_does_not_end_is_none(end: str) -> None:
    assert proposed(Scripted(text="TWO\n+an", end=end), 1, 2) == []
    assert proposed(Scripted(text="x\n+" * 40, end=end), 1, 2) == []


def test_what_does_not_fit_the_model_is_not_asked() -> None:
    model = Scripted(text="TWO\n ", context_tokens=40)
    assert proposed(model, 1, 2) == [] and model.drafted_from == []
