"""Known answers: shown again, typed along, never stale; random edits against what is suggested without a cache."""

from __future__ import annotations

import ast
import asyncio
import random
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codeassist_indexer.fitting.mid_word import is_in_word
from codeassist_lsp.completion.suggestion_log import ShownSuggestion
from codeassist_lsp.documents.open_document import TextChange
from tests.lsp.imagined import Client, Model, Scope

A, B = "file:///one/src/a.txt", "file:///two/src/a.txt"
NUM_STEPS = 500


def client(say: Any = None, **settings: Any) -> Client:
    async def no_pause(seconds: float) -> None:
        raise AssertionError("time stands still: nobody types")

    model = Model() if say is None else Model(say)
    return Client(model, {A: Scope(Path("/one")), B: Scope(Path("/two"))}, lambda: 0.0, no_pause)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def texts(suggestion_log: list[ShownSuggestion]) -> list[str]:
    return [shown.at_cursor.text for shown in suggestion_log]


def put(one: Client, text: str, uri: str = A) -> None:
    if one.documents.get(uri) is None:
        one.documents.open(uri, "python", 1, text)
    else:
        one.documents.change(uri, one.entry(uri).now.document.version + 1, [TextChange(text, None)])


def accepted(shown: ShownSuggestion) -> str:
    text = shown.document.document.text
    return text[: shown.at_cursor.start_char] + shown.at_cursor.text + text[shown.at_cursor.end_char :]


def points(question: str) -> str:
    return "points"


def test_typing_along_and_back_needs_no_model() -> None:
    async def test() -> None:
        one = client(points)
        for typed, rest in [("", "points"), ("p", "oints"), ("po", "ints"), ("p", "oints"), ("", "points")]:
            put(one, f"x = {typed}\n")
            assert texts(await one.ask(A, 4 + len(typed))) == [rest]
        assert one.model.num_asked == 1
        assert (one.counts.num_hits, one.counts.num_along) == (1, 3)
        put(one, "x = points\n")
        assert texts(await one.ask(A, 10)) == [], "the model says again what stands before the cursor"
        assert one.model.num_asked == 2, "typed to its end: asked again"

    run(test())


def test_a_closer_that_stands_there_already_is_no_suggestion() -> None:
    async def test() -> None:
        one = client(lambda question: "a)" if "'f('" in question else ")")
        put(one, "f()\n")
        [first] = await one.ask(A, 2)
        assert accepted(first) == "f(a)\n"
        put(one, "f(a)\n")
        assert await one.ask(A, 3) == [], "neither the rest of the one that was taken, nor what the model says"

    run(test())


def test_what_the_editor_closed_of_what_was_typed_is_replaced() -> None:
    async def test() -> None:
        one = client(lambda question: "([a], b)")
        put(one, "f\n")
        [first] = await one.ask(A, 1)
        assert accepted(first) == "f([a], b)\n"
        for before, after in [("f(", ")\n"), ("f([", "])\n"), ("f([a", "])\n"), ("f([a], ", ")\n")]:
            put(one, before + after)
            [shown] = await one.ask(A, len(before))
            assert accepted(shown) == "f([a], b)\n"
        assert one.model.num_asked == 1
        put(one, "f()\n")
        await one.ask(A, 1)
        assert one.model.num_asked == 2, "nothing was typed: these brackets are others"

    run(test())


@pytest.mark.parametrize("what", ["after", "before", "other files", "model", "setting", "document", "elsewhere"])
def test_what_changes_an_answer_makes_it_unknown(what: str) -> None:
    async def test() -> None:
        one = client()
        for uri in (A, B):
            put(one, "#\nx = \ny = 2\n", uri)
        uri, before, after = A, "#\nx = ", "\ny = 2\n"
        await one.ask(A, len(before))
        assert one.model.num_asked == 1
        if what == "after":
            after = "\ny = 3\n"
        elif what == "before":
            before = "##\nx = "
        elif what == "other files":
            one.places[A].change("something else")
        elif what == "model":
            one.model.num_loaded += 1
        elif what == "setting":
            settings = one.places[A].settings
            one.places[A].settings = replace(settings, completion=replace(settings.completion, max_new_tokens=65))
        elif what == "document":
            uri = B  # the same text and path in another repository
        else:
            before, after = "#\n", "x = \ny = 2\n"
        put(one, before + after, uri)
        found = await one.ask(uri, len(before))
        assert one.model.num_asked == 2
        assert texts(found) == [each.at_cursor.text for each in one.afresh(uri, before, after).suggestions]
        assert one.counts.num_stale == (what == "other files")

    run(test())


