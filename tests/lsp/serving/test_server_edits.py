"""The next edit over real stdio: what is proposed, where it goes, and when nothing may come."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from tests.end_to_end.conftest import Program
from tests.git_repositories import commit_files, git
from tests.lsp.conftest import Run, editor_for
from tests.lsp.editor import CANCELLED, Editor, within
from tests.lsp.scripted_edits import NEW, OLD

EVERYWHERE = "codeassist/nextEdits"


def text_after(text: str, edit: Any) -> str:
    """What a client makes of an edit, counted in UTF-16 units."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode("utf-16-le")))
    encoded = text.encode("utf-16-le")
    begin, end = (
        min(starts[min(at["line"], len(lines))] + 2 * at["character"], len(encoded))
        for at in (edit["range"]["start"], edit["range"]["end"])
    )
    return (encoded[:begin] + edit["text"].encode("utf-16-le") + encoded[end:]).decode("utf-16-le")


def edit_first(editor: Editor, path: str, text: str) -> str:
    """Open a document and rename the first call in it; return the text after that."""
    editor.open(path, text)
    lines = text.splitlines()
    line = next(number for number, each in enumerate(lines) if OLD in each)
    column = lines[line].index(OLD)
    units = len(lines[line][:column].encode("utf-16-le")) // 2
    editor.edit(path, (line, units), (line, units + 3), "new")
    return text.replace(OLD, NEW, 1)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_next_edit_goes_where_it_says(run: Run, end: str) -> None:
    async def test(editor: Editor) -> None:
        text = end.join(["old(1)", 'x = "😀 漢字"; old(2)', "\told(3)", "y = 1  # old", "old(4)"])
        now = edit_first(editor, "edit.py", text)
        for number in (2, 3, 4):
            answer = await editor.ask_edits("edit.py", number - 1)
            [edit] = answer["edits"]
            assert edit["textDocument"] == {"uri": editor.uri("edit.py"), "version": editor.versions["edit.py"]}
            assert (edit["reason"], edit["source"], edit["path"]) == (
                "uses `old`, which is `new` now", "script", "edit.py",
            )  # fmt: skip
            after = text_after(now, edit)
            assert after == now.replace(f"old({number})", f"new({number})")
            start, stop = edit["range"]["start"], edit["range"]["end"]
            editor.edit("edit.py", (start["line"], start["character"]), (stop["line"], stop["character"]), edit["text"])
            await editor.run(edit["command"]["command"], *edit["command"]["arguments"])
            now = after
        assert await editor.ask_edits("edit.py", 4) == {"edits": [], "whyNone": "nothing seems to be missing"}

    run(test)


def test_lines_go_too(run: Run) -> None:
    async def test(editor: Editor) -> None:
        for text in ("old(1)\nold(2)  # remove\nlast\n", "old(1)\r\nold(2)  # remove"):
            now = edit_first(editor, "gone.py", text)
            [edit] = (await editor.ask_edits("gone.py", 0))["edits"]
            assert text_after(now, edit) == now.replace("old(2)  # remove\n", "").replace("\r\nold(2)  # remove", "")
            editor.close("gone.py")

    run(test)


def test_other_files_are_listed(run: Run) -> None:
    async def test(editor: Editor) -> None:
        unsaved = "old('unsaved')\n"
        for path, text in {"lib/one.py": "old(1)\nold(2)\n", "lib/two.py": "old(3)\n", ".env": "old(4)\n"}.items():
            (editor.folder / path).parent.mkdir(exist_ok=True)
            (editor.folder / path).write_text(text)
        await editor.run("codeassist.reindex")
        editor.open("lib/two.py", unsaved)
        edit_first(editor, "main.py", "old(0)\n")
        answer = await found_in(editor, "main.py", 3)
        assert [(edit["path"], edit["old"], edit["new"], edit["line"]) for edit in answer["edits"]] == [
            ("lib/one.py", ["old(1)"], ["new(1)"], 0),
            ("lib/one.py", ["old(2)"], ["new(2)"], 1),
            ("lib/two.py", ["old('unsaved')"], ["new('unsaved')"], 0),
        ]
        versions = [edit["textDocument"]["version"] for edit in answer["edits"]]
        assert versions == [None, None, editor.versions["lib/two.py"]]
        assert await editor.ask_edits("main.py", 0) == {"edits": [], "whyNone": "nothing seems to be missing"}
        (editor.folder / "lib/one.py").unlink()
        gone = await editor.ask_edits("main.py", 0, EVERYWHERE)
        assert [edit["path"] for edit in gone["edits"]] == ["lib/two.py"]

    run(test)


def test_files_that_commits_changed_together_are_looked_at(program: Program) -> None:
    git(program.root, "init", "-q", "-b", "main")
    commit_files(program.root, {"main.py": "# main\n", "lib/named.py": "old(1)\n"})
    commit_files(program.root, {"main.py": "old(0)\n", "lib/late.py": "gold(2)\n"})  # without the name `old`

    async def test() -> None:
        editor = await (await editor_for(program).start({"editor": {"debounce_ms": 0}})).ready()
        edit_first(editor, "main.py", "old(0)\n")
        answer = await found_in(editor, "main.py", 2)
        assert [edit["path"] for edit in answer["edits"]] == ["lib/late.py", "lib/named.py"]
        code, errors = await editor.stop()
        assert code == 0, errors

    asyncio.run(within(test()))


