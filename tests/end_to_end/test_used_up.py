"""Commands where a cache cannot be written or the disk is full: one clear error or notice, and `doctor` knows."""

from __future__ import annotations

import dataclasses
import subprocess
from typing import Any

import pytest

from tests.end_to_end.conftest import CURSOR, Done, Program
from tests.used_up import NO_INSTANCES, needs_namespaces, read_only, small_disk, where

pytestmark = [needs_namespaces, pytest.mark.slow]


class There(Program):
    """The program, started where lines of shell were run first."""

    set_up = ""

    def run(self, *arguments: str, **options: Any) -> Done:
        done = subprocess.run(
            where(self.set_up, self.command(*arguments)),
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)


def there(program: Program, set_up: str) -> Program:
    made = There(**{field.name: getattr(program, field.name) for field in dataclasses.fields(program)})
    object.__setattr__(made, "set_up", set_up)
    return made


def test_an_index_that_cannot_be_written(program: Program) -> None:
    folder = program.home / "cache" / "index"
    assert program.run("index").code == 0
    program.write("src/shapes.py", "def changed(): ...\n")
    limited = there(program, read_only(folder))
    limited.run("index").fails(5, "cannot be written")
    done = limited.run("complete", CURSOR, "--no-server")
    done.completes()
    assert "may be out of date" in done.err
    assert "2 files" in limited.run("index", "--status").out
    assert "cannot be written" in limited.run("doctor").out


def test_an_index_that_cannot_be_made(program: Program) -> None:
    folder = program.home / "cache" / "index"
    folder.mkdir(parents=True)
    limited = there(program, read_only(folder))
    limited.run("index").fails(5, "cannot be written")
    done = limited.run("complete", CURSOR, "--no-server")
    done.completes()
    assert "no context from other files" in done.err
    assert f"{folder}" in limited.run("doctor").out and not list(folder.iterdir()), "and it is made nowhere else"


def test_a_full_disk(program: Program) -> None:
    for number in range(40):
        program.write(f"src/more{number}.py", "".join(f"def name_{number}_{i}(): ...\n" for i in range(100)))
    limited = there(program, small_disk(program.home / "cache" / "index", 300))
    limited.run("index").fails(5, "free")
    report = there(program, small_disk(program.home / "cache", 300)).run("doctor")
    assert report.code == 1 and f"{program.home / 'cache'} cannot be written (No space left" in report.out


def test_doctor_says_what_is_not_watched(program: Program) -> None:
    report = there(program, NO_INSTANCES).run("doctor")
    assert report.code == 1 and "is not watched (inotify instance limit reached)" in report.out
    assert "fs.inotify.max_user_instances" in report.out
    assert "is not watched" not in program.run("doctor").out
