"""Known answers over real stdio: typing along does not run the model, and what changed meanwhile is never shown."""

from __future__ import annotations

import asyncio
from typing import Any

from lsprotocol import types

from tests.end_to_end.conftest import Program
from tests.lsp.conftest import Run, editor_for
from tests.lsp.editor import Editor, within


async def last(editor: Editor) -> dict[str, Any]:
    """What became of the last request."""
    return (await editor.run("codeassist.status", {"recent": True}))["recent"][-1]


async def texts(editor: Editor, path: str, line: int, col: int, automatic: bool = True) -> list[str]:
    return [item.insert_text for item in await editor.ask(path, line, col, automatic)]


def test_typing_along_keeps_the_rest_and_does_not_run_the_model(run: Run) -> None:
    async def test(editor: Editor) -> None:
        before = (await editor.idle())["results"]
        editor.open("along.py", "#say points\nx = \n")
        assert await texts(editor, "along.py", 1, 4) == ["points"]
        assert (await last(editor))["num_new_tokens"] > 0
        for n, char in enumerate("poi"):
            editor.edit("along.py", (1, 4 + n), (1, 4 + n), char)
            [item] = await editor.ask("along.py", 1, 5 + n, automatic=True)
            assert item.insert_text == "points"[n + 1 :]
            assert (item.range.start.character, item.range.end.character) == (5 + n, 5 + n)
            found = await last(editor)
            assert (found["outcome"], found["num_prompt_tokens"], found["num_new_tokens"]) == ("cached", 0, 0)
            assert set(found["stage_ms"]) == {"total"}
        for n in (2, 1, 0):
            editor.edit("along.py", (1, 4 + n), (1, 5 + n), "")
            assert await texts(editor, "along.py", 1, 4 + n) == ["points"[n:]]
            assert (await last(editor))["outcome"] == "cached"
        after = (await editor.idle())["results"]
        assert {name: after[name] - before[name] for name in ("missed", "along", "hits", "stale")} == {
            "missed": 1, "along": 5, "hits": 1, "stale": 0,
        }  # fmt: skip
        editor.edit("along.py", (1, 4), (1, 4), "y")
        await editor.ask("along.py", 1, 5, automatic=True)
        assert (await last(editor))["outcome"] == "answered"

    run(test)


def test_an_edit_elsewhere_makes_it_unknown(run: Run) -> None:
    async def test(editor: Editor) -> None:
        editor.open("elsewhere.py", "#say points\nx = \ny = 1\n")
        assert await texts(editor, "elsewhere.py", 1, 4) == ["points"]
        editor.edit("elsewhere.py", (2, 4), (2, 5), "2")
        assert await texts(editor, "elsewhere.py", 1, 4) == ["points"]
        assert (await last(editor))["outcome"] == "answered"
        editor.edit("elsewhere.py", (0, 5), (0, 11), "lines")
        assert await texts(editor, "elsewhere.py", 1, 4) == ["lines"]

    run(test)


def test_other_files_other_repositories_and_other_settings(program: Program) -> None:
    text = "from src import shapes\n#cite\nshapes.polygon_area\nshapes.\n"
    other = program.root.parent / "other"
    (other / ".git").mkdir(parents=True)

    async def test() -> None:
        editor = await editor_for(program).start({"editor": {"debounce_ms": 0}}, folders=[program.root, other])
        await editor.ready()
        editor.open("src/app.py", text)
        while not all(each["indexed"] and not each["building"] for each in (await indexes(editor))[:1]):
            await asyncio.sleep(0.01)  # the index tells nobody without progress
        await until(editor, ["polygon_area"])
        assert await texts(editor, "src/app.py", 3, 7) == ["polygon_area"]
        assert (await last(editor))["outcome"] == "cached"

        await ask_elsewhere(editor)
        assert (await last(editor))["outcome"] == "answered", "the same text and path in another repository"

        editor.open("src/shapes.py", "def polygon_area_of(points):\n    return sum(points)\n")
        await until(editor, ["polygon_area_of"])
        assert (await editor.idle())["results"]["stale"] >= 1

        editor.settings = {"editor": {"debounce_ms": 0, "max_lines": 15}}
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
        while (await last(editor))["outcome"] != "answered":  # the server asks for its settings by itself
            assert await texts(editor, "src/app.py", 3, 7) == ["polygon_area_of"]
        code, errors = await editor.stop()
        assert code == 0 and not errors, errors

    async def indexes(editor: Editor) -> list[Any]:
        return (await editor.run("codeassist.status"))["index"]

    async def until(editor: Editor, expected: list[str]) -> None:
        while await texts(editor, "src/app.py", 3, 7) != expected:
            await asyncio.sleep(0.01)

    async def ask_elsewhere(editor: Editor) -> None:
        there = (other / "src" / "app.py").as_uri()
        editor.open(there, text)
        assert await texts(editor, there, 3, 7) == ["nothing"]

    asyncio.run(within(test()))