def test_other_files_that_were_indexed_anew_but_say_the_same_change_nothing() -> None:
    async def test() -> None:
        one = client(points)
        put(one, "x = ")
        await one.ask(A, 4)
        one.places[A].version += 1  # the document itself was indexed, say
        assert texts(await one.ask(A, 4)) == ["points"]
        one.places[A].version += 1
        put(one, "x = p")
        assert texts(await one.ask(A, 5)) == ["oints"]
        assert one.model.num_asked == 1

    run(test())


def test_alternatives_are_known_to_who_asks_for_them_and_typed_along() -> None:
    async def test() -> None:
        said = iter(["one", "two", "two ", "four", "four", "four"])
        one = client(lambda question: next(said))
        put(one, "x = ")
        assert texts(await one.ask(A, 4, "invoked")) == ["one", "two"], "each only once, spaces aside"
        assert texts(await one.ask(A, 4, "invoked")) == ["one", "two"]
        assert texts(await one.ask(A, 4)) == ["one"], "by itself only the first comes"
        put(one, "x = t")
        assert texts(await one.ask(A, 5)) == ["wo"], "the second was on the screen"
        assert one.model.num_asked == 1
        assert texts(await one.ask(A, 5, "invoked")) == ["four"]

    run(test())


def test_on_demand_only_typing_along_shows_the_rest_and_nothing_else_comes_by_itself() -> None:
    async def test() -> None:
        one = client(points)
        settings = one.places[A].settings
        one.places[A].settings = replace(settings, editor=replace(settings.editor, mode="manual"))
        put(one, "x = ")
        assert texts(await one.ask(A, 4)) == [] and one.model.num_asked == 0
        assert texts(await one.ask(A, 4, "invoked")) == ["points"]
        assert texts(await one.ask(A, 4)) == []
        put(one, "x = p")
        assert texts(await one.ask(A, 5)) == ["oints"]
        put(one, "x = pa")
        assert await one.ask(A, 6) == [] and one.model.num_asked == 1
        put(one, "y = ")
        await one.ask(A, 4, "invoked")
        put(one, "x = p")
        assert await one.ask(A, 5) == [], "another one was shown meanwhile"

    run(test())


@pytest.mark.parametrize("taken", range(3))
def test_on_demand_only_any_alternative_that_was_shown_can_be_typed_along(taken: int) -> None:
    names = ["points", "area", "length"]

    async def test() -> None:
        one = client(lambda question: names[ast.literal_eval(question)[7]])
        settings = one.places[A].settings
        one.places[A].settings = replace(settings, editor=replace(settings.editor, mode="manual"))
        put(one, "x = ")
        assert texts(await one.ask(A, 4, "invoked")) == names
        put(one, f"x = {names[taken][0]}")
        assert texts(await one.ask(A, 5)) == [names[taken][1:]]

    run(test())


def test_an_empty_answer_is_known_too_but_not_instead_of_one_that_is_typed_along() -> None:
    async def test() -> None:
        one = client(lambda question: "points" if "'x = '" in question else "")
        for _ in range(2):
            put(one, "x = p")
            assert await one.ask(A, 5) == []
        assert one.model.num_asked == 1
        put(one, "x = ")
        assert texts(await one.ask(A, 4)) == ["points"]
        put(one, "x = p")
        assert texts(await one.ask(A, 5)) == ["oints"]
        assert one.model.num_asked == 2

    run(test())


def test_a_makeshift_answer_is_typed_along_but_not_given_again() -> None:
    async def test() -> None:
        one = client(lambda question: "points" if one.model.is_hasty else "polygon")
        one.model.is_hasty = True
        put(one, "x = ")
        assert texts(await one.ask(A, 4)) == ["points"]
        put(one, "x = p")
        assert texts(await one.ask(A, 5)) == ["oints"]
        one.model.is_hasty = False
        for _ in range(2):
            put(one, "x = ")
            assert texts(await one.ask(A, 4)) == ["polygon"]
        put(one, "x = p")
        assert texts(await one.ask(A, 5)) == ["olygon"]
        assert one.model.num_asked == 2

    run(test())


def test_it_is_bounded_and_forgets_documents_that_are_closed() -> None:
    async def test() -> None:
        one = client()
        for n in range(100):
            put(one, f"x{n} = ")
            await one.ask(A, len(f"x{n} = "))
            one.cache(A).check()
        assert len(one.cache(A)) == one.cache(A).most_entries < 100
        put(one, "y = ", B)
        await one.ask(B, 4)
        one.documents.close(A)
        assert one.shared.num_kept == 1

    run(test())


