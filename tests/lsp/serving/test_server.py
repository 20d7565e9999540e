"""The server over real stdio: what it advertises, offers, and where; what the client closes is forgotten."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from tests.end_to_end.conftest import SOURCES, Program
from tests.lsp.conftest import STAGED, Run, editor_for
from tests.lsp.editor import DEADLINE_S, Editor, within

SAY = "#say polygon_area(points)\n"


def text_after(text: str, item: Any, encoding: str = "utf-16") -> str:
    """What a client makes of accepting an item, counted in the client's own way."""
    codec, width = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[encoding]
    start, end = item.range.start, item.range.end
    assert start.line == end.line
    lines = text.splitlines(keepends=True)
    line = (lines[start.line] if start.line < len(lines) else "").encode(codec)
    new = line[: start.character * width] + item.insert_text.encode(codec) + line[end.character * width :]
    return new.decode(codec).rstrip("\r\n")


def test_it_advertises_what_it_does(run: Run) -> None:
    async def test(editor: Editor) -> None:
        found = editor.capabilities
        assert found.inline_completion_provider is not None, "a client would never ask"
        assert found.completion_provider is None, "only where the setting asks for it"
        assert found.text_document_sync.change == types.TextDocumentSyncKind.Incremental
        assert found.text_document_sync.open_close and found.position_encoding == "utf-16"
        assert found.workspace.workspace_folders.change_notifications
        commands = {"accept", "explain", "status", "reindex", "acceptEdit", "dismissEdit"}
        assert set(found.execute_command_provider.commands) == {f"codeassist.{name}" for name in commands}

    run(test)


def test_an_item_goes_where_it_says(run: Run) -> None:
    async def test(editor: Editor) -> None:
        text = SAY + "area = shapes.\n"
        editor.open("src/app.py", text)
        [item] = await editor.ask("src/app.py", 1, 14, automatic=True)
        assert text_after(text, item) == "area = shapes.polygon_area(points)"
        assert item.command.command == "codeassist.accept" and len(item.command.arguments) == 1

    run(test)


def test_the_model_itself_answers(run: Run) -> None:
    """Whatever the random model says: an answer comes, and what it took is known."""

    async def test(editor: Editor) -> None:
        editor.open("src/app.py", "from src import shapes\n\ndef show(points):\n    shapes.\n")
        await editor.ask("src/app.py", 3, 11)
        recent = (await editor.run("codeassist.status", {"recent": True}))["recent"][-1]
        assert recent["outcome"] in ("answered", "empty") and recent["num_prompt_tokens"] > 0
        assert {"queue", "retrieve", "prompt", "sync", "first_token", "decode", "trim", "total"} == set(
            recent["stage_ms"]
        )

    run(test)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_columns_behind_emoji_combining_marks_and_cjk(run: Run, end: str) -> None:
    async def test(editor: Editor) -> None:
        line = 'x = "😀 e\u0301 漢字", shapes.'
        text = f"#say polygon_area(points){end}{line}{end}y = 1{end}"
        editor.open("wide.py", text)
        column = len(line.encode("utf-16-le")) // 2
        [item] = await editor.ask("wide.py", 1, column, automatic=True)
        assert (item.range.start.character, item.range.end.character) == (column, column)
        assert text_after(text, item) == line + "polygon_area(points)"

    run(test)


def test_line_ends_of_a_crlf_document(run: Run) -> None:
    async def test(editor: Editor) -> None:
        editor.open("dos.py", "#say total = 1\\n    return total\r\ndef f():\r\n    \r\n")
        [item] = await editor.ask("dos.py", 2, 4, automatic=True)
        assert item.insert_text == "total = 1\n    return total"
        editor.edit("dos.py", (2, 4), (2, 4), "t")
        editor.edit("dos.py", (1, 9), (2, 0), "  # up\r\n")
        [item] = await editor.ask("dos.py", 2, 5, automatic=True)
        assert (item.range.start.line, item.range.start.character) == (2, 5), "the edits before it fit"

    run(test)


def test_the_entry_that_the_clients_list_has_selected_is_repeated(run: Run) -> None:
    async def test(editor: Editor) -> None:
        text = "#say (points)\nshapes.pol\n"
        editor.open("src/app.py", text)
        span = types.Range(types.Position(1, 7), types.Position(1, 10))
        [item] = await editor.ask("src/app.py", 1, 10, selected=types.SelectedCompletionInfo(span, "polygon_area"))
        assert item.insert_text == "polygon_area(points)"
        assert text_after(text, item) == "shapes.polygon_area(points)"

    run(test)


