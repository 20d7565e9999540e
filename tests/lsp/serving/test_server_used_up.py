"""What the system has no more of, or does not let us write, costs what needs it: the server answers, says so once."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Awaitable, Callable
from itertools import count

import psutil
import pytest

from codeassist_indexer.storage.store import Store, database_path
from tests.end_to_end.conftest import Program
from tests.lsp.conftest import STAGED, editor_for
from tests.lsp.editor import DEADLINE_S, Editor
from tests.used_up import NO_INSTANCES, NO_WATCHES, needs_namespaces, read_only, small_disk, where

pytestmark = pytest.mark.slow


def serve(program: Program, set_up: str, test: Callable[[Editor], Awaitable[None]], **environment: str) -> str:
    """Run `test` with an editor whose server is started where `set_up` was run; return what stood on stderr."""

    async def run() -> tuple[int | None, str]:
        editor = editor_for(program)
        editor = Editor(
            where(set_up, STAGED) if set_up else STAGED, program.root, {**editor._environment, **environment}
        )
        await editor.start({"editor": {"debounce_ms": 0}})
        await editor.hears(lambda: editor.statuses and editor.statuses[-1].kind in ("Normal", "Warning"))
        async with asyncio.timeout(DEADLINE_S):
            await test(editor)
        return await editor.stop()

    code, errors = asyncio.run(run())
    assert code == 0 and "Traceback" not in errors, errors
    return errors


async def built(editor: Editor) -> dict[str, object]:
    """The status of the repository's index, once it is not being built."""
    while True:
        status = (await editor.run("codeassist.status"))["index"]
        if status and not status[0]["building"]:
            return status[0]
        await asyncio.sleep(0.02)


async def cited(editor: Editor, number: int = 0) -> str:
    """The first function that the context of a new document defines, "nothing" if none does."""
    editor.open("src/app.py", f"from src import shapes\n#cite\nshapes.polygon_area\nshapes.\n# {number}\n")
    items = await editor.ask("src/app.py", 3, 7)
    editor.close("src/app.py")
    return items[0].insert_text


async def has_context(editor: Editor) -> None:
    """Wait until an answer cites another file: the first that is looked for may pass its deadline."""
    numbers = count(1)
    while await cited(editor, next(numbers)) != "polygon_area":
        await asyncio.sleep(0.02)


@needs_namespaces
@pytest.mark.parametrize("used_up", [NO_INSTANCES, NO_WATCHES])
def test_a_repository_that_cannot_be_watched(program: Program, used_up: str) -> None:
    async def test(editor: Editor) -> None:
        await editor.hears(lambda: editor.statuses[-1].kind == "Warning")
        assert "is not watched" in editor.statuses[-1].message
        index = await built(editor)
        assert index["indexed"] == 2 and "fs.inotify.max_user_" in str(index["problems"])
        await has_context(editor)
        editor.open("src/shapes.py", "def perimeter(points):\n    return sum(points)\n")
        store = Store(database_path(program.root, program.home / "cache"), is_read_only=True)
        while not store.query("SELECT 1 FROM symbols WHERE name = 'perimeter'"):
            await asyncio.sleep(0.02)
        store.close()
        assert len(editor.messages) == 1 and "`codeassist index`" in editor.messages[0]

    serve(program, used_up, test)


@needs_namespaces
def test_a_finished_index_that_cannot_be_written_is_read(program: Program) -> None:
    assert program.run("index").code == 0

    async def test(editor: Editor) -> None:
        assert (await built(editor))["indexed"] == 2
        await has_context(editor)
        await editor.hears(lambda: editor.messages)
        await editor.hears(lambda: editor.statuses[-1].kind == "Warning")
        await has_context(editor)
        assert len(editor.messages) == 1 and "cannot be written" in editor.messages[0]

    serve(program, read_only(program.home / "cache" / "index"), test)


@needs_namespaces
def test_an_index_that_cannot_be_made(program: Program) -> None:
    (program.home / "cache" / "index").mkdir(parents=True)

    async def test(editor: Editor) -> None:
        await editor.hears(lambda: editor.statuses[-1].kind == "Warning")
        assert "cannot be written" in editor.statuses[-1].message
        assert "CODEASSIST_HOME" in str((await built(editor))["problems"])
        assert await cited(editor) == "nothing"
        assert len([message for message in editor.messages if "is not up to date" in message]) == 1

    serve(program, read_only(program.home / "cache" / "index"), test)


@needs_namespaces
def test_a_full_disk(program: Program) -> None:
    for number in range(40):
        program.write(f"src/more{number}.py", "".join(f"def name_{number}_{i}(): ...\n" for i in range(100)))
    cache = program.home / "cache"

    async def test(editor: Editor) -> None:
        await editor.hears(lambda: editor.statuses[-1].kind == "Warning")
        assert "no space left" in editor.statuses[-1].message or "free space" in editor.statuses[-1].message
        editor.open("a.py", "#say points\nx = ")
        assert len(await editor.ask("a.py", 1, 4)) == 1

    errors = serve(program, f"{small_disk(cache / 'index', 300)}\n{small_disk(cache / 'log', 4)}", test)
    assert errors.count("no log: ") <= 1


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_no_descriptor_is_left(program: Program) -> None:
    async def test(editor: Editor) -> None:
        await built(editor)
        await has_context(editor)
        server = psutil.Process(editor.process.pid)
        before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (3, before[1]))  # none can be opened any more
        children = server.children(recursive=True)
        for child in children:
            child.kill()  # nor another process be started in the place of these
        while any(map(_is_alive, children)):
            await asyncio.sleep(0.01)
        for number in range(5):
            editor.open(f"src/b{number}.py", f"#say points{number}\nx = ")
            assert [item.insert_text for item in await editor.ask(f"src/b{number}.py", 1, 4)] == [f"points{number}"]
        await editor.hears(lambda: editor.messages)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)
        await has_context(editor)
        editor.edit("src/b0.py", (0, 0), (0, 0), "#\n")
        await editor.hears(lambda: editor.statuses[-1].kind == "Normal")

    serve(program, "", test)


def test_no_thread_can_be_started_for_an_index(program: Program) -> None:
    assert program.run("index").code == 0

    async def test(editor: Editor) -> None:
        await editor.hears(lambda: editor.statuses[-1].kind == "Warning")
        assert "can't start new thread" in editor.statuses[-1].message
        await has_context(editor)
        assert len(editor.messages) == 1

    serve(program, "", test, CODEASSIST_TEST_NO_THREADS="index-,documents-")
