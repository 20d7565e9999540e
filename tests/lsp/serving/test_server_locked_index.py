"""An index that another process holds: the server answers without it, says so, and reads it once it is free."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from codeassist_indexer.storage.connection import BUSY_S
from codeassist_indexer.storage.store import database_path
from tests.end_to_end.conftest import Program
from tests.lsp.conftest import STAGED, editor_for
from tests.lsp.editor import Editor
from tests.lsp.serving.test_server_used_up import built, cited, has_context

HOLDS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA locking_mode = EXCLUSIVE" if sys.argv[2] == "all" else "PRAGMA journal_mode = WAL")
connection.execute("BEGIN EXCLUSIVE")
connection.execute("CREATE TABLE IF NOT EXISTS mine (x)")
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def held(program: Program, what: str) -> Generator[None]:
    """Another process holds the index while the block runs: against writing, or against "all"."""
    path = database_path(program.root, program.home / "cache")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path), what], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.kill()


@pytest.mark.slow
def test_an_index_that_another_process_holds(program: Program) -> None:
    assert program.run("index").code == 0
    program.write("src/shapes.py", "def polygon_area(points, digits):\n    return sum(points)\n")
    asyncio.run(while_held(program))


async def while_held(program: Program) -> None:
    editor = Editor(STAGED, program.root, editor_for(program)._environment)
    with held(program, "all"):
        await editor.start({"editor": {"debounce_ms": 0}})
        await editor.hears(lambda: editor.statuses and editor.statuses[-1].kind in ("Normal", "Warning"))
        for number in range(3):
            began = time.monotonic()
            assert await cited(editor, number) == "nothing"
            await editor.run("codeassist.status")
            assert time.monotonic() - began < BUSY_S / 2, "no request waits for the other process"
        await editor.hears(lambda: editor.statuses[-1].kind == "Warning")
        assert "is held by another process" in editor.statuses[-1].message
    await editor.hears(lambda: editor.statuses[-1].kind == "Normal")
    assert (await built(editor))["problems"] == []
    with held(program, "writing"):
        await has_context(editor)
    assert len([message for message in editor.messages if "is held by another process" in message]) == 1
    code, errors = await editor.stop()
    assert code == 0 and "Traceback" not in errors
