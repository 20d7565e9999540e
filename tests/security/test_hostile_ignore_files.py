"""Ignore files that are no files, have no end, or match for ever: reading and matching them ends at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codeassist_indexer.ingest.ignore import IgnoreRules
from tests.git_repositories import git

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="FIFOs and links")


def rules_for(root: Path, content: bytes) -> IgnoreRules:
    (root / ".gitignore").write_bytes(content)
    return IgnoreRules(root)


def test_a_link_to_a_device_and_a_fifo(tmp_path: Path) -> None:
    for name in ("zero", "fifo"):
        root = tmp_path / name
        (root / ".git" / "info").mkdir(parents=True)
        for place in (root / ".gitignore", root / ".codeassistignore", root / ".git" / "info" / "exclude"):
            if name == "zero":
                place.symlink_to("/dev/zero")
            else:
                os.mkfifo(place)
        assert not IgnoreRules(root).ignores_file("a.py")


def test_a_git_file_that_is_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".git")
    assert not IgnoreRules(tmp_path).ignores_file("a.py")


def test_a_file_without_end_and_one_with_a_million_rules(tmp_path: Path) -> None:
    rules = rules_for(tmp_path, b"*.py\n" + b"#" * (1 << 20))
    assert not rules.ignores_file("a.py"), "larger than any ignore file: none of its rules count"
    assert rules_for(tmp_path, b"*.py\n" + b"x*y\n" * 60_000).ignores_file("a.py")


@pytest.mark.parametrize("rule", ["*a" * 100 + "b", "**/" * 100 + "b", "[a-z]*" * 60 + "!", "a" * 5_000, "(" * 400])
def test_rules_that_would_match_for_ever(tmp_path: Path, rule: str) -> None:
    rules = rules_for(tmp_path, f"{rule}\n*.log\n".encode())
    assert not rules.ignores_file("a" * 250 + "/" + "a" * 250 + ".py")
    assert rules.ignores_file("x.log")


# Git itself is the oracle of the rest.
CASES = {
    "a range of nothing": b"[z-a]*\n*.log\n",
    "classes": b"[[:digit:]]*.py\n[[:upper:]][[:lower:]]*\n",
    "byte order mark": "\ufeff*.log\n".encode(),
    "form feed": b"*.log\x0c\n*.tmp\n",
    "vertical tab and separators": "*.log\x0b\x1c\x85\u2028\n*.tmp\n".encode(),
    "carriage returns": b"*.log\r\n*.tmp\r\n",
    "no rules": b"!\n\\\n/\n",
    "unclosed": b"a[\n[!\n*.log\n",
}
PATHS = ("a.log", "b.tmp", "7x.py", "x7.py", "Ab", "ab", "a", "z", "dir/a.log", "dir/9.py")


@pytest.mark.parametrize("case", CASES)
def test_what_git_says(tmp_path: Path, case: str) -> None:
    git(tmp_path, "init", "-q")
    rules = rules_for(tmp_path, CASES[case])
    for path in PATHS:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    asked = subprocess.run(
        ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--stdin"],
        cwd=tmp_path, input="\n".join(PATHS), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert [path for path in PATHS if rules.ignores_file(path)] == asked.stdout.split()