async def found_in(editor: Editor, path: str, number: int) -> dict[str, Any]:
    """Ask until the index, which is built in the background, has all of so many places."""
    while True:
        answer = await editor.ask_edits(path, 0, EVERYWHERE)
        if len(answer["edits"]) >= number:
            return answer
        await editor.run("codeassist.status")


def test_what_was_turned_down_stays_away(run: Run) -> None:
    async def test(editor: Editor) -> None:
        edit_first(editor, "no.py", "old(1)\nold(2)\nold(3)\n")
        [edit] = (await editor.ask_edits("no.py", 0))["edits"]
        assert edit["old"] == ["old(2)"]
        await editor.run("codeassist.dismissEdit", *edit["command"]["arguments"])
        await editor.run("codeassist.dismissEdit", "no such id")
        [other] = (await editor.ask_edits("no.py", 0))["edits"]
        assert other["old"] == ["old(3)"]
        await editor.run("codeassist.dismissEdit", *other["command"]["arguments"])
        editor.edit("no.py", (0, 0), (0, 0), "# lines move\n")
        answer = await editor.ask_edits("no.py", 0)
        assert answer == {"edits": [], "whyNone": "it was turned down"}

    run(test)


def test_what_changes_meanwhile_ends_the_question(run: Run, tmp_path: Path) -> None:
    async def test(editor: Editor) -> None:
        released = tmp_path / "released"
        edit_first(editor, "slow.py", f"old(1)\n# until {released}\nold(2)\n")
        first = editor.begin_edits("slow.py", 0)
        second = editor.begin_edits("slow.py", 0)  # a newer one wins
        with pytest.raises(Exception) as raised:
            await within(first)
        assert getattr(raised.value, "code", None) == CANCELLED
        editor.edit("slow.py", (0, 0), (0, 0), "# a key\n")  # nobody waits for an edit of what stood there
        with pytest.raises(Exception) as raised:
            await within(second)
        assert getattr(raised.value, "code", None) == CANCELLED
        released.touch()
        [edit] = (await editor.ask_edits("slow.py", 0))["edits"]
        assert (edit["line"], edit["range"]["start"]["line"]) == (3, 3)
        await editor.idle()

    run(test)


def test_an_older_version_and_odd_params_get_nothing(run: Run) -> None:
    async def test(editor: Editor) -> None:
        edit_first(editor, "old.py", "old(1)\nold(2)\n")
        for document in ({"uri": editor.uri("old.py"), "version": 1}, {"uri": "file:///closed.py"}, {"uri": 7}, None):
            answer = await editor.ask_edits("old.py", 0, textDocument=document)
            assert answer["edits"] == [] and "another version" in answer["whyNone"]
        odd = {"diagnostics": [{"line": "x"}, 3, {"line": 1, "message": "m"}]}
        assert len((await editor.ask_edits("old.py", 99_999, context=odd))["edits"]) == 1
        assert (await editor.ask_edits("old.py", 0, position={"line": "?"}))["edits"] == []

    run(test)


def test_a_failure_is_told_and_the_next_question_answered(run: Run) -> None:
    async def test(editor: Editor) -> None:
        edit_first(editor, "bad.py", "old(1)\n# crash\nold(2)\n")
        assert "ZeroDivisionError" in (await editor.ask_edits("bad.py", 0))["whyNone"]
        status = await editor.run("codeassist.status")
        assert "ZeroDivisionError" in status["next_edits"]["why_none"]
        editor.edit("bad.py", (1, 0), (1, 7), "")
        assert len((await editor.ask_edits("bad.py", 0))["edits"]) == 1

    run(test)


def test_calm(run: Run) -> None:
    """Off, on demand, off for a language, files of keys; and nothing where nothing was edited."""

    async def test(editor: Editor) -> None:
        edit_first(editor, "calm.py", "old(1)\nold(2)\n")
        edit_first(editor, "keys.env", "old(1)\nold(2)\n")
        editor.open("fresh.py", "old(1)\n")

        async def why(path: str, invoked: bool = False) -> Any:
            answer = await editor.ask_edits(path, 0, invoked=invoked)
            return answer["whyNone"] if not answer["edits"] else len(answer["edits"])

        async def set_edits(**values: Any) -> None:
            settings = {"codeassist": {"editor": {"debounce_ms": 0}, "edits": values}}
            editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings))
            await editor.run("codeassist.status")

        assert await why("calm.py") == 1
        assert "keys.env" in await why("keys.env") and "keys.env" in await why("keys.env", invoked=True)
        try:
            await set_edits(mode="manual")
            assert await why("calm.py") == "next edits come on demand only (edits.mode)"
            assert await why("calm.py", invoked=True) == 1
            await set_edits(off_languages=["python"])
            assert await why("calm.py", invoked=True) == "next edits are off for python (edits.off_languages)"
            await set_edits(mode="off")
            assert await why("calm.py", invoked=True) == "next edits are switched off (edits.mode)"
        finally:
            await set_edits()

    run(test)
