"""Tasks cut from any repository: the cursors are right, the rows load, and history shows the code of before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codeassist_eval.benchmarks.crosscodeeval import load_tasks
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.history import make_from_history
from codeassist_eval.tasks.library_calls import make_library_calls
from codeassist_eval.tasks.make import make_from_folder
from codeassist_eval.tasks.repositories import open_repositories
from codeassist_eval.tasks.task import Language
from tests.eval.bench_data import bench_file
from tests.git_repositories import commit_files, git
from tests.indexer.installed_packages import WIDGETS, Repository, install

SOURCES: dict[Language, dict[str, str]] = {
    "python": {
        "shapes.py": "class Circle:\n    def circumference(self, digits):\n        return 1\n",
        "main.py": (
            "from shapes import Circle\n\n# Circle in a comment\nfirst = Circle(radius=2)\n"
            "print(first.circumference(digits=3))\nother = Circle(5)\nprint(first.circumference(4))\nprint('hello')\n"
        ),
    },
    "java": {
        "Circle.java": "public class Circle {\n  double circumference(int digits) { return 1; }\n}\n",
        "Main.java": (
            "class Main {\n  void run() {\n    Circle first = make();\n"
            '    print(first.circumference(3));\n    String name = "Circle";\n  }\n}\n'
        ),
    },
    "typescript": {
        "circle.ts": "export class Circle {\n  circumference(digits: number) { return 1; }\n}\n",
        "main.ts": (
            "import { Circle } from './circle';\n\nconst first = new Circle(2, 3);\n"
            "console.log(first.circumference(3));\n"
        ),
    },
    "csharp": {
        "Circle.cs": "public class Circle {\n  public double Circumference(int digits) { return 1; }\n}\n",
        "Main.cs": (
            "class Main {\n  void Run() {\n    Circle first = Make();\n    Print(first.Circumference(3));\n  }\n}\n"
        ),
    },
}  # fmt: skip


def write_files(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("language", list(SOURCES))
def test_cursors_stand_where_another_file_is_needed(tmp_path: Path, language: Language) -> None:
    repo = write_files(tmp_path / "repo", SOURCES[language])

    made = make_from_folder(repo, tmp_path / "out", None, limit=50, seed=0)

    lines = {name: text.split("\n") for name, text in SOURCES[language].items()}
    for row in rows_of(made.tasks_path):
        file, cursor = row["metadata"]["file"], row["metadata"]["groundtruth_start_lineno"]
        assert row["prompt"] + row["groundtruth"] + row["right_context"] == SOURCES[language][file]
        assert lines[file][cursor].endswith(row["groundtruth"])
        assert row["right_context"].startswith("\n")
    truths = {(row["metadata"]["kind"], row["groundtruth"]) for row in rows_of(made.tasks_path)}
    assert len(truths) == 2 and all("ircle" in truth or "3)" in truth for _, truth in truths)


def test_only_the_first_use_counts_and_no_comment_or_import(tmp_path: Path) -> None:
    repo = write_files(tmp_path / "repo", SOURCES["python"])
    found: set[tuple[str, str]] = set()
    for seed in range(12):
        made = make_from_folder(repo, tmp_path / "out", "python", limit=50, seed=seed)
        found |= {(row["metadata"]["kind"], row["groundtruth"]) for row in rows_of(made.tasks_path)}

    assert found == {
        ("name", "Circle(radius=2)"),
        ("args", "radius=2)"),
        ("member", "circumference(digits=3))"),
        ("args", "digits=3))"),
    }


def test_draws_are_seeded_and_limited(tmp_path: Path) -> None:
    files = {f"user_{n}.py": SOURCES["python"]["main.py"] for n in range(10)}
    repo = write_files(tmp_path / "repo", {**files, "shapes.py": SOURCES["python"]["shapes.py"]})

    first = make_from_folder(repo, tmp_path / "one", None, limit=7, seed=1).tasks_path.read_text()
    again = make_from_folder(repo, tmp_path / "two", None, limit=7, seed=1).tasks_path.read_text()
    other = make_from_folder(repo, tmp_path / "three", None, limit=7, seed=2).tasks_path.read_text()

    assert first == again != other
    assert first.count("\n") == 7


def test_ignored_files_give_no_tasks(tmp_path: Path) -> None:
    repo = write_files(tmp_path / "repo", {**SOURCES["python"], ".gitignore": "main.py\n"})

    with pytest.raises(EvaluationError, match="no file uses a name of another one"):
        make_from_folder(repo, tmp_path / "out", None, limit=5, seed=0)
    with pytest.raises(EvaluationError, match="no such folder"):
        make_from_folder(tmp_path / "none", tmp_path / "out", None, limit=5, seed=0)


def test_history_gives_added_lines_and_the_repository_before_them(tmp_path: Path) -> None:
    old = "from shapes import Circle\n\nkept = Circle(radius=1)\n"
    repo = write_files(tmp_path / "repo", {"shapes.py": SOURCES["python"]["shapes.py"], "main.py": old})
    commit_files(repo, {})
    added = {"main.py": old + "print(kept.circumference(digits=9))\n", "new.py": "print('nothing')\n"}
    second = commit_files(repo, added)[:10]

    made = make_from_history(repo, "HEAD~1", tmp_path / "out", None, limit=5, seed=0)

    (task,) = load_tasks(made.tasks_path)
    assert task.repository == f"repo-{second}"
    assert (task.prefix + task.groundtruth + task.suffix).endswith("print(kept.circumference(digits=9))\n")
    folder = open_repositories(made.repositories, tmp_path / "cache").folder(task)
    assert (folder / "main.py").read_text() == old
    assert not (folder / "new.py").exists()
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("since", "said"), [("HEAD", "none of 0 commits"), ("--all", "no commit '--all'"), ("v9", "no commit 'v9'")]
)
def test_history_that_holds_nothing(tmp_path: Path, since: str, said: str) -> None:
    repo = write_files(tmp_path / "repo", SOURCES["python"])
    commit_files(repo, {})

    with pytest.raises(EvaluationError, match=said) as caught:
        make_from_history(repo, since, tmp_path / "out", None, limit=5, seed=0)

    assert "\n" not in str(caught.value)


def test_a_folder_without_git(tmp_path: Path) -> None:
    repo = write_files(tmp_path / "repo", SOURCES["python"])

    with pytest.raises(EvaluationError, match="not a git repository"):
        make_from_history(repo, "HEAD", tmp_path / "out", None, limit=5, seed=0)


def test_real_repositories_give_tasks_that_load(tmp_path: Path) -> None:
    repositories = open_repositories(bench_file("fresh/dev_repos.tar.xz"), tmp_path / "cache")

    for repo in sorted(repositories.root.iterdir())[:3]:
        made = make_from_folder(repo, tmp_path / repo.name, None, limit=30, seed=0)

        tasks = load_tasks(made.tasks_path)
        assert len(tasks) == made.num_tasks >= 10
        for task in tasks:
            text = (repositories.folder(task) / task.path).read_text(encoding="utf-8-sig")
            assert (task.prefix + task.groundtruth + task.suffix).split("\n") == text.split("\n")


def test_library_calls_stand_where_an_installed_package_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    main = (
        "import json\nimport widgets\nfrom widgets import Widget\nfrom shapes import Circle\n\n"
        "# Widget(in_a_comment=1)\nfirst = Widget('a', num_knobs=2)\nfirst.turn_knob(3, degrees=4)\n"
        "print(json.dumps({}), Circle(9999))\nother = widgets.open_widget('b.json')\nfirst.turn_knob(7777)\n"
        "def turn_knob_of(self): return 'nothing'.format(1234)\n"
    )
    made = Repository(tmp_path / "one", tmp_path / "cache", {**SOURCES["python"], "main.py": main})
    install(made.site_packages, "widgets", "2.1.0", WIDGETS)
    out = make_library_calls(made.root, tmp_path / "out", tmp_path / "cache", "python", limit=100, seed=3)
    rows = [json.loads(line) for line in out.tasks_path.read_text().splitlines()]
    assert {(row["metadata"]["kind"], row["groundtruth"]) for row in rows} <= {
        ("name", "Widget('a', num_knobs=2)"), ("args", "'a', num_knobs=2)"),
        ("member", "turn_knob(3, degrees=4)"), ("args", "3, degrees=4)"),
        ("member", "open_widget('b.json')"), ("args", "'b.json')"),
    }  # fmt: skip
    assert len(rows) == 3, "one a line"
    with pytest.raises(EvaluationError, match="no file calls an installed package"):
        make_library_calls(tmp_path / "out", tmp_path / "none", tmp_path / "cache", None, limit=5, seed=1)
