"""Over real stdio: what a client says a document is decides how it is read, whatever it is called."""

from __future__ import annotations

import time

import pytest

from tests.lsp.conftest import Run
from tests.lsp.editor import DEADLINE_S, Editor

IN_THE_FOLDER = ("bin/report", "notes.txt", "build.v2")
UNTITLED = "untitled:Untitled-1"
BODY = "    for x in points:\\n        area(x)\\nrest = 1"
SHOWN = "    for x in points:\n        area(x)"


async def sees_the_repository(editor: Editor, path: str) -> None:
    """Ask at (3, 7) until other files are cited: what was late at the first request is looked for at the next."""
    deadline = time.monotonic() + DEADLINE_S
    while [item.insert_text for item in await editor.ask(path, 3, 7)] != ["polygon_area"]:
        assert time.monotonic() < deadline


def paths_of(editor: Editor) -> list[str]:
    planned = f"untitled:{editor.folder.as_posix()}/bin/planned"
    return [*IN_THE_FOLDER, UNTITLED, planned]


@pytest.mark.parametrize("number", range(5))
def test_what_a_client_says_is_python_has_its_blocks_and_its_repository(run: Run, number: int) -> None:
    async def test(editor: Editor) -> None:
        path = paths_of(editor)[number]
        editor.open(path, f"#say {BODY}\ndef show(points):\n", language="python")
        [item] = await editor.ask(path, 2, 0, automatic=True)
        assert item.insert_text == SHOWN, "a body, up to where it ends"
        editor.replace(path, "from src import shapes\n#cite\nshapes.polygon_area\nshapes.\n")
        await sees_the_repository(editor, path)

    run(test)


@pytest.mark.parametrize("first_line", ["#!/usr/bin/env python3", "#!/usr/bin/python"])
def test_a_script_says_itself_what_it_is_where_its_client_does_not(run: Run, first_line: str) -> None:
    async def test(editor: Editor) -> None:
        editor.open("bin/other", f"{first_line}\n#say {BODY}\ndef show(points):\n", language="plaintext")
        [item] = await editor.ask("bin/other", 3, 0, automatic=True)
        assert item.insert_text == SHOWN
        editor.replace("bin/other", f"#say {BODY}\ndef show(points):\n")
        found = await editor.ask("bin/other", 2, 0, automatic=True)
        assert [item.insert_text for item in found] == [SHOWN.partition("\n")[0]], "of no language: a line"

    run(test)


def test_a_language_that_is_changed_changes_what_is_known(run: Run) -> None:
    async def test(editor: Editor) -> None:
        text = f"#say {BODY}\ndef show(points):\n"
        editor.open("notes.txt", text, language="python")
        assert [item.insert_text for item in await editor.ask("notes.txt", 2, 0, automatic=True)] == [SHOWN]
        editor.close("notes.txt")
        editor.open("notes.txt", text, language="plaintext")
        [item] = await editor.ask("notes.txt", 2, 0, automatic=True)
        assert item.insert_text == SHOWN.partition("\n")[0]

    run(test)
