"""The second look after a suggestion, in idle time: a failure costs nothing, and it goes with its document."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from codeassist.completion.document_state import DocumentState
from codeassist.request import CompletionRequest, Retrieval
from codeassist.settings import Settings
from codeassist_lsp.completion.shared_document import SharedDocuments
from codeassist_lsp.completion.suggestions import SuggestionRequest
from tests.end_to_end.conftest import Program
from tests.lsp.conftest import editor_for
from tests.lsp.editor import Editor, within
from tests.lsp.imagined import Client, Model, Scope


@dataclass
class Broken(Scope):
    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        raise OSError("the disk is gone")


def test_failing_costs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        settings = Settings(context=replace(Settings().context, rounds=2))
        client = Client(Model(lambda asked: "points"), {"a": Scope(tmp_path, settings)}, lambda: 0.0, asyncio.sleep)
        session = client.documents.open("a", "plaintext", 1, "x = ")
        suggested = client.afresh("a", "x = ", "")
        wanted = SuggestionRequest(session.shared.state, Broken(tmp_path, settings), settings, "x = ", "")  # type: ignore[arg-type]
        client.completing._look_again(session, wanted, suggested)
        client.contexts.submit(lambda: None).result()
        assert "no second look for src/a.txt" in caplog.text
        assert [shown.at_cursor.text for shown in await client.ask("a", 4)] == ["points"]
        client.contexts.close()
        client.completing._look_again(session, wanted, suggested)  # the server ends

    asyncio.run(within(test()))


def test_what_is_kept_of_snippets_goes_with_the_document() -> None:
    closed: list[DocumentState] = []
    documents = SharedDocuments(closed.append)
    one, again = documents.open("doc"), documents.open("doc")
    assert one is again and documents.open("other").snippets is not one.snippets
    documents.release(one)
    assert documents.open("doc") is one, "another window has it open"
    documents.release(one)
    documents.release(again)
    assert closed == [one.state] and documents.open("doc").snippets is not one.snippets


def test_in_a_server_idle_time_has_it_ready(program: Program) -> None:
    async def test() -> None:
        options = {"editor": {"debounce_ms": 0}, "context": {"rounds": 2}}
        editor = await editor_for(program).start(options)
        await editor.ready()
        editor.open("again.py", "#say points\nx = \n")
        assert [item.insert_text for item in await editor.ask("again.py", 1, 4)] == ["points"]
        while (await looks(editor))["made"] < 1:
            await asyncio.sleep(0.02)
        editor.edit("again.py", (1, 4), (1, 4), "points")
        await editor.ask("again.py", 1, 10)
        assert (await looks(editor))["used"] == 1
        code, errors = await editor.stop()
        assert code == 0 and not errors, errors

    async def looks(editor: Editor) -> dict[str, int]:
        return (await editor.run("codeassist.status"))["second_looks"]

    asyncio.run(within(test()))
