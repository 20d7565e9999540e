"""Next edits as inline completions: how they are drawn, when, and for whom."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from lsprotocol import types

from codeassist.document import Document, TextEdit
from codeassist_lsp.edits.ghost_edits import ghost_text
from tests.end_to_end.conftest import Program
from tests.lsp.conftest import editor_for
from tests.lsp.editor import Editor, within

SEED = 20261130
TEXT = "old(0)\nold(2)  # add\n#say said\nx = \n    \nold(3)  # above\n"


def test_what_is_drawn_makes_what_the_edit_makes() -> None:
    rng = random.Random(SEED)
    num_drawn = num_typed_along = 0
    for _ in range(10_000):
        text = "".join(rng.choice("ab\n") for _ in range(rng.randrange(8)))
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.randrange(3))
        edit = TextEdit(start, end, "".join(rng.choice("ab\n") for _ in range(rng.randrange(5))))
        after = text[:start] + edit.text + text[end:]
        typed, place = (
            "".join(rng.choice("ab\n") for _ in range(rng.choice((0, 0, 1, 2)))),
            rng.randrange(len(text) + 1),
        )
        now, cursor = text[:place] + typed + text[place:], place + len(typed)
        drawn = ghost_text(Document("a.py", text), edit, now, cursor)
        case = f"seed {SEED}: {text!r} {edit} {now!r} {cursor}"
        if drawn is None:
            is_insertion = after[:place] == text[:place] and after[len(after) - len(text) + place :] == text[place:]
            follows = after[place : place + len(typed)] == typed and len(after) > len(now)
            assert not (is_insertion and follows and len(after) > len(text)), case
            continue
        shown, num_repeated = drawn
        num_drawn, num_typed_along = num_drawn + 1, num_typed_along + bool(typed)
        assert now[: shown.start_char] + shown.text + now[shown.end_char :] == after, case
        assert shown.start_char == cursor and shown.text[:num_repeated] == now[cursor : shown.end_char], case
        assert "\n" not in now[cursor : shown.end_char] and len(shown.text) > num_repeated, case
    assert num_drawn > 500 and num_typed_along > 50, f"seed {SEED}: {num_drawn} {num_typed_along}"


def test_what_was_deleted_at_the_place_does_not_come_back() -> None:
    before = Document("a.py", "call(width)\n")
    assert ghost_text(before, TextEdit(10, 10, ", depth"), "call(wid)\n", 8) is None
    assert ghost_text(before, TextEdit(10, 10, ", depth"), "call(width, depth)\n", 17) is None


def texts(items: list[Any]) -> list[str]:
    return [item.insert_text for item in items]


def test_a_client_without_next_edits_is_shown_them_as_completions(program: Program) -> None:
    async def found(editor: Editor) -> int:
        return (await editor.run("codeassist.status"))["next_edits"]["counts"].get("shown", 0)

    async def ask_and_look(editor: Editor, automatic: bool = True) -> list[str]:
        """Ask for a completion where none of the edits can be drawn, and wait until they were looked for."""
        before = await found(editor)
        items = texts(await editor.ask("a.py", 3, 4, automatic=automatic))
        while await found(editor) == before:
            await asyncio.sleep(0.01)
        return items

    def configure(editor: Editor, **edits: Any) -> None:
        sent = {"codeassist": {"editor": {"debounce_ms": 0}, "edits": edits}}
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(sent))

    async def test() -> None:
        editor = await (await editor_for(program).start({"editor": {"debounce_ms": 0}})).ready()
        editor.open("a.py", TEXT)
        editor.edit("a.py", (0, 0), (0, 3), "new")
        assert await ask_and_look(editor) == ["said"]
        [item] = await editor.ask("a.py", 1, 5, automatic=True)
        assert (item.insert_text, item.range.start, item.range.end) == (", 0", *2 * [types.Position(1, 5)])
        [ahead] = await editor.ask("a.py", 1, 2, automatic=True)
        assert (ahead.insert_text, ahead.range.end) == ("d(2, 0", types.Position(1, 5)), "what stands there is repeated"
        assert texts(await editor.ask("a.py", 1, 6, automatic=True)) != [", 0"], "the place is behind the cursor"
        explained = await editor.run("codeassist.explain", *item.command.arguments)
        assert "a next edit: uses" in explained["markdown"]
        invoked = texts(await editor.ask("a.py", 3, 4))
        assert invoked == ["said"], "nothing follows here"

        editor.edit("a.py", (1, 5), (1, 5), ",")
        assert texts(await editor.ask("a.py", 1, 6, automatic=True)) == [" 0"], "the rest of it"
        editor.edit("a.py", (1, 6), (1, 6), " 0")
        await editor.run("codeassist.accept", *item.command.arguments)
        await ask_and_look(editor)
        [block] = await editor.ask("a.py", 4, 4, automatic=True)
        assert block.insert_text == "\n    more()"
        assert texts(await editor.ask("a.py", 4, 4))[0] == "\n    more()", "asked for, too, and first"
        editor.edit("a.py", (4, 4), (4, 4), "\n    ")
        assert texts(await editor.ask("a.py", 5, 4, automatic=True)) == ["more()"]
        editor.edit("a.py", (4, 4), (5, 4), "")

        configure(editor, mode="off")
        await editor.ask("a.py", 3, 4, automatic=True)
        assert "\n    more()" not in texts(await editor.ask("a.py", 4, 4))
        configure(editor, off_languages=["python"])
        assert "\n    more()" not in texts(await editor.ask("a.py", 4, 4))
        configure(editor, mode="manual")
        assert "\n    more()" not in texts(await editor.ask("a.py", 4, 4, automatic=True))
        await ask_and_look(editor, automatic=False)
        assert "\n    more()" not in texts(await editor.ask("a.py", 4, 4, automatic=True))
        assert texts(await editor.ask("a.py", 4, 4))[0] == "\n    more()"

        configure(editor, mode="automatic")
        assert texts(await editor.ask("a.py", 4, 4, automatic=True)) == ["\n    more()"]
        assert (await editor.ask_edits("a.py", 4))["edits"], "it draws them by itself"
        assert "\n    more()" not in texts(await editor.ask("a.py", 4, 4, automatic=True))
        code, errors = await editor.stop()
        assert code == 0, errors

    asyncio.run(within(test()))
