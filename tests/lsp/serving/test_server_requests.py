"""Many requests at once over real stdio: the newest wins, what is cancelled stops, what is outdated is not shown."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.end_to_end.conftest import Program
from tests.lsp.conftest import Run, editor_for
from tests.lsp.editor import CANCELLED, Editor, within

NEVER = "#until /there/is/no/such/file\n"


def code_of(answer: Any) -> int | None:
    return answer.code if isinstance(answer, JsonRpcException) else None


async def counts(editor: Editor) -> dict[str, int]:
    return (await editor.idle())["requests"]["counts"]


def since(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {what: n - before.get(what, 0) for what, n in after.items() if n != before.get(what, 0)}


def test_of_a_burst_of_100_one_is_answered_and_99_are_cancelled(run: Run) -> None:
    async def test(editor: Editor) -> None:
        before = await counts(editor)
        editor.open("burst.py", NEVER + "x = ")
        asked: list[Any] = []
        for n in range(99):
            editor.edit("burst.py", (1, 4 + n), (1, 4 + n), "a")
            asked.append(editor.begin("burst.py", 1, 5 + n, automatic=n % 2 == 0)[1])
        editor.edit("burst.py", (0, 0), (1, 4 + 99), "#say points\ny = ")
        asked.append(editor.begin("burst.py", 1, 4)[1])
        answers = await within(asyncio.gather(*asked, return_exceptions=True))
        assert [code_of(answer) for answer in answers[:-1]] == [CANCELLED] * 99
        assert [item.insert_text for item in answers[-1].items] == ["points"]
        assert since(before, await counts(editor)) == {"cancelled": 99, "answered": 1}

    run(test)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at a clock that processes share there")
def test_the_server_says_when_it_read_a_request_and_when_its_answer_was_written(run: Run) -> None:
    async def test(editor: Editor) -> None:
        editor.open("timed.py", "#say points\nx = ")
        began = time.monotonic()
        assert len(await editor.ask("timed.py", 1, 4)) == 1
        last = (await editor.run("codeassist.status", {"recent": True}))["recent"][-1]
        ended = time.monotonic()  # the clock is looked at after the writing
        took_ms = (last["written_s"] - last["read_s"]) * 1e3
        moments = [last[name] for name in ("read_s", "asked_s", "done_s", "written_s")]
        assert [began, *moments, ended] == sorted([began, *moments, ended])
        assert took_ms >= last["stage_ms"]["total"] - 1  # from when it is handled until it is answered

    run(test)


def test_a_burst_of_identical_requests_is_one_run_of_the_model(run: Run, tmp_path: Path) -> None:
    async def test(editor: Editor) -> None:
        before = (await editor.idle())["requests"]
        gate = tmp_path / "gate"
        editor.open("same.py", f"#until {gate}\n#say points\nx = ")
        asked = [editor.begin("same.py", 2, 4)[1] for _ in range(100)]
        first = await within(asyncio.gather(*asked[:-1], return_exceptions=True))
        assert [code_of(answer) for answer in first] == [CANCELLED] * 99
        gate.touch()
        assert len((await within(asked[-1])).items) == 1
        after = (await editor.idle())["requests"]
        assert after["joined"] - before["joined"] == 99
        assert since(before["counts"], after["counts"]) == {"cancelled": 99, "answered": 1}

    run(test)


def test_a_cancelled_request_is_answered_at_once_and_its_work_stops(run: Run) -> None:
    async def test(editor: Editor) -> None:
        editor.open("slow.py", NEVER + "x = ")
        number, answer = editor.begin("slow.py", 1, 4)
        while (await editor.run("codeassist.status"))["requests"]["under_way"] == 0:
            await asyncio.sleep(0)
        editor.client.cancel_request(types.CancelParams(number))
        with pytest.raises(JsonRpcException) as error:
            await within(answer)
        assert error.value.code == CANCELLED
        editor.replace("slow.py", "#say points\nx = ")
        assert len(await editor.ask("slow.py", 1, 4)) == 1, "the inference thread is free again"

    run(test)


def test_a_document_that_is_closed_while_it_is_asked_about_gets_no_suggestion(run: Run, tmp_path: Path) -> None:
    async def test(editor: Editor) -> None:
        gate = tmp_path / "gate"
        editor.open("gone.py", f"#until {gate}\n#say points\nx = ")
        _, answer = editor.begin("gone.py", 2, 4)
        editor.close("gone.py")
        gate.touch()
        assert (await within(answer)).items == ()

    run(test)


@pytest.mark.parametrize(("typed", "rest"), [("po", "ints"), ("pa", None), ("points", None)])
def test_a_result_for_an_older_text_is_shown_only_where_it_still_fits(
    run: Run, tmp_path: Path, typed: str, rest: str | None
) -> None:
    async def test(editor: Editor) -> None:
        gate = tmp_path / "gate"
        editor.open("typing.py", f"#until {gate}\n#say points\nx = \n")
        _, answer = editor.begin("typing.py", 2, 4)
        for n, char in enumerate(typed):
            editor.edit("typing.py", (2, 4 + n), (2, 4 + n), char)
        await editor.run("codeassist.status")  # the edits were taken
        gate.touch()
        items = (await within(answer)).items
        assert [item.insert_text for item in items] == ([] if rest is None else [rest])
        assert [item.range.start.character for item in items] == ([] if rest is None else [4 + len(typed)])

    run(test)


def test_an_edit_elsewhere_makes_a_result_outdated(run: Run, tmp_path: Path) -> None:
    async def test(editor: Editor) -> None:
        gate = tmp_path / "gate"
        editor.open("typing.py", f"#until {gate}\n#say points\nx = \ny = 2\n")
        _, answer = editor.begin("typing.py", 2, 4)
        editor.edit("typing.py", (3, 0), (3, 1), "z")
        await editor.run("codeassist.status")
        gate.touch()
        assert (await within(answer)).items == ()

    run(test)


def test_the_modes_and_languages_that_are_off(program: Program) -> None:
    async def test() -> None:
        options: dict[str, Any] = {"editor": {"mode": "manual", "off_languages": ["markdown"]}}
        editor = await (await editor_for(program).start(options)).ready()
        editor.open("a.py", "#say points\nx = ")
        editor.open("a.md", "#say points\nx = ", language="markdown")
        assert await editor.ask("a.py", 1, 4, automatic=True) == []
        assert len(await editor.ask("a.py", 1, 4)) == 1
        assert await editor.ask("a.md", 1, 4) == []

        editor.settings = {"editor": {"mode": "off"}}
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
        await editor.hears(lambda: editor.statuses[-1].kind == "Inactive")
        assert await editor.ask("a.py", 1, 4) == []

        sent = {"codeassist": {"editor": {"completion_items": True, "mod": "off"}}}
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(sent))
        await editor.hears(lambda: editor.messages)
        assert "did you mean editor.mode?" in editor.messages[-1]
        assert len(await editor.ask("a.py", 1, 4, automatic=True)) == 1
        listed = await within(
            editor.client.text_document_completion_async(
                types.CompletionParams(types.TextDocumentIdentifier(editor.uri("a.py")), types.Position(1, 4))
            )
        )
        [entry] = listed.items
        assert (entry.label, entry.text_edit.new_text) == ("points", "points")
        assert entry.command.command == "codeassist.accept"
        await editor.stop()

    asyncio.run(within(test()))
