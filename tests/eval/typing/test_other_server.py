"""A language server that is not ours, over real stdio: how it is told of edits, and what of its items is a suggestion.

The server here completes what is in its copy of the text, so that a wrong edit or a wrong column shows.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from codeassist_eval.errors import EvaluationError
from codeassist_eval.speed.sides import server_command, sides_table
from codeassist_eval.typing.other_server import OtherServer
from codeassist_eval.typing.seen_figures import seen_figures
from codeassist_eval.typing.side_replay import replay_in_server
from codeassist_eval.typing.typing_trace import Keystroke, Replacement, Trace
from codeassist_eval.typing.typist import Typist

SERVER = '''
import sys

from lsprotocol import types
from pygls.lsp.server import LanguageServer

KIND, SYNC = sys.argv[1:]
WORD = "𝒳value_of_it"
server = LanguageServer("made-up", "1", text_document_sync_kind=types.TextDocumentSyncKind[SYNC])


def typed(params):
    """The word before the cursor, its start and its end."""
    lines = server.workspace.get_text_document(params.text_document.uri).source.split("\\n")
    units = lines[params.position.line].encode("utf-16-le")[: 2 * params.position.character]
    before = units.decode("utf-16-le")
    word = before.rsplit(" ", 1)[-1]
    width = len(word.encode("utf-16-le")) // 2
    line, end = params.position.line, params.position.character
    return word, types.Range(types.Position(line, end - width), types.Position(line, end))


if KIND == "inline":

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    def inline(params):
        word, at = typed(params)
        fits = WORD.startswith(word)
        return types.InlineCompletionList([types.InlineCompletionItem(WORD, range=at)] if fits else [])


if KIND == "list":

    @server.feature(types.TEXT_DOCUMENT_COMPLETION)
    async def listed(params):
        await server.workspace_configuration_async(types.ConfigurationParams([types.ConfigurationItem(section="x")]))
        word, at = typed(params)
        found = [types.CompletionItem("zz", sort_text="0"), types.CompletionItem(WORD + "s", sort_text="2")]
        edit = types.TextEdit(at, WORD)
        return types.CompletionList(False, [*found, types.CompletionItem(WORD, sort_text="1", text_edit=edit)])


server.start_io()
'''


def typing(text: str) -> Trace:
    """A line after two others is typed; the first letter lies outside of the basic plane."""
    start = "# 𝒳𝒳\nx = \n"
    at = start.rindex("\n")
    keys = [
        Keystroke("type", (Replacement(at + n, at + n, text[n]),), at + n + 1, text[n + 1 :] or None)
        for n in range(len(text) - 3)  # so that the last one, which no other overtakes, has something to show
    ]
    return Trace("made", "made.py", start, at, (Keystroke("move", (), at, text), *keys))


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    (tmp_path / "served.py").write_text(SERVER, encoding="utf-8")
    return [sys.executable, str(tmp_path / "served.py")]


@pytest.mark.parametrize(
    ("kind", "sync", "name"),
    [("inline", "Incremental", "made-up (inlineCompletion)"), ("list", "Full", "made-up (completion)")],
)
def test_a_session_in_another_server(program: list[str], tmp_path: Path, kind: str, sync: str, name: str) -> None:
    trace = typing("𝒳value_of_it")
    command = [*program, kind, sync]
    session = asyncio.run(replay_in_server(trace, "python", tmp_path, command, os.environ, Typist(0.02, 0.02)))
    assert session.side == name
    assert session.first_completion_s is not None and session.rss_bytes
    assert len(session.seen) == len(trace.keystrokes) - 1
    for seen in session.seen:
        assert seen.text is None or seen.text == (seen.rest or "")
    figures = seen_figures([session.seen], [trace.num_typed])
    assert figures["num_wrong_at_once"] == 0 < figures["characters_foreseen"]
    sides_table({name: figures | {"first_completion_s": None}})


def test_a_server_that_completes_nothing(program: list[str], tmp_path: Path) -> None:
    async def start() -> None:
        client = OtherServer([*program, "nothing", "Full"], tmp_path, os.environ)
        try:
            await client.start()
        finally:
            await client.stop()

    with pytest.raises(EvaluationError, match="made-up offers neither"):
        asyncio.run(start())


def test_a_program_that_is_not_there() -> None:
    for line in ("no-such-language-server --stdio", "", "./in/the/current/folder"):
        with pytest.raises(EvaluationError, match="there is no such program"):
            server_command(line)
    assert server_command("git 'two words'")[1:] == ["two words"]
