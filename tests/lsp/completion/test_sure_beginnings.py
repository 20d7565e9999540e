"""Of what comes by itself the sure beginning is shown first; its rest is there at once, and nothing is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codeassist_lsp.handlers.feedback import Feedback
from codeassist_lsp.usage.suggestion_outcome import SuggestionOutcome
from tests.end_to_end.conftest import Program
from tests.lsp.completion.test_suggestion_cache import A, accepted, client, put, run, texts
from tests.lsp.conftest import editor_for
from tests.lsp.editor import within
from tests.lsp.imagined import Client


def doubting(said: str, sure: str, **editor: Any) -> Client:
    """Whose model says something at the beginning of a line's value, and is sure of so much; nothing else is said."""
    one = client(lambda question: said if "'x = '" in question else "")
    one.model.sure = sure
    settings = one.places[A].settings
    one.places[A].settings = replace(settings, editor=replace(settings.editor, **editor))
    return one


def test_the_rest_is_there_as_soon_as_the_beginning_is_accepted() -> None:
    async def test() -> None:
        one = doubting("points(area)", "points")
        put(one, "x = \n")
        beginning, whole = await one.ask(A, 4)
        assert texts([beginning, whole]) == ["points", "points(area)"], "all of it stays an alternative"
        assert texts(await one.ask(A, 4)) == ["points", "points(area)"], "known by now"
        put(one, accepted(beginning))
        [rest] = await one.ask(A, 10)
        assert rest.at_cursor.text == "(area)" and accepted(rest) == accepted(whole) == "x = points(area)\n"
        put(one, "x = points(a\n")
        assert texts(await one.ask(A, 12)) == ["rea)"]
        assert one.model.num_asked == 1
        put(one, "x = po\n")
        assert texts(await one.ask(A, 6)) == ["ints"], "typed along, the beginning stays one"

    run(test())


@pytest.mark.parametrize(
    ("kind", "editor", "sure"),
    [
        ("invoked", {}, "points"),
        ("automatic", {"min_confidence": 0.0}, "points"),
        ("automatic", {}, "points(area)"),
        ("automatic", {}, "otherwise"),
    ],
    ids=["asked for", "no threshold", "all of it sure", "fitted to something else"],
)
def test_whole_answers(kind: Any, editor: dict[str, Any], sure: str) -> None:
    async def test() -> None:
        one = doubting("points(area)", sure, **editor)
        put(one, "x = \n")
        assert texts(await one.ask(A, 4, kind)) == ["points(area)"]

    run(test())


def test_an_answer_that_was_given_up_has_a_beginning_only() -> None:
    async def test() -> None:
        one = doubting("", "points")
        put(one, "x = \n")
        [beginning] = await one.ask(A, 4)
        assert beginning.at_cursor.text == "points"
        put(one, accepted(beginning))
        assert await one.ask(A, 10) == [] and one.model.num_asked == 2, "the model is asked for what comes then"

    run(test())


def test_a_bracket_that_stands_there_is_not_taken_by_the_beginning() -> None:
    async def test() -> None:
        one = doubting("f(a, b)", "f(a")
        put(one, "x = )\n")
        beginning, whole = await one.ask(A, 4)
        assert accepted(beginning) == "x = f(a)\n" and accepted(whole) == "x = f(a, b)\n"
        put(one, accepted(beginning))
        [rest] = await one.ask(A, 7)
        assert accepted(rest) == "x = f(a, b)\n" and one.model.num_asked == 1

    run(test())


def test_beginning_and_rest_are_counted_each_for_itself(tmp_path: Path) -> None:
    async def test() -> None:
        one = doubting("points(area)", "points")
        counted: dict[str, SuggestionOutcome] = {}
        feedback = Feedback(lambda path, outcome: counted.update({outcome.id: outcome}), lambda after_s, look: None)
        put(one, "x = \n")
        beginning, _ = await one.ask(A, 4)
        feedback.shown(beginning)
        feedback.accepted(beginning)
        put(one, accepted(beginning))
        [rest] = await one.ask(A, 10)
        feedback.shown(rest)
        told = [(each.num_chars, each.is_shown, each.is_accepted, each.accepted_chars) for each in counted.values()]
        assert told == [(6, True, True, 6), (6, True, False, 0)]
        feedback.accepted(rest)
        told = [(each.num_chars, each.is_shown, each.is_accepted, each.accepted_chars) for each in counted.values()]
        assert told == [(6, True, True, 6)] * 2

    run(test())


def test_in_a_server(program: Program) -> None:
    async def test() -> None:
        editor = await editor_for(program).start({"editor": {"debounce_ms": 0}})
        await editor.ready()
        editor.open("half.py", "#say points(area)\n#sure points\nx = \n")
        assert [item.insert_text for item in await editor.ask("half.py", 2, 4, automatic=True)] == [
            "points",
            "points(area)",
        ]
        editor.edit("half.py", (2, 4), (2, 4), "points")
        assert [item.insert_text for item in await editor.ask("half.py", 2, 10, automatic=True)] == ["(area)"]
        explained = await editor.run("codeassist.explain")
        assert (explained["text"], explained["sure"]) == ("(area)", "points")
        cache = (await editor.run("codeassist.status"))["results"]
        assert cache["along"] == 1, cache
        code, errors = await editor.stop()
        assert code == 0 and not errors, errors

    asyncio.run(within(test()))