@pytest.mark.parametrize("round_", range(3))
def test_random_edits_never_show_what_the_model_would_not_have_said(round_: int) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)

    def is_fresh(one: Client, uri: str, text: str, cursor: int, num_wanted: int, shown: ShownSuggestion) -> bool:
        """Whether the model says so here, or said so where the last keys were not typed yet."""
        for num_typed in range(min(cursor, 12) + 1):
            for num_closed in range(min(num_typed, 3) + 1):
                before, after = text[: cursor - num_typed], text[cursor + num_closed :]
                # What was typed along may have been an alternative that was asked for.
                suggested = one.afresh(uri, before, after, 3 if num_typed else num_wanted)
                for each in suggested.suggestions:
                    if before + each.at_cursor.text + after[
                        each.at_cursor.end_char - each.at_cursor.start_char :
                    ] == accepted(shown):
                        return True
        return False

    async def test() -> None:
        one = client()
        state = dict.fromkeys((A, B), ("a = \nb = \n", 4))
        uri, shown, num_cached = A, [], 0
        for _ in range(NUM_STEPS):
            text, cursor = state[uri]
            choice = dice.random()
            is_along = False
            if choice < 0.4 and shown:
                char = shown[0].at_cursor.text[0]
                closed = {"(": ")"}.get(char, "") if dice.random() < 0.5 else ""
                replaced, rest = text[cursor : shown[0].at_cursor.end_char], shown[0].at_cursor.text[1:]
                chars = iter(rest)
                # A closer that is typed instead of skipped stands there twice: what replaces it fits no more.
                is_along = not closed and rest not in ("", replaced) and all(each in chars for each in replaced)
                text, cursor = text[:cursor] + char + closed + text[cursor:], cursor + 1
            elif choice < 0.55:
                text, cursor = text[:cursor] + dice.choice("ab)(. ") + text[cursor:], cursor + 1
            elif choice < 0.75 and cursor:
                text, cursor = text[: cursor - 1] + text[cursor:], cursor - 1
            elif choice < 0.8:
                at = dice.randrange(len(text) + 1)
                text, cursor = text[:at] + "\n" + text[at:], cursor + (at < cursor)
            elif choice < 0.85:
                cursor = dice.randrange(len(text) + 1)
            elif choice < 0.88:
                one.places[uri].change(dice.choice(["other", "another"]))
            elif choice < 0.9:
                one.model.num_loaded += 1
            elif choice < 0.93:
                settings = one.places[uri].settings
                completion = replace(settings.completion, max_new_tokens=dice.choice([64, 65]))
                one.places[uri].settings = replace(settings, completion=completion)
            elif choice < 0.96:
                uri = B if uri == A else A
                text, cursor = state[uri]
            state[uri] = (text[-60:], max(0, cursor - max(0, len(text) - 60)))
            text, cursor = state[uri]
            put(one, text, uri)
            is_invoked = not is_along and dice.random() < 0.2
            before = one.model.num_asked
            expected = shown[0].at_cursor.text[1:] if is_along else None
            shown = await one.ask(uri, cursor, "invoked" if is_invoked else "automatic")
            was_cached = one.model.num_asked == before
            num_cached += was_cached
            num_wanted = 3 if is_invoked else 1
            assert all(is_fresh(one, uri, text, cursor, num_wanted, each) for each in shown)
            if expected is not None and len(text) < 60:
                assert was_cached and texts(shown) == [expected]
            assert is_invoked or len(shown) <= 1
            if not shown and (is_invoked or not is_in_word(text[:cursor], text[cursor:], "a.txt")):
                assert not one.afresh(uri, text[:cursor], text[cursor:], num_wanted).suggestions
            one.cache(uri).check()
        assert num_cached > NUM_STEPS // 10

    run(test())


@pytest.mark.parametrize("hidden", ["\x1bc", "\u202e", "\u200b", "\x00"])
def test_a_control_character_that_the_place_does_not_hold_is_not_suggested(hidden: str) -> None:
    async def test() -> None:
        one = client(lambda question: f"'{hidden}'")
        put(one, "x = \n")
        assert texts(await one.ask(A, 4)) == []
        put(one, f"# {hidden}\nx = \n")
        assert texts(await one.ask(A, len(hidden) + 7)) == [f"'{hidden}'"], "it stands there already"

    run(test())
