"""Commands started in a repository whose files are named like modules and programs: none of them is run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import psutil
import pytest

from codeassist.cli.app import app
from codeassist.processes import find_program, trusted_import_path
from codeassist_lsp.sharing.server_client import servers
from tests.end_to_end.conftest import CURSOR, Done, Program, program, tiny_model
from tests.end_to_end.test_served import run_folder
from tests.lsp.editor import Editor, within
from tests.security.hostile_folder import fill

__all__ = ["program", "tiny_model"]

CASES = Path(__file__).parents[1] / "indexer" / "languages" / "cases"
SCRIPT = Path(sys.executable).with_name("codeassist")
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the program is not installed: no script `codeassist`")


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """The file that whatever is run of the repository makes."""
    return tmp_path / "ran"


@pytest.fixture
def hostile(program: Program, mark: Path) -> Program:
    """The program in a repository of 320 source files and a module for each name that we might import."""
    fill(program.root, mark)
    for number in range(320):  # enough for several workers
        program.write(f"pkg/m{number}.py", f"def function_{number}():\n    return {number}\n")
    for case in CASES.glob("*.case"):  # and for each grammar
        program.write(f"cases/{case.name.removesuffix('.case')}", case.read_text(encoding="utf-8"))
    return program


def environment(program: Program) -> dict[str, str]:
    """What it runs with: as installed, and with no package index that answers."""
    kept = {name: value for name, value in program.environment().items() if name != "PYTHONPATH"}
    return kept | {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}


def run(program: Program, *arguments: str) -> Done:
    done = subprocess.run(
        [str(SCRIPT), *arguments],
        cwd=program.root,
        env=environment(program),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_the_folder_does_run_where_nothing_is_done_about_it(hostile: Program, mark: Path) -> None:
    """Otherwise the tests below would show nothing."""
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    subprocess.run([sys.executable, "-c", "import filelock"], cwd=hostile.root, env=plain, check=False)
    assert "filelock.py" in mark.read_text()


def test_index_and_complete(hostile: Program, mark: Path) -> None:
    done = run(hostile, "index", "--json")
    assert done.code == 0, done
    assert json.loads(done.out)["num_files"] > 320
    done = run(hostile, "complete", CURSOR, "--explain")
    assert done.code == 0 and "Nothing left this machine." in done.err, done
    assert not mark.exists(), mark.read_text()


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (["doctor"], {0, 1}),
        (["status"], {0}),
        (["stats", "--plot", "stats.png"], {0, 2, 3}),
        (["models", "list"], {0}),
        (["models", "pull", "smollm2-135m"], {4}),
        (["tune", "--report"], {6}),
        (["eval", "make", "--repo", ".", "--out", "made"], {0, 6}),
        (["stop"], {0}),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_other_commands(hostile: Program, mark: Path, arguments: list[str], codes: set[int]) -> None:
    done = run(hostile, *arguments)
    assert not mark.exists(), mark.read_text()
    assert done.code in codes, done


def test_all_commands_can_be_asked_what_they_do(hostile: Program, mark: Path) -> None:
    def names(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            yield (*before, name)
            if isinstance(command, click.Group):
                yield from names(command, (*before, name))

    found = list(names(app))
    assert len(found) > 10
    running = [
        subprocess.Popen(
            [str(SCRIPT), *name, "--help"], cwd=hostile.root, env=environment(hostile), stdout=subprocess.DEVNULL
        )
        for name in found
    ]
    assert {process.wait(120) for process in running} == {0}
    assert not mark.exists(), mark.read_text()


@pytest.mark.parametrize("options", [("--stdio",), ("--shared",)], ids=" ".join)
def test_a_server_started_in_it(hostile: Program, mark: Path, options: tuple[str, ...]) -> None:
    async def test() -> None:
        editor = Editor([str(SCRIPT), "serve", *options], hostile.root, environment(hostile))
        await (await editor.start({"editor": {"debounce_ms": 0}})).ready()
        editor.open("src/app.py", (hostile.root / "src/app.py").read_text())
        await editor.ask("src/app.py", 3, 11)
        started = psutil.Process().children(recursive=True)
        await editor.stop()
        assert started

    asyncio.run(within(test()))
    for server in servers(run_folder(hostile)):
        os.kill(server.address.pid, signal.SIGTERM)
    assert not mark.exists(), mark.read_text()


def test_programs_are_found_on_absolute_entries_of_the_path_only(
    hostile: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hostile.root)
    for entries in ("", ".", os.pathsep, f".{os.pathsep}{os.pathsep}pkg"):
        monkeypatch.setenv("PATH", entries)
        assert find_program("git") is None
    assert find_program("./git") is None
    assert find_program(str(hostile.root / "git")) == hostile.root / "git"


def test_the_current_folder_is_off_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", ".", str(tmp_path), "lib", *sys.path])
    assert trusted_import_path() == [path for path in sys.path[4:] if Path(path).is_absolute()]