def test_a_document_that_is_closed_is_forgotten(run: Run) -> None:
    async def test(editor: Editor) -> None:
        before = (await editor.idle())["cache"]["documents"]
        for name in ("one.py", "two.py"):
            editor.open(name, "import os\n")
            await editor.ask(name, 1, 0)
        status = await editor.idle()
        assert status["cache"]["documents"] == before + 2 and status["cache"]["slots"] > 0
        assert 0 <= status["cache"]["exact_share"] <= 1 and status["threads"] == 1
        for name in list(editor.versions):
            editor.close(name)
        editor.versions.clear()
        assert (await editor.idle())["cache"]["documents"] == before

    run(test)


def test_explain_says_where_the_last_suggestion_came_from(run: Run) -> None:
    async def test(editor: Editor) -> None:
        editor.open("src/app.py", "from src import shapes\n" + SAY + "shapes.polygon_area\nshapes.")
        while not (await editor.run("codeassist.status"))["index"][0]["indexed"]:
            await asyncio.sleep(0.01)  # the index tells nobody without progress
        [item, *_] = await editor.ask("src/app.py", 3, 7)
        found = await editor.run("codeassist.explain", *item.command.arguments)
        assert found == await editor.run("codeassist.explain") and found["text"] == item.insert_text
        assert {snippet["path"] for snippet in found["snippets"]} == {"src/shapes.py"}
        assert "src/shapes.py:1-" in found["markdown"] and "imported in line 1" in found["markdown"]
        assert (await editor.run("codeassist.explain", "no such id"))["snippets"] == []

    run(test)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-32"])
def test_other_encodings(program: Program, encoding: str) -> None:
    async def test() -> None:
        editor = await (await editor_for(program).start(encodings=["utf-7", encoding])).ready()
        assert editor.capabilities.position_encoding == encoding
        line = 'x = "😀 e\u0301 漢字", shapes.'
        editor.open("wide.py", "#say polygon_area(points)\r\n\r\n")
        editor.edit("wide.py", (1, 0), (1, 0), line[:-1])
        units = len(line[:-1].encode("utf-8")) if encoding == "utf-8" else len(line) - 1
        editor.edit("wide.py", (1, units), (1, units), ".")
        [item] = await editor.ask("wide.py", 1, units + 1, automatic=True)
        text = f"#say polygon_area(points)\r\n{line}\r\n"
        assert text_after(text, item, encoding) == line + "polygon_area(points)"
        code, errors = await editor.stop()
        assert code == 0 and not errors, errors

    asyncio.run(within(test()))


def test_who_completes_while_the_index_is_built_has_less_context_until_it_is(program: Program, tmp_path: Path) -> None:
    begin, go_on = tmp_path / "begin", tmp_path / "go_on"
    text = "from src import shapes\n#cite\nshapes.polygon_area\nshapes.\n"

    async def test() -> None:
        environment = {**program.environment(), "CODEASSIST_TEST_BUILD_UNTIL": str(begin)}
        environment |= {
            "CODEASSIST_TEST_REPORT_UNTIL": str(go_on),
            "PYTHONPATH": f"{environment['PYTHONPATH']}:{SOURCES}",
        }
        editor = await Editor(STAGED, program.root, environment).start({"editor": {"debounce_ms": 0}})
        try:
            await editor.in_service()
            [index] = (await editor.run("codeassist.status"))["index"]
            assert index["building"] and index["indexed"] == 0
            editor.open("src/app.py", text)
            assert [item.insert_text for item in await editor.ask("src/app.py", 3, 7)] == ["nothing"]

            begin.touch()
            await editor.hears(lambda: ("begin", "codeassist: index") in progress(editor))
            go_on.touch()
            await editor.ready()
            deadline = time.monotonic() + DEADLINE_S
            while [item.insert_text for item in await editor.ask("src/app.py", 3, 7)] != ["polygon_area"]:
                assert time.monotonic() < deadline
            [index] = (await editor.run("codeassist.status"))["index"]
            assert not index["building"] and 1 <= index["indexed"] <= index["total"]
            await editor.hears(lambda: kinds(editor).count("end") == kinds(editor).count("begin"))
            code, errors = await editor.stop()
            assert code == 0 and not errors, errors
        finally:
            await editor.kill()

    def progress(editor: Editor) -> list[tuple[str, str | None]]:
        return [(value["kind"], value.get("title")) for _, value in editor.progress]

    def kinds(editor: Editor) -> list[str]:
        return [kind for kind, _ in progress(editor)]

    asyncio.run(within(test()))
