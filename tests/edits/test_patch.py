"""Patches as history, and patches that the real git applies."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from codeassist.edits.change import LineChange
from codeassist.edits.lines import with_changes
from codeassist.edits.patch import read_patch, written_patch
from codeassist.errors import RequestError
from tests.git_repositories import commit_files, git

SEED = 20261130
PATCH = """diff --git a/src/a.py b/src/a.py
--- a/src/a.py
+++ b/src/a.py
@@ -1,4 +1,5 @@ class A:
 one
-two
+TWO
+more
 three
-four
+FOUR
diff --git "a/\\303\\244 b.py" "b/\\303\\244 b.py"
--- "a/\\303\\244 b.py"
+++ "b/\\303\\244 b.py"
@@ -1 +0,0 @@
-gone
diff --git a/old.py b/old.py
deleted file mode 100644
--- a/old.py
+++ /dev/null
@@ -1 +0,0 @@
-x
"""
FILES = {"src/a.py": "one\nTWO\nmore\nthree\nFOUR\n", "ä b.py": "stays\n"}


def test_a_patch_is_read_as_changes() -> None:
    found = read_patch(PATCH, FILES.get, "p.diff")
    assert found.changes == (
        LineChange("src/a.py", 1, ("two",), ("TWO", "more")),
        LineChange("src/a.py", 4, ("four",), ("FOUR",)),
        LineChange("ä b.py", 0, ("gone",), ()),
    )
    assert found.left_out == ("/dev/null: no file that is read here",)
    moved = read_patch(PATCH, {**FILES, "src/a.py": "\n\n\r\n" + FILES["src/a.py"]}.get, "p.diff")
    assert [change.start_line for change in moved.changes] == [4, 7, 0]
    changed = read_patch(PATCH, {**FILES, "src/a.py": "something else\n"}.get, "p.diff")
    assert changed.left_out[0] == "src/a.py:1: changed since the patch was made" and len(changed.changes) == 1


HEAD = "--- a/a.py\n+++ b/a.py\n"


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        ("no patch at all", "no file is named"),
        (HEAD + "@@ -1,9 +1 @@\n-a\n", "shorter than expected"),
        (HEAD + "@@ -1 +1 @@\nrubbish\n", "diff line expected"),
        (HEAD + f"@@ -{'9' * 5000} +1 @@\n-a\n+b\n", "digits"),
        ("--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n", "below the repository"),
        ("--- /etc/passwd\n+++ /etc/passwd\n@@ -1 +1 @@\n-a\n+b\n", "below the repository"),
        (HEAD + "@@ -1 +1 @@\n-a\n+b\n", "apply the patch first"),
        (" " * 8_000_001, "smaller one"),
    ],
)
def test_what_is_no_patch_of_these_files_is_refused(patch: str, problem: str) -> None:
    with pytest.raises(RequestError, match=problem) as raised:
        read_patch(patch, {"a.py": "a\n"}.get, "stdin")
    assert str(raised.value).startswith("stdin: ") and "\n" not in str(raised.value)


def test_hunks_of_huge_numbers_are_left_out() -> None:
    found = read_patch(HEAD + "@@ -99999999999999999999,1 +99999999999999999999,1 @@\n-x\n+y\n", FILES.get, "p")
    assert found.changes == ()


def test_git_applies_what_is_written(tmp_path: Path) -> None:
    """Random changes of texts with every kind of line end and name, in one repository."""
    rng = random.Random(SEED)
    names = ["a.py", "sub dir/ü.py", 'q"uote\\.py', "tab\tname.py", "noend.py", "crlf.py", "bom.py", "empty.py"]
    before = {name: "".join(f"{name[0]} line {number}\n" for number in range(30)) for name in names}
    before["noend.py"] = before["noend.py"].removesuffix("\n")
    before["crlf.py"] = before["crlf.py"].replace("\n", "\r\n").removesuffix("\r\n")
    before["bom.py"] = "\ufeff" + before["bom.py"]
    before["empty.py"] = ""
    repo = tmp_path / "repo"
    for name, text in before.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_bytes(text.encode())
    commit_files(repo, {})
    after: dict[str, str] = {}
    for name, text in before.items():
        lines = text.removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
        at = sorted(rng.sample(range(0, len(lines) + 1, 3), min(4, len(lines) // 3 + 1)))
        edits = [
            LineChange(name, start, tuple(lines[start : start + rng.randrange(3)]), ("new",) * rng.randrange(1, 3))
            for start in at
        ]
        edits += [LineChange(name, len(lines), (), ("appended",))] if len(lines) not in at else []
        after[name] = with_changes(text, edits)
    patch = written_patch({name: (before[name], after[name]) for name in names})
    git(repo, "apply", "--check", "-", stdin=patch.encode())
    git(repo, "apply", "-", stdin=patch.encode())
    assert {name: (repo / name).read_bytes().decode() for name in names} == after, f"seed {SEED}"
    own = git(repo, "diff", "-U3").encode()
    assert own
    history = read_patch(own.decode() + "\n", lambda path: after.get(path), "git diff")
    assert not history.left_out and {change.path for change in history.changes} == set(names)
    assert written_patch({"a.py": ("same\n", "same\n")}) == ""
