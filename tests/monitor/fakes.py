"""A tokenizer's tries, and analyses that say what a test wants said."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from functools import cache
from math import inf
from typing import Any, TypeVar

import numpy as np

from codeassist.monitor.monitor import Mask
from codeassist.monitor.name_monitor import NameMonitor
from codeassist.request import (
    AllowedNames,
    Analysis,
    AnalysisService,
    CompletionRequest,
    NameKind,
    NamePosition,
    Strength,
)
from codeassist.tokenization.byte_trie import ByteTrie
from codeassist.tokenization.tokens import Tokenizer
from tests.tokenization import test_tokens

T = TypeVar("T")
TOKENIZERS = ("qwen2", "starcoder2", "sentencepiece", "real qwen", "real smollm2")
TINY = ("qwen2", "starcoder2", "sentencepiece")
SMALL_DEADLINE_MS = 5.0
_PLACES: Sequence[tuple[NameKind, str]] = (
    ("member", r"(?<=[\w)])(?:\.|->|::|\?\.)([^\W\d]\w*)?\Z"),
    ("import", r"(?m:^)from \w+ import ([^\W\d]\w*)?\Z"),
    ("class", r"\bnew ([^\W\d]\w*)?\Z"),
    ("keyword", r"\w\((?:[^()]*,\s*)?([^\W\d]\w*)?\Z"),
)


def tokenizer(name: str) -> Tokenizer:
    if name == "sentencepiece":
        return test_tokens.sentencepiece()[0]
    return test_tokens.real(name.removeprefix("real "))[0] if name.startswith("real") else test_tokens.tiny(name)[0]


@cache
def trie(name: str) -> ByteTrie:
    return ByteTrie.of(tokenizer(name))


class Says:
    """An analysis that finds the same names at every place of the kinds that it is given; None: it abstains.

    `room` says how many arguments there may be by position where `text` ends.
    """

    strength: Strength = "sure"

    def __init__(self, room: Callable[[str], int | None] = lambda text: None, **names: Collection[str] | None) -> None:
        self.allowed = names
        self.room = room
        self.asked: list[tuple[str, NamePosition]] = []

    def place(self, text: str) -> NamePosition | None:
        for kind, pattern in _PLACES:
            found = re.search(pattern, text)
            if found is not None and kind in self.allowed:
                return NamePosition(kind, len(text) - len(found[1] or ""))
        return None

    def names(self, text: str, place: NamePosition) -> AllowedNames | None:
        self.asked.append((text, place))
        names = self.allowed[place.kind]
        return None if names is None else AllowedNames(frozenset(names), "test", self.room(text), self.strength)


class Guesses(Says):
    """One whose names are only likely."""

    strength: Strength = "likely"


class SaysOnce(Says):
    """One that knows the first place of a text only."""

    def place(self, text: str) -> NamePosition | None:
        found = super().place(text)
        self.first = getattr(self, "first", found)
        return found if found == self.first else None


class Hangs(Says):
    """One that answers when `go` is set."""

    def __init__(self, **names: Collection[str] | None) -> None:
        super().__init__(**names)
        self.go = threading.Event()

    def names(self, text: str, place: NamePosition) -> AllowedNames | None:
        assert self.go.wait(60)
        return super().names(text, place)


class Raises(Says):
    def names(self, text: str, place: NamePosition) -> AllowedNames | None:
        raise RecursionError("jedi can")


class Knows:
    """All analysts in one, with one analysis."""

    def __init__(self, analysis: Analysis | None) -> None:
        self.analysis = analysis
        self.warmed: list[tuple[str, str]] = []
        self.was_warmed = threading.Event()

    def find(self, request: CompletionRequest) -> AnalysisService | None:
        return self

    def close(self) -> None:
        self.analysis = None

    def analyse(self, request: CompletionRequest) -> Analysis | None:
        return self.analysis

    def warm(self, request: CompletionRequest) -> None:
        self.warmed.append((request.path, request.prefix + request.suffix))
        self.was_warmed.set()


class Bars:
    """A monitor that objects to tokens by what was written before; it keeps the answer that it was told.

    `bars` is asked about one token and about arrays of tokens. What it bars costs so much, inf: it may not come.
    """

    waited_ms = 0.0

    def __init__(self, size: int, bars: Callable[[list[int], Any], Any], cost: float = inf) -> None:
        self.size, self.bars, self.cost = size, bars, cost
        self.answer: list[int] = []

    def objection(self, token: int, logprob: float) -> Mask | None:
        if not self.bars(self.answer, token):
            return None
        return Mask(~np.broadcast_to(self.bars(self.answer, np.arange(self.size)), self.size), self.cost)

    def whole_names(self, token: int) -> list[list[int]]:
        return []

    @property
    def after_name(self) -> Any:
        return np.ones(self.size, dtype=bool)

    def foresees_objection(self, token: int) -> bool:
        return bool(self.bars(self.answer, token))

    def accept(self, token: int) -> None:
        self.answer.append(token)

    def rollback(self, num_tokens: int) -> None:
        del self.answer[len(self.answer) - num_tokens :]


def at_once(job: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()
    try:
        future.set_result(job())
    except Exception as error:  # noqa: BLE001 — as the thread does
        future.set_exception(error)
    return future


def monitor_of(
    name: str,
    analysis: Analysis,
    prefix: str,
    suffix: str = "",
    trouble: Callable[[Exception], None] = lambda error: None,
) -> NameMonitor:
    token_bytes = tokenizer(name).token_bytes
    return NameMonitor(analysis, prefix, suffix, trie(name), token_bytes, at_once, SMALL_DEADLINE_MS, trouble)
