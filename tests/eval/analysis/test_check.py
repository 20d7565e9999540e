"""Checking the analysis behind the monitors: tasks cut at dereferences, and how often the truth would be excluded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from codeassist.errors import CodeAssistError
from codeassist_eval.analysis.check import check_analysis, place_log
from codeassist_eval.analysis.places import drawn_places, places_of_tasks
from codeassist_eval.benchmarks.crosscodeeval import load_tasks
from codeassist_eval.benchmarks.dereferences import cut_at_dereferences, first_dereference
from codeassist_eval.cli.eval.group import eval_group
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.repositories import Repositories, open_repositories
from tests.eval.bench_data import bench_file
from tests.eval.fakes import row, write_rows

SHAPES = """class Circle:
    def area(self, digits):
        return 1

    def grow(self) -> 'Circle':
        return self
"""
HEAD = "from shapes import Circle\n\nfirst = Circle()\n"


@pytest.fixture
def repositories(tmp_path: Path) -> Repositories:
    folder = tmp_path / "repos" / "demo"
    folder.mkdir(parents=True)
    (folder / "shapes.py").write_text(SHAPES)
    (folder / "main.py").write_text(HEAD + "print(first.grow().area(digits=2))\n")
    return Repositories(tmp_path / "repos")


def tasks_file(folder: Path, *truths: str) -> Path:
    rows = [row(f"demo/{number}", prompt=HEAD, groundtruth=truth) for number, truth in enumerate(truths)]
    return write_rows(folder / "tasks.jsonl", rows)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(eval_group, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.mark.parametrize(
    ("language", "prefix", "truth", "char"),
    [
        ("python", "", "a.b", 2),
        ("python", "a.", "b.c", 0),
        ("python", "x = '", "a.b'", None),
        ("python", "", "1.5", None),
        ("python", "", "a", None),
        ("python", "from ", "a.b import c.d", None),
        ("java", "", "a::b", 3),
        ("typescript", "", "a?.b", 3),
    ],
)
def test_first_dereference(language: str, prefix: str, truth: str, char: int | None) -> None:
    assert first_dereference(language, prefix, truth) == char


def test_tasks_are_cut_behind_the_first_dot(tmp_path: Path) -> None:
    out = tmp_path / "cut" / "tasks.jsonl"
    assert cut_at_dereferences(tasks_file(tmp_path, "print(first.area(1))", "print(1)"), out) == 1
    (task,) = load_tasks(out)
    assert (task.prefix, task.groundtruth, task.kind) == (HEAD + "print(first.", "area(1))", "member")
    assert task.task_id == "demo/0"


def test_nothing_to_cut(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no task's truth names a member"):
        cut_at_dereferences(tasks_file(tmp_path, "print(1)"), tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_what_is_known_and_what_would_be_excluded(tmp_path: Path, repositories: Repositories) -> None:
    truths = ("first.grow().area(digits=2)", "first.missing()", "unknown.thing", "first.area(wrong=1)")
    tasks = load_tasks(tasks_file(tmp_path, *truths))
    figures = check_analysis(places_of_tasks(tasks, repositories), tmp_path / "indexes")
    member, keyword = figures.counts["python", "member"], figures.counts["python", "keyword"]
    assert (member.num_places, member.num_active, member.num_excluded) == (5, 4, 1)
    assert dict(member.abstained) == {"undefined name": 1}
    assert (keyword.num_active, keyword.num_excluded) == (2, 1)
    lines = [excluded.line for excluded in figures.excluded]
    assert lines == ["first.<missing>", "first.area(<wrong>"]
    document = figures.as_document()
    assert (document["active"], document["truth_excluded"]) == (6, 2)
    assert document["answer_ms"]["python"]["p50"] > 0


def test_places_are_drawn_with_the_seed(tmp_path: Path, repositories: Repositories) -> None:
    folder = repositories.root / "demo"
    first = [(place.line, place.place) for place in drawn_places(folder, None, 3, 7)]
    assert first == [(place.line, place.place) for place in drawn_places(folder, "python", 3, 7)]
    assert len(first) == 3
    assert not list(drawn_places(folder, "java", 3, 7))


def test_the_commands(tmp_path: Path, repositories: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CODEASSIST_BENCH", raising=False)
    cut = tmp_path / "cut.jsonl"
    assert "1 tasks in" in invoke("dereferences", "--tasks", tasks_file(tmp_path, "first.area(1)"), "--out", cut).output
    repos = ("--repos", repositories.root)
    document = json.loads(invoke("analysis", "--tasks", cut, *repos, "--json").stdout)
    assert (document["active"], document["truth_excluded"]) == (1, 0)
    table = invoke("analysis", "--draw", 5, *repos)
    assert table.exit_code == 0 and "truth excluded: 0.00%" in table.output
    assert invoke("analysis", *repos).exit_code != 0  # neither tasks nor a draw
    with pytest.raises(CodeAssistError):
        invoke("analysis", "--draw", 5, "--repos", tmp_path / "nowhere")


def test_cut_tasks_of_the_benchmark_keep_their_text(tmp_path: Path) -> None:
    source = bench_file("crosscodeeval/java_dev.jsonl")
    out = tmp_path / "tasks.jsonl"
    assert cut_at_dereferences(source, out) > 100
    whole = {task.task_id: task for task in load_tasks(source)}
    for task in load_tasks(out):
        before = whole[task.task_id]
        assert task.prefix + task.groundtruth == before.prefix + before.groundtruth
        assert task.prefix.endswith((".", "::"))


def test_places_of_one_kind_are_drawn_by_files(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    for name in ("one.py", "two.py"):
        (folder / name).write_text(HEAD + "from os import (\n    sep,\n)\nprint(first.area(digits=2), first.grow())\n")
    imports = list(drawn_places(folder, None, 3, 7, ("import",)))
    assert {place.place.kind for place in imports} == {"import"} and len(imports) == 3
    both = list(drawn_places(folder, None, 2, 7, ("keyword", "member")))
    assert sorted(place.place.kind for place in both) == ["keyword", "keyword", "member", "member"]
    assert [place.request.path for place in both] == sorted(place.request.path for place in both)


def test_a_run_that_was_interrupted_goes_on(tmp_path: Path, repositories: Repositories) -> None:
    folder = repositories.root / "demo"
    places = list(drawn_places(folder, None, 20, 7))
    log = place_log(tmp_path / "out", {"seed": 7})
    check_analysis(places[:2], tmp_path / "indexes", log=log)
    assert len(log.read()) == 2
    whole = check_analysis(places, tmp_path / "indexes", log=log).as_document()
    assert len(log.read()) == len(places) == whole["places"]
    again = check_analysis(places, tmp_path / "nowhere", log=log).as_document()
    assert again == whole and not (tmp_path / "nowhere").exists()
    with pytest.raises(EvaluationError, match="another run"):
        place_log(tmp_path / "out", {"seed": 8})


def test_a_relative_folder_of_repositories_is_made_absolute(
    tmp_path: Path, repositories: Repositories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The analysis runs in a folder of its own: `from .types import` would find the standard library's `types`."""
    monkeypatch.chdir(repositories.root.parent)
    opened = open_repositories(Path(repositories.root.name), tmp_path / "cache")
    assert opened.root == repositories.root.resolve()
