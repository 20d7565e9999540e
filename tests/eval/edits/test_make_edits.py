"""Next-edit tasks from histories: what a commit did next, in texts that the made edits leave; nothing of it runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codeassist.cli.app import run
from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.pipeline import applied
from codeassist_eval.edits.commit_edits import commit_edits, task_of
from codeassist_eval.edits.edit_task import EditTask, read_edit_tasks
from tests.git_repositories import commit_files, git

EMPTY = EditTask("r/0", "r", "0", "python", "quiet", EditRequest("", 0, (), {}), ())
BEFORE = {
    "a.py": "".join(f"def f{n}():\n    return {n}\n\n" for n in range(12)) + "size = 1\n\nprint(size)\n",
    "b.py": "from a import size\n\nprint(size + 1)\n",
}
AFTER = {
    "a.py": "".join(f"def f{n}():\n    return {n}\n\n" for n in range(12)) + "width = 1\n\nprint(width)\n",
    "b.py": "from a import width\n\nprint(width + 1)\n",
}


def test_a_commit_is_made_again_edit_by_edit() -> None:
    commit = commit_edits(BEFORE, AFTER)
    assert commit is not None and len(commit.order) == len(commit.edits) == 4
    kinds = []
    for num_made in range(1, 5):
        task = task_of(commit, num_made, EMPTY)
        kinds.append(task.kind)
        texts = dict(task.request.files)
        assert len(task.request.history) == num_made and len(task.targets) == 4 - num_made
        last = task.request.history[-1]
        assert (task.request.path, task.request.line) == (last.path, last.start_line + len(last.new) - 1)
        for target in sorted(task.targets, key=lambda each: -each.start_line):
            text = applied(texts[target.path], target)
            assert text is not None
            texts[target.path] = text
        assert texts == AFTER
        texts = dict(task.request.files)
        for change in reversed(task.request.history):
            back = applied(texts[change.path], LineChange(change.path, change.start_line, change.new, change.old))
            assert back is not None
            texts[change.path] = back
        assert texts == BEFORE
    assert kinds == ["near", "other_file", "near", "quiet"]


def test_what_does_not_fit_is_no_commit_to_learn_from() -> None:
    many = "".join(f"x{n} = 1\n\n" for n in range(40))
    assert commit_edits({"a.py": many}, {"a.py": many.replace("= 1", "= 2")}) is None
    assert commit_edits({"a.py": "a_one = 1\n\nb_two = 2\n"}, {"a.py": "a_one = 3\n\nb_two = 4\n"}) is None
    assert commit_edits({"a.py": "x\n"}, {"a.py": "x\n"}) is None
    single = commit_edits({"a.py": "one = 1\n"}, {"a.py": "one = 2\n"})
    assert single is not None and task_of(single, 1, EMPTY).kind == "quiet"


def repository(folder: Path) -> Path:
    repo = folder / "shop"
    others = {"c.py": "import a\n\nprint(a.size)\n", "d.py": "nothing = 0\n", "notes.md": "size\n"}
    commit_files(repo, {**BEFORE, **others})
    commit_files(repo, AFTER)
    commit_files(repo, {"d.py": "nothing = 1\n"})
    commit_files(repo, {"e.py": "\r\n".join(["size", "size"]), "big.py": "x = 1\n" * 3000})
    commit_files(repo, {"e.py": "\r\n".join(["width", "width"]), "big.py": "x = 2\n" * 3000})
    return repo


def test_the_command_writes_tasks_that_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo, out = repository(tmp_path), tmp_path / "out" / "tasks.jsonl"
    command = ["eval", "make-edits", str(repo), "--out", str(out), "--json"]
    for seed in range(3):
        assert run([*command, "--beside", "2", "--seed", str(seed)]) == 0
        said = json.loads(capsys.readouterr().out)
        tasks = read_edit_tasks(out)
        assert said["tasks"] == len(tasks) >= 1
        for task in tasks:
            assert task.repository == "shop" and task.language == "python"
            wanted = {"d.py"} if "d.py" in task.request.files else {"a.py", "b.py", "c.py"}
            assert set(task.request.files) == wanted
    first = out.read_bytes()
    assert run([*command, "--beside", "2", "--seed", "2"]) == 0
    assert out.read_bytes() == first


def test_a_bare_repository_gives_the_tasks_of_its_checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repo, bare = repository(tmp_path), tmp_path / "bare" / "shop.git"
    git(repo, "clone", "-q", "--bare", ".", str(bare))
    texts = []
    for number, root in enumerate((repo, bare)):
        out = tmp_path / f"{number}.jsonl"
        assert run(["eval", "make-edits", str(root), "--out", str(out), "--beside", "2", "--seed", "1"]) == 0
        texts.append(out.read_bytes())
    assert texts[0] == texts[1] != b""
    out = tmp_path / "both.jsonl"
    assert run(["eval", "make-edits", str(repo), str(bare), "--out", str(out), "--json"]) == 0
    capsys.readouterr()
    names = {task.repository for task in read_edit_tasks(out)}
    assert names == {f"{tmp_path.name}/shop", "bare/shop"}, "called alike, and told apart"


def test_where_nothing_can_be_cut_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plain").mkdir()
    out = str(tmp_path / "t.jsonl")
    assert run(["eval", "make-edits", str(tmp_path / "plain"), "--out", out]) != 0
    assert "not a git repository" in capsys.readouterr().err
    commit_files(tmp_path / "young", {"a.py": "x = 1\n"})
    assert run(["eval", "make-edits", str(tmp_path / "young"), "--out", out]) != 0
    assert "try --since" in capsys.readouterr().err
