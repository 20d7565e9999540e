"""Which files commits changed together, of real repositories: whole, shallow, partial, damaged and none at all."""

from __future__ import annotations

import shutil
import threading
from contextlib import closing
from pathlib import Path

import pytest

from codeassist.edits.change import LineChange
from codeassist_indexer.edit_requests.commit_history import MOST_FILES, CommitHistory, CommittedTogether
from codeassist_indexer.edit_requests.related_files import MOST_FILES as MOST_RELATED
from codeassist_indexer.edit_requests.related_files import related_files
from codeassist_indexer.edit_requests.source_files import SourceFiles
from codeassist_indexer.ingest.git import Git
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.storage.store import Store
from tests.git_repositories import commit_files, git, remove_object

WAIT_S = 60.0
SEND = "def send(to):\n    return to\n"


def read(history: CommitHistory) -> CommittedTogether:
    history.look()
    return history.wait(WAIT_S)


def note_commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what git is asked."""
    asked: list[str] = []
    run = Git.run

    def noted(self: Git, command: str, *arguments: str, **more: object) -> bytes:
        asked.append(command)
        return run(self, command, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Git, "run", noted)
    return asked


def together(root: Path, *paths: str) -> dict[str, int]:
    return dict(read(CommitHistory(root)).with_files(paths))


def commit(root: Path, *paths: str) -> None:
    """Commit a change of each file."""
    before = {path: (root / path).read_text() if (root / path).exists() else "" for path in paths}
    commit_files(root, {path: f"{text}# more\n" for path, text in before.items()})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "repo"
    commit(made, "a.py", "first.py")  # the first commit brings everything: it says nothing
    commit(made, "a.py", "lib/b.py", "lib/é c.py")
    commit(made, "a.py", "lib/b.py")
    commit(made, "lib/b.py", "d.py")
    commit(made, "alone.py")
    return made


def test_files_of_the_same_commits_are_counted(root: Path) -> None:
    assert together(root, "a.py") == {"lib/b.py": 2, "lib/é c.py": 1}
    assert together(root, "a.py", "d.py") == {"lib/b.py": 3, "lib/é c.py": 1}
    assert together(root, "alone.py") == together(root, "no.py") == together(root) == {}
    assert together(root / "lib", "b.py") == {"é c.py": 1}, "paths are of the folder that is worked in"


def test_what_nobody_typed_does_not_count(root: Path) -> None:
    commit(root, "a.py", *(f"many/{number}.py" for number in range(MOST_FILES)))
    git(root, "checkout", "-q", "-b", "side", "HEAD~1")
    commit(root, "side.py")
    git(root, "merge", "-q", "--no-edit", "main")
    assert together(root, "a.py") == {"lib/b.py": 2, "lib/é c.py": 1}
    commit(root, "a.py", *(f"many/{number}.py" for number in range(MOST_FILES - 1)))
    assert together(root, "a.py")["many/0.py"] == 1


def test_a_commit_is_read_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = note_commands(monkeypatch)
    history = CommitHistory(root)
    assert history.known().commits == (), "nobody waits"
    known = read(history)
    assert asked.count("diff-tree") == 1 and read(history) is known is history.known()
    assert asked.count("diff-tree") == 1
    commit(root, "a.py", "new.py")
    assert read(history).with_files(["a.py"])["new.py"] == 1 and asked.count("diff-tree") == 2
    history.close()
    commit(root, "a.py", "newer.py")
    assert "newer.py" not in read(history).with_files(["a.py"])


def test_of_a_shallow_clone_its_commits_count(root: Path, tmp_path: Path) -> None:
    for depth, expected in ((2, {}), (3, {"d.py": 1}), (4, {"d.py": 1, "a.py": 1})):
        clone = tmp_path / f"shallow{depth}"
        git(tmp_path, "clone", "-q", "--depth", str(depth), root.as_uri(), str(clone))
        assert together(clone, "lib/b.py") == expected


def test_without_contents_trees_are_enough_and_nothing_is_fetched(root: Path, tmp_path: Path) -> None:
    git(root, "config", "uploadpack.allowFilter", "true")
    for name, expected in (("blob:none", {"lib/b.py": 2, "lib/é c.py": 1}), ("tree:0", {})):
        clone = tmp_path / name.replace(":", "")
        git(tmp_path, "clone", "-q", "--no-checkout", f"--filter={name}", root.as_uri(), str(clone))
        objects = git(clone, "count-objects", "-v")
        assert together(clone, "a.py") == expected, name
        assert git(clone, "count-objects", "-v") == objects


def test_where_git_has_no_answer_nothing_is_known(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = Path(shutil.copytree(root, tmp_path / "damaged"))
    remove_object(damaged, "HEAD~1^{tree}")
    plain = tmp_path / "plain"
    plain.mkdir()
    empty = tmp_path / "empty"
    git(tmp_path, "init", "-q", str(empty))
    for folder in (damaged, plain, empty, tmp_path / "gone"):
        assert together(folder, "a.py") == {}, folder
    (root / ".gitignore").write_text("made/\n")
    (root / "made").mkdir()
    assert together(root / "made", "a.py") == {}, "the repository around it ignores it"
    monkeypatch.setenv("PATH", str(plain))
    assert together(root, "a.py") == {}


def test_a_git_that_fails_is_not_asked_at_each_request(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remove_object(root, "HEAD~2")
    history = CommitHistory(root)
    asked = note_commands(monkeypatch)
    assert read(history).commits == () and asked == ["rev-parse", "rev-list"]
    assert read(history).commits == () and asked == ["rev-parse", "rev-list"]


def related(root: Path, store: Store, text: str, history: CommittedTogether) -> list[str]:
    change = LineChange("mail.py", 0, ("def send(to):",), ("def send(to, urgent):",))
    return related_files(store, [change], {"mail.py": text}, history)


def test_related_files_are_those_of_the_commits_and_those_with_the_names_by_turns(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    callers = {f"call{number:02}.py": f"send({number})\n" for number in range(MOST_RELATED + 5)}
    more = {f"{name}.py": "x = 1\n" for name in ("often", "once", "gone", "hidden")}
    commit_files(root, {"mail.py": SEND, **callers, ".gitignore": "", ".env": "A=1\n"})
    commit_files(root, more)
    commit(root, "mail.py", "often.py", "once.py", "gone.py", "hidden.py", ".env", "README")
    commit(root, "mail.py", "often.py", "call28.py")
    (root / "gone.py").unlink()
    git(root, "rm", "-q", "--cached", "hidden.py", "gone.py")
    (root / ".gitignore").write_text("hidden.py\n")
    git(root, "commit", "-q", "-m", "hide")
    with closing(Store(tmp_path / "index.db")) as store:
        update_index(store, root)
        by_names = related(root, store, SEND, CommittedTogether())
        assert by_names == list(callers)[:MOST_RELATED]
        found = related(root, store, SEND, read(CommitHistory(root)))
    assert found[:5] == ["often.py", "call00.py", "call28.py", "call01.py", "once.py"]
    assert found[5:] == [path for path in by_names if path not in found[:5]][: MOST_RELATED - 5]
    assert set(SourceFiles(root).read(found)) == set(found)


def test_who_waits_while_the_reading_begins(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread is there a moment before it has been started."""
    history, found, start = CommitHistory(root), [], threading.Thread.start
    waiting = threading.Thread(target=lambda: found.append(history.wait(WAIT_S)))

    def start_late(thread: threading.Thread) -> None:
        start(waiting)
        waiting.join(0.1)  # who does not wait for the start has failed by then
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_late)
    history.look()
    monkeypatch.undo()
    waiting.join(WAIT_S)
    assert [each.with_files(["d.py"])["lib/b.py"] for each in found] == [1]
