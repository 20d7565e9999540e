"""Automatic requests wait while somebody types fast, and only then. The clock is the test's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codeassist_lsp.completion.client_requests import ClientRequest
from codeassist_lsp.completion.scheduling import Debounce
from codeassist_lsp.documents.open_document import TextChange
from tests.lsp.imagined import Client, Model, Scope

A = "file:///one/src/a.txt"


def waits_ms(*gaps_ms: float) -> list[int]:
    """How long each of several requests waits, the gaps between which are these."""
    debounce, now_s = Debounce(), 100.0
    found = [debounce.wait_s(now_s)]
    for gap_ms in gaps_ms:
        now_s += gap_ms / 1e3
        found.append(debounce.wait_s(now_s))
    return [round(wait_s * 1e3) for wait_s in found]


def test_the_first_key_and_the_first_after_a_pause_do_not_wait() -> None:
    assert waits_ms() == [0]
    assert waits_ms(100, 100, 1000, 100) == [0, 130, 130, 0, 130]


def test_who_types_slowly_does_not_wait() -> None:
    assert waits_ms(250, 300, 200, 390) == [0] * 5


@pytest.mark.parametrize("gap_ms", [40, 80, 120, 160])
def test_who_types_fast_waits_a_little_longer_than_until_the_next_key(gap_ms: int) -> None:
    for wait_ms in waits_ms(*[gap_ms] * 5)[1:]:
        assert gap_ms < wait_ms < 2 * gap_ms


def test_it_follows_a_change_of_pace() -> None:
    slower = waits_ms(*[60] * 5, *[150] * 10)
    assert slower[6] < 150 < slower[-1], "a single slow key does not change it, some do"
    assert waits_ms(*[100] * 5, *[300] * 10)[-1] == 0


class Clock:
    """Stands still until the test moves it; who sleeps wakes when it is that late."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.asleep: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.asleep.append((self.now_s + seconds, waking))
        await waking

    async def move(self, seconds: float) -> None:
        self.now_s += seconds
        for due_s, waking in self.asleep:
            if due_s <= self.now_s and not waking.done():
                waking.set_result(None)
        for _ in range(10):
            await asyncio.sleep(0)


class Typist:
    """Types into a document and asks automatically after each key. No other files: no thread is waited for."""

    def __init__(self, debounce_ms: int | None = None) -> None:
        self.clock = Clock()
        place = Scope(Path("/one"))
        place.settings = replace(
            place.settings,
            editor=replace(place.settings.editor, debounce_ms=debounce_ms),
            context=replace(place.settings.context, mode="none"),
        )
        self.client = Client(Model(lambda asked: "points"), {A: place}, lambda: self.clock.now_s, self.clock.sleep)
        self.client.documents.open(A, "python", 1, "")
        self.answers: list[asyncio.Task[Any]] = []

    async def type(self, char: str, kind: Any = "automatic") -> None:
        text = self.client.entry(A).now.document.text + char
        self.client.documents.change(A, len(text) + 1, [TextChange(text, None)])
        entry = self.client.entry(A)
        ask = ClientRequest(("inline", A), entry, entry.now, len(text), kind)
        self.answers.append(asyncio.create_task(self.client.completing.complete(ask)))
        await self.clock.move(0)

    @property
    def outcomes(self) -> dict[str, int]:
        return dict(self.client.requests.counts)


def run(test: Any) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def test_of_fast_keys_the_first_and_the_last_run_the_model() -> None:
    async def test() -> None:
        typist = Typist()
        for char in "total = ":
            await typist.type(char)
            await typist.clock.move(0.1)
        assert typist.client.model.num_asked == 1, "the first key: nobody knows yet that more come"
        await typist.clock.move(0.1)
        assert typist.client.model.num_asked == 2
        assert [shown.at_cursor.text for shown in await typist.answers[-1]] == ["points"]
        assert typist.outcomes == {"answered": 2, "cancelled": 6}
        assert typist.client.requests.recent()[-1]["stage_ms"].keys() >= {"debounce", "total"}

    run(test())


def test_who_asks_for_it_does_not_wait_and_neither_does_what_is_known() -> None:
    async def test() -> None:
        typist = Typist()
        for char in "x = ":
            await typist.type(char)
            await typist.clock.move(0.1)
        await typist.type("#", "invoked")
        assert len(await typist.answers[-1]) == 1
        await typist.clock.move(0.1)
        for char in "poi":
            await typist.type(char)
            assert typist.answers[-1].done(), "known: shown at once, however fast the keys come"
            await typist.clock.move(0.05)
        assert typist.client.model.num_asked == 2 and not any(waking.done() for _, waking in typist.clock.asleep[3:])

    run(test())


def test_a_wait_that_is_set_is_the_same_for_each_key() -> None:
    async def test() -> None:
        typist = Typist(debounce_ms=75)
        for char in "ab":
            await typist.type(char)
            await typist.clock.move(0.07)
            assert not typist.answers[-1].done()
            await typist.clock.move(5)
            assert len(await typist.answers[-1]) == 1
        typist = Typist(debounce_ms=0)
        for char in "ab":
            await typist.type(char)
            assert len(await typist.answers[-1]) == 1

    run(test())
