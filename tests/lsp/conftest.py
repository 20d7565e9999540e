"""Real servers for tests: one that most tests share, and others for those that need one of their own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import SOURCES, Program, program, tiny_model
from tests.lsp.editor import Editor, within

__all__ = ["program", "tiny_model"]

STAGED = [sys.executable, str(Path(__file__).with_name("staged_server.py"))]
Run = Callable[[Callable[[Editor], Awaitable[None]]], None]


def editor_for(program: Program, **more: str) -> Editor:
    """An editor on the program's repository; its server is not started yet."""
    environment = program.environment() | more
    environment["PYTHONPATH"] += f":{SOURCES}"
    return Editor(STAGED, program.root, environment)


@pytest.fixture(scope="session")
def shared_runner(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path
) -> Iterator[tuple[asyncio.Runner, Editor]]:
    folder = tmp_path_factory.mktemp("lsp")
    made = Program(folder / "home", folder / "repo", tiny_model)
    made.configure(made.model)
    (made.root / ".git").mkdir(parents=True)
    made.write("src/shapes.py", "def polygon_area(points):\n    return sum(points)\n")
    with asyncio.Runner() as runner:

        async def start() -> Editor:
            editor = editor_for(made, CODEASSIST_TEST_SOCKET="1")
            return await (await editor.start({"editor": {"debounce_ms": 0}})).ready()

        editor = runner.run(start())
        yield runner, editor
        code, errors = runner.run(editor.stop())
    assert code == 0, errors


@pytest.fixture
def run(shared_runner: tuple[asyncio.Runner, Editor]) -> Iterator[Run]:
    """Run an async test with the shared editor. Documents that it opens are closed after it."""
    runner, editor = shared_runner
    editor.statuses.clear()
    editor.versions.clear()
    yield lambda test: runner.run(within(test(editor)))

    async def clean_up() -> None:
        for path in editor.versions:
            editor.close(path)
        await editor.idle()

    runner.run(clean_up())
