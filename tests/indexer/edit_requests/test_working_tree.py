"""What a working tree changed, which files may have to follow, and what of a stranger's repository is never read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from codeassist.edits.change import LineChange
from codeassist.edits.history import MASS_CHANGE_LINES
from codeassist.errors import RequestError
from codeassist_indexer.edit_requests.related_files import changed_names, related_files
from codeassist_indexer.edit_requests.source_files import SourceFiles
from codeassist_indexer.edit_requests.working_tree import WorkingChanges, changes_since, patched
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.storage.store import Store
from tests.git_repositories import commit_files, git

SEND = "def send(to, text):\n    return deliver(to, text)\n\n\ndef other():\n    send('a', 'b')\n"
CALLER = "from mail import send\n\n\ndef greet(name):\n    send(name, 'hello')\n"


class Tree:
    """A repository with an index."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "repo"
        self.store = Store(folder / "index.db")
        commit_files(
            self.root,
            {"mail.py": SEND, "app/greet.py": CALLER, "app/far.py": "x = 1\n", "crlf.py": "a = 1\nb = 2\n"},
        )

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(text.encode())

    def changes(self, since: str = "HEAD") -> WorkingChanges:
        update_index(self.store, self.root)
        return changes_since(self.root, since, self.store, SourceFiles(self.root))


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    made = Tree(tmp_path)
    with closing(made.store):
        yield made


def test_the_working_tree_is_compared_with_a_commit(tree: Tree) -> None:
    assert tree.changes().history == ()
    tree.write("mail.py", SEND.replace("to, text):", "to, text, urgent):"))
    tree.write("new.py", "from mail import send\n")  # not tracked yet
    tree.write("crlf.py", "a = 1\r\nb = 2\r\n")  # as a checkout on Windows has it
    os.utime(tree.root / "new.py", (1, 1))
    found = tree.changes()
    assert found.history == (
        LineChange("new.py", 0, (), ("from mail import send",)),
        LineChange("mail.py", 0, ("def send(to, text):",), ("def send(to, text, urgent):",)),
    )
    assert related_files(tree.store, found.history, found.texts) == ["app/greet.py"]
    git(tree.root, "add", "-A")
    git(tree.root, "commit", "-q", "-m", "more")
    assert tree.changes().history == () and tree.changes("HEAD~1").history == found.history
    with pytest.raises(RequestError, match="no commit of"):
        tree.changes("--output=x")


def test_mass_changes_and_secrets_are_no_history(tree: Tree) -> None:
    tree.write("app/far.py", "y = 2\n" * (MASS_CHANGE_LINES + 1))
    tree.write("app/greet.py", CALLER.replace("    send", "  send"))
    tree.write("crlf.py", "a = 1\nb = 2\npassword = 'tr0ub4dor&3-horse'\n")
    [change] = tree.changes().history
    assert change.path == "crlf.py" and "tr0ub4dor" not in change.new[0] and "password" in change.new[0]


def test_a_patch_is_history_too(tree: Tree) -> None:
    tree.write("mail.py", SEND.replace("to, text):", "to, text, urgent):"))
    diff = git(tree.root, "diff", "-U1").encode() + b"\n"
    update_index(tree.store, tree.root)
    files = SourceFiles(tree.root)
    found, left_out = patched(diff, files, "stdin")
    assert not left_out and [change.new for change in found.history] == [("def send(to, text, urgent):",)]
    assert related_files(tree.store, found.history, found.texts) == ["app/greet.py"]
    with pytest.raises(RequestError, match="not UTF-8"):
        patched(b"\xff", files, "stdin")


def test_the_name_above_a_changed_parameter_counts() -> None:
    text = "def deliver(\n    to,\n    text,\n    urgent,\n):\n    pass\n"
    change = LineChange("mail.py", 3, (), ("    urgent,",))
    worth = changed_names([change], {"mail.py": text})
    assert worth["urgent"] > worth["deliver"] > 0 and "def" not in worth


def test_only_source_of_the_repository_is_read(tree: Tree, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("x = 1\n")
    tree.write(".gitignore", "hidden.py\n")
    for path in ("hidden.py", ".env", "id_rsa", "node_modules/a.py", "skipped.py"):
        tree.write(path, "x = 1\n")
    tree.write("made.py", "# @generated\nx = 1\n")
    tree.write("huge.py", "x = 1\n" * 200_000)
    tree.write("latin.py", "x = 1\n")
    (tree.root / "latin.py").write_bytes(b"x = '\xff'\n")
    (tree.root / "link.py").symlink_to(outside)
    (tree.root / "folder").symlink_to(tmp_path)
    os.mkfifo(tree.root / "pipe.py")
    names = [
        "hidden.py", ".env", "id_rsa", "node_modules/a.py", "skipped.py", "made.py", "huge.py", "latin.py", "link.py",
        "folder/outside.py", "pipe.py", "../outside.py", str(outside), "mail.py", "gone.py", "a\0.py", "", ".",
    ]  # fmt: skip
    assert SourceFiles(tree.root, ("skipped.py",)).read(names) == {"mail.py": SEND}
