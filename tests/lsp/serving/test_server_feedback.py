"""Feedback over real stdio into the database, what `codeassist stats` makes of it, and a database that is broken."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from lsprotocol import types

from codeassist.cli.app import app
from codeassist_lsp.usage.feedback_store import write
from codeassist_lsp.usage.suggestion_outcome import SuggestionOutcome
from tests.end_to_end.conftest import Program
from tests.lsp.conftest import STAGED
from tests.lsp.editor import Editor, plain, within

SECRET = "polygon_area"


def timing(item: Any) -> dict[str, Any]:
    """An item as JSON."""
    command = item.command
    return {
        "insertText": item.insert_text,
        "command": {"title": command.title, "command": command.command, "arguments": list(command.arguments)},
    }


def told(editor: Editor, method: str, item: Any, **more: Any) -> None:
    editor.client.protocol.notify(method, {"item": timing(item), **more})


async def stats(editor: Editor, program: Program) -> dict[str, Any]:
    """What the command prints once everything is written."""
    while (await editor.run("codeassist.status"))["feedback"]["unwritten"]:
        await asyncio.sleep(0.01)
    done = await asyncio.to_thread(program.run, "stats", "--json")
    assert done.code == 0, done
    return json.loads(done.out)


def test_feedback_is_counted_and_a_broken_database_costs_only_that(program: Program) -> None:
    database = program.home / "data" / "feedback.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"no database" * 1000)

    async def test() -> None:
        environment = {**program.environment(), "CODEASSIST_TEST_KEPT_AFTER_S": "0.05"}
        environment["PYTHONPATH"] += f":{Path(__file__).parents[3]}"
        editor = await (await Editor(STAGED, program.root, environment).start({"editor": {"debounce_ms": 0}})).ready()
        editor.open("a.py", f"#say {SECRET}(points)\nx = \n")
        [item] = await editor.ask("a.py", 1, 4, automatic=True)
        told(editor, "textDocument/didShowCompletion", item)
        await editor.hears(lambda: editor.messages)
        assert "suggestions are not counted" in editor.messages[0] and str(database) in editor.messages[0]
        database.unlink()

        editor.edit("a.py", (1, 4), (1, 4), SECRET)
        told(editor, "textDocument/didPartiallyAcceptCompletion", item, acceptedLength=len(SECRET))
        [rest] = await editor.ask("a.py", 1, 4 + len(SECRET), automatic=True)
        assert rest.insert_text == "(points)"
        told(editor, "textDocument/didShowCompletion", rest)
        editor.edit("a.py", (1, 4 + len(SECRET)), (1, 4 + len(SECRET)), "(points)")
        assert plain(await editor.run("codeassist.accept", *rest.command.arguments)) is None
        for garbage in ({}, {"item": timing(item)}, {"item": timing(item), "acceptedLength": "9"}):
            editor.client.protocol.notify("textDocument/didPartiallyAcceptCompletion", garbage)
        found = await stats(editor, program)
        while found["looked_chars"] < 20:  # a moment later it is looked what is left
            found = await stats(editor, program)
        assert (found["suggestions"], found["shown"], found["accepted"], found["accepted_in_part"]) == (1, 1, 1, 0)
        assert (found["acceptance_rate"], found["kept_share"], found["accepted_chars"]) == (1.0, 1.0, 20)
        assert found["by_language"].keys() == {"python"} and found["by_model"].keys() == {"own"}
        assert {"queue", "sync", "first_token", "decode", "total"} <= found["latency_ms"].keys()

        editor.open("c.py", "old(1)\n\nold(2)\n")
        editor.edit("c.py", (0, 0), (0, 3), "new")
        [edit] = (await editor.ask_edits("c.py", 0))["edits"]
        editor.client.protocol.notify("textDocument/didShowInlineEdit", {"item": edit})
        editor.client.protocol.notify("codeassist/didJumpToEdit", {"item": edit})
        for garbage in ({}, {"item": 3}, {"item": {"command": {"arguments": ["unknown"]}}}):
            editor.client.protocol.notify("codeassist/didJumpToEdit", garbage)
        editor.edit("c.py", (2, 0), (2, 6), edit["text"])
        await editor.run("codeassist.acceptEdit", *edit["command"]["arguments"])
        while (found := (await stats(editor, program))["by_kind"]["next edit"])["looked_chars"] < 6:
            pass
        assert [found[name] for name in ("shown", "jumped", "accepted", "kept_share")] == [1, 1, 1, 1.0]

        sent = {"codeassist": {"editor": {"debounce_ms": 0}, "feedback": {"count": False}}}
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(sent))
        editor.open("b.py", "#say points\nx = \n")
        [item] = await editor.ask("b.py", 1, 4, automatic=True)
        told(editor, "textDocument/didShowCompletion", item)
        assert (await stats(editor, program))["shown"] == 2
        assert len(editor.messages) == 1, "said once"
        code, errors = await editor.stop()
        assert code == 0, errors

    asyncio.run(within(test()))
    files = list(database.parent.glob("feedback.db*"))
    assert files and all(SECRET.encode() not in file.read_bytes() for file in files), "a document's text"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path))
    monkeypatch.delenv("CODEASSIST_CONFIG", raising=False)
    return tmp_path


def test_stats_prints_and_draws(home: Path) -> None:
    now_s = time.time()

    def outcome(n: int, **more: Any) -> SuggestionOutcome:
        stage_ms = {"total": 10.0 * n, "decode": 5.0 * n}
        return SuggestionOutcome(
            f"id-{n}", now_s - n * 3600, "automatic", "go", "[b]tiny", 10, 1, True, stage_ms=stage_ms, **more
        )

    kept = {"is_accepted": True, "accepted_chars": 10, "looked_chars": 10, "kept_chars": 5}
    write(home / "data" / "feedback.db", [outcome(1, **kept), outcome(2), outcome(3), outcome(24 * 40)])
    plot = home / "stats.png"
    done = CliRunner().invoke(app, ["stats", "--plot", str(plot)])
    assert done.exit_code == 0, done.output
    assert "3 shown, 1 accepted (33%)" in done.stdout and "50% of them still there" in done.stdout
    assert "[b]tiny" in done.stdout and "█" in done.stdout and "p95" in done.stdout
    assert plot.read_bytes().startswith(b"\x89PNG\r\n")
    done = CliRunner().invoke(app, ["stats", "--days", "60", "--json"])
    assert json.loads(done.stdout)["shown"] == 4


def test_stats_of_nothing_and_of_a_broken_database(home: Path) -> None:
    done = CliRunner().invoke(app, ["stats"])
    assert done.exit_code == 0 and "nothing was counted in the last 30 days" in done.stdout
    assert not (home / "data").exists(), "looking makes no files"
    assert json.loads(CliRunner().invoke(app, ["stats", "--json"]).stdout)["acceptance_rate"] is None
    (home / "data").mkdir()
    (home / "data" / "feedback.db").write_bytes(b"no database" * 1000)
    done = CliRunner().invoke(app, ["stats"])
    assert done.exit_code != 0 and "remove it" in str(done.exception)
