"""Ctrl-C at any moment: exit code 130, one line, nothing half-made; the next run works."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.conftest import CURSOR, Done, Program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
WAIT_S = 60

# Presses Ctrl-C in the n-th call of a function, at exactly that moment of the work, however fast the machine is.
AT_CALL = """
import importlib, os, signal
from codeassist.cli import main
owner = importlib.import_module({module!r})
*path, name = {function!r}.split(".")
for part in path:
    owner = getattr(owner, part)
original, calls = getattr(owner, name), []
def interrupted(*arguments, **options):
    calls.append(1)
    if len(calls) == {num_calls}:
        os.kill(os.getpid(), signal.SIGINT)
    return original(*arguments, **options)
setattr(owner, name, interrupted)
main()
"""


def press_at(program: Program, module: str, function: str, num_calls: int) -> Done:
    script = AT_CALL.format(module=module, function=function, num_calls=num_calls)
    return program.run("complete", CURSOR, program=script)


@pytest.mark.parametrize(
    ("module", "function", "num_calls"),
    [
        ("codeassist.models.model_store", "look_up", 1),
        ("codeassist_indexer.ingest.update", "prepare_all", 1),
        ("codeassist_indexer.storage.file_rows", "write_file", 2),
        ("codeassist_indexer.storage.store", "Store.count_terms", 1),
    ],
)
def test_before_the_model_is_loaded(program: Program, module: str, function: str, num_calls: int) -> None:
    press_at(program, module, function, num_calls).fails(130, "interrupted")
    done = program.run("index", "--json")
    assert (done.code, json.loads(done.out)["num_files"]) == (0, 2)


def test_while_the_model_is_converted_loaded_and_run(program: Program) -> None:
    press_at(program, "codeassist.engine.loading.safetensors_writer", "SafetensorsWriter.write", 5).fails(
        130, "interrupted"
    )
    assert program.leftovers() == []
    assert not list(program.home.rglob("weights.safetensors"))
    press_at(program, "codeassist.tokenization.tokens", "Tokenizer.token_bytes", 2).fails(130, "interrupted")
    program.run("complete", CURSOR).completes()


def test_while_pytorch_is_imported(program: Program) -> None:
    with started(program, "complete", CURSOR) as process:
        wait_until(process, lambda: "torch" in Path(f"/proc/{process.pid}/maps").read_text())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S)
    Done(process.returncode, out, err).fails(130, "interrupted")


def test_while_many_files_are_indexed_by_several_processes(program: Program) -> None:
    for n in range(600):
        program.write(f"pkg_{n % 10}/m{n}.py", f"def function_{n}(value):\n    return value + {n}\n" * 5)
    with started(program, "index") as process:
        wait_until(process, lambda: num_indexed(program) > 0)
        workers = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
        out, err = process.communicate(timeout=WAIT_S)
    Done(process.returncode, out, err).fails(130, "interrupted")
    assert psutil.wait_procs(workers, timeout=20)[1] == []
    num_done = num_indexed(program)
    report = json.loads(program.run("index", "--json").out)
    assert 0 < num_done < 602
    assert report["num_files"] == 602
    assert report["num_parsed"] == 602 - num_done


@contextmanager
def started(program: Program, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        program.command(*arguments),
        cwd=program.root,
        env=program.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_until(process: subprocess.Popen[str], has_happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not has_happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def num_indexed(program: Program) -> int:
    for database in program.home.rglob("index.db"):
        with closing(sqlite3.connect(database.as_uri() + "?mode=ro", uri=True)) as connection:
            try:
                return connection.execute("SELECT count(*) FROM files").fetchone()[0]
            except sqlite3.OperationalError:  # its tables are being made
                return 0
    return 0
