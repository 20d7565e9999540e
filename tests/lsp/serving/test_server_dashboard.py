"""The dashboard's numbers, of a real server: those of `status`, `stats`, the explanation and `index --status`."""

from __future__ import annotations

import asyncio
import json
import math

import pytest
from click.testing import CliRunner

from codeassist.cli.app import app
from codeassist.cli.dashboard.readings import Readings
from codeassist.settings import defaults
from tests.lsp.conftest import Run
from tests.lsp.editor import Editor
from tests.lsp.serving.test_server_feedback import told

CHANGING = {"uptime_s", "clients", "next_edits"}  # from one question to the next, or from one client to the other


def test_the_dashboard_says_what_status_stats_and_explain_say(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(editor: Editor) -> None:
        monkeypatch.setenv("CODEASSIST_HOME", str(editor.folder.parent / "home"))
        readings = Readings(defaults().settings, 30, editor.folder)
        before = (await asyncio.to_thread(readings.take))["stats"]
        before_cursor, after = "from src import shapes\n#say polygon_area(points)\nshapes.", "\n"
        editor.open("src/app.py", before_cursor + after)
        [item, *_] = await editor.ask("src/app.py", 2, 7)
        while not (await editor.run("codeassist.explain"))["snippets"]:  # on a busy machine context may be late
            after += "\n"
            editor.replace("src/app.py", before_cursor + after)
            [item, *_] = await editor.ask("src/app.py", 2, 7)
        told(editor, "textDocument/didShowCompletion", item)
        await editor.run("codeassist.accept", *item.command.arguments)
        while (await editor.idle())["feedback"]["unwritten"]:
            await asyncio.sleep(0.01)

        taken = await asyncio.to_thread(readings.take)
        json.dumps(taken)
        [server] = [one for one in taken["servers"] if one["pid"] == editor.process.pid]
        status = await editor.run("codeassist.status", {"recent": True})
        explained = await editor.run("codeassist.explain")
        assert server["problem"] is None and server["last_suggestion"] == explained
        assert explained["text"] == item.insert_text == "polygon_area(points)"
        assert {name: server[name] for name in status if name not in CHANGING} == {
            name: value for name, value in status.items() if name not in CHANGING
        }

        # What stands around it, how likely its tokens were, and what the cache holds.
        assert explained["around"] == {
            "line": 3,
            "before": before_cursor,
            "replaced": "",
            "after": after[:7],
        }
        logprobs = [math.log(token["probability"]) for token in explained["tokens"]]
        assert len(logprobs) == explained["num_new_tokens"] > 0
        assert math.exp(sum(logprobs) / len(logprobs)) == pytest.approx(explained["confidence"], rel=0.05)
        strip, cache = status["cache"]["strips"][0], status["cache"]
        assert strip["runs"][0][1] == 0
        assert all(end == start for (_, _, end), (_, start, _) in zip(strip["runs"], strip["runs"][1:], strict=False))
        assert strip["runs"][-1][2] <= cache["slots"]
        brought = explained["snippets"][0]["source"]
        assert status["sources"][brought]["snippets"] >= 1 and status["sources"][brought]["tokens"] > 0

        said = CliRunner().invoke(app, ["status"]).stdout
        assert f"{brought} {status['sources'][brought]['snippets']}" in said
        printed = json.loads(CliRunner().invoke(app, ["stats", "--json"]).stdout)
        assert taken["stats"] == {**printed, "problem": None}
        assert (printed["shown"], printed["accepted"]) == (before["shown"] + 1, before["accepted"] + 1)
        monkeypatch.chdir(editor.folder)
        held = json.loads(CliRunner().invoke(app, ["index", "--status", "--json"]).stdout)
        [index] = taken["indexes"]
        shared = ("root", "is_indexed", "num_files", "num_symbols", "num_chunks", "skipped_by_reason")
        assert {name: index[name] for name in shared} == {name: held[name] for name in shared}
        assert sum(each["num_indexed"] for each in index["folders"]) == held["num_files"]

        editor.close("src/app.py")
        editor.versions.pop("src/app.py")
        await editor.idle()
        closed = await asyncio.to_thread(readings.take)
        [server] = [one for one in closed["servers"] if one["pid"] == editor.process.pid]
        assert "text" not in server["last_suggestion"], "a document that is closed is shown no more"

    run(test)
