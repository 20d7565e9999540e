"""A file that was worked on before gets its first suggestion from states on the disk, from another server, too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.end_to_end.conftest import Program
from tests.lsp.conftest import editor_for
from tests.lsp.editor import Editor, within

TEXT = "".join(f"def area_{number}(width, height):\n    return width * height * {number}\n\n" for number in range(12))
SAID = f"{TEXT}#say points\nx = \n"
LINE = SAID.count("\n") - 1


def serve(program: Program, test: Callable[[Editor], Awaitable[None]], **settings: Any) -> None:
    async def run() -> tuple[int | None, str]:
        editor = editor_for(program)
        await (await editor.start({"editor": {"debounce_ms": 0}, **settings})).ready()
        await within(test(editor))
        return await editor.stop()

    code, errors = asyncio.run(run())
    assert code == 0 and "Traceback" not in errors, errors


async def asked(editor: Editor, path: str) -> None:
    editor.open(path, SAID)
    items = await editor.ask(path, LINE, 4)
    assert items[0].insert_text == "points"


def files(program: Program) -> list[Path]:
    return sorted((program.home / "cache" / "states").glob("*/*.states"))


def test_reopened_in_the_next_server(program: Program) -> None:
    async def first(editor: Editor) -> None:
        await asked(editor, "src/app.py")
        await asked(editor, ".env")
        editor.open("untitled:Untitled-1", SAID)
        await editor.ask("untitled:Untitled-1", LINE, 4)
        assert (await editor.run("codeassist.status"))["cache"]["read_back"] == 0

    serve(program, first)
    assert len(files(program)) == 1  # what is typed into a file of keys, or into none, stays in memory

    async def second(editor: Editor) -> None:
        await asked(editor, "src/app.py")
        assert (await editor.run("codeassist.status"))["cache"]["read_back"] == 1
        await asked(editor, ".env")
        assert (await editor.run("codeassist.status"))["cache"]["read_back"] == 1

    serve(program, second)
    before = files(program)

    async def without(editor: Editor) -> None:
        await asked(editor, "src/app.py")
        cache = (await editor.run("codeassist.status"))["cache"]
        assert (cache["kept_on_disk"], cache["read_back"]) == (0, 0)

    serve(program, without, cache={"disk_mib": 0})
    assert files(program) == before
