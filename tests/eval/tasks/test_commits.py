"""Tasks from the history of a stranger's repository: nothing of it runs, nobody's configuration changes the rows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from codeassist_eval.benchmarks.crosscodeeval import load_tasks
from codeassist_eval.cli.eval.group import eval_group
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks import history
from codeassist_eval.tasks.commits import added_lines
from codeassist_indexer.ingest import git as indexer_git
from codeassist_indexer.ingest.git import Git, GitLimits
from tests.git_repositories import (
    ATTRIBUTES,
    TRAPS,
    Trap,
    clean_environment,
    commit_files,
    git,
    remove_object,
    sign_head,
)

SHAPES = """\
class Circle:
    def circumference(self, digits):
        return 1

    def area(self, digits):
        return 2
"""
OLD = """\
from shapes import Circle


# of many
def one(circle):
    kept = Circle(radius=1)
    return kept


# of many
def two(circle):
    return 2
"""
# Hunks near each other, lines that may slide (the comment or the blank ones), and the names of another file.
NEW = """\
from shapes import Circle


# of many
def one(circle):
    kept = Circle(radius=1)
    kept.area(digits=7)
    return kept


# of many
def half(circle):
    kept = Circle(radius=3)
    return 1


# of many
def two(circle):
    print(circle.circumference(digits=9))
    return 2
"""
ADDED = {6, 10, 11, 12, 13, 14, 15, 18}  # counted from 0
MOVED = "from shapes import Circle\n\n" + "".join(f"line_{number} = {number}\n" for number in range(20))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of two commits; the second is signed, changes, copies and moves files, one with an accent."""
    repo = tmp_path_factory.mktemp("template") / "repo"
    files = {
        ".gitattributes": ATTRIBUTES,
        "shapes.py": SHAPES,
        "main.py": OLD,
        "moved.py": MOVED,
        "big.txt": "x" * 3_000,
    }
    commit_files(repo, files)
    (repo / "moved.py").unlink()
    again = {"a/moved.py": MOVED + "Circle(9).area(digits=1)\n", "a/copy.py": MOVED + "Circle(8).area(digits=2)\n"}
    commit_files(repo, {"main.py": NEW, "é.py": "from shapes import Circle\n\nCircle(radius=4)\n", **again})
    sign_head(repo)
    return repo


@pytest.fixture(scope="module")
def rows(template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the command writes where nothing is configured."""
    out = tmp_path_factory.mktemp("rows")
    with pytest.MonkeyPatch.context() as patch:
        take_environment(patch, {})
        assert make(template, out).exit_code == 0
    written = (out / "tasks.jsonl").read_text(encoding="utf-8")
    wanted = ("area(digits=7)", "Circle(radius=3)", "circumference(digits=9)", "Circle(radius=4)", "area(digits=2)")
    assert all(truth in written for truth in wanted)
    return written


@pytest.fixture
def repo(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    take_environment(monkeypatch, {})
    return Path(shutil.copytree(template, tmp_path / "repo", symlinks=True))


def take_environment(patch: pytest.MonkeyPatch, more: Mapping[str, str]) -> None:
    """Let the command run without the developer's git variables and configuration, and with `more`."""
    clean = clean_environment()
    for name in [name for name in os.environ if name not in clean]:
        patch.delenv(name)
    for name, value in {**clean, **more}.items():
        patch.setenv(name, value)


def make(repo: Path, out: Path, since: str = "HEAD~1") -> Result:
    arguments = ["make", "--repo", str(repo), "--out", str(out), "--since", since, "--limit", "100"]
    return CliRunner().invoke(eval_group, arguments)


def complaint(repo: Path, out: Path, since: str = "HEAD~1") -> str:
    """The one line that the command ends with."""
    error = make(repo, out, since).exception
    assert isinstance(error, EvaluationError)
    assert "\n" not in str(error)
    return str(error)


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_no_program_of_the_repository_runs(
    repo: Path, rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: Trap
) -> None:
    laid = trap.lay(repo, tmp_path / "trap")
    assert laid.spring(), "plain git does not fall for it: the test shows nothing"
    take_environment(monkeypatch, laid.environment)
    out = tmp_path / "out"

    if trap.is_partial_clone:
        assert "main.py" in complaint(repo, out) and "is missing; give a whole clone" in complaint(repo, out)
    else:
        assert make(repo, out).exit_code == 0
        assert (out / "tasks.jsonl").read_text(encoding="utf-8") == rows

    assert not laid.mark.exists()


@pytest.mark.parametrize("trap", [trap for trap in TRAPS if trap.is_partial_clone], ids=lambda trap: trap.name)
def test_an_older_git_fetches_nothing_either(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: Trap
) -> None:
    laid = trap.lay(repo, tmp_path / "trap")
    fixed = {name: value for name, value in indexer_git._FIXED.items() if name != "GIT_NO_LAZY_FETCH"}
    monkeypatch.setattr(indexer_git, "_FIXED", fixed)  # as where git does not know the variable

    assert "is missing" in complaint(repo, tmp_path / "out")

    assert not laid.mark.exists()


def test_the_real_command_in_a_repository_full_of_traps(repo: Path, rows: str, tmp_path: Path) -> None:
    laid = [
        trap.lay(repo, tmp_path / f"trap{number}") for number, trap in enumerate(TRAPS) if not trap.is_partial_clone
    ]
    environment = {name: value for one in laid for name, value in one.environment.items()}
    mark = tmp_path / "git-ran"
    for folder in (repo, repo / "bin"):  # a git of the repository's own, where a careless search looks first
        folder.mkdir(exist_ok=True)
        (folder / "git").write_text(f"#!/bin/sh\ntouch {mark}\n")
        (folder / "git").chmod(0o755)
    path = os.pathsep.join(["", ".", "bin", str(repo / "bin"), os.environ["PATH"]])
    folders = os.pathsep.join(sys.path)
    environment = {**clean_environment(), **environment, "PATH": path, "PYTHONPATH": folders, "PYTHONSAFEPATH": "1"}
    subprocess.run(["sh", "-c", "git status"], cwd=repo, env=environment, check=True)
    assert mark.exists(), "a shell does not fall for it: the test shows nothing"
    mark.unlink()

    command = [sys.executable, "-m", "codeassist.cli", "eval", "make", "--repo", ".", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [*command, "--since", "HEAD~1", "--limit", "100"],
        cwd=repo, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "tasks.jsonl").read_text(encoding="utf-8") == rows
    assert [one.trap.name for one in laid if one.mark.exists()] == []
    assert not mark.exists()


CONFIGURED = {
    "color": {"color.ui": "always", "color.diff": "always", "diff.colorMoved": "zebra", "diff.wsErrorHighlight": "all"},
    "prefixes": {"diff.noprefix": "true", "diff.mnemonicPrefix": "true", "diff.relative": "true"},
    "paths": {"core.quotePath": "true", "core.precomposeUnicode": "true", "diff.orderFile": "{home}/order"},
    "renames": {"diff.renames": "copies", "diff.renameLimit": "0"},
    "hunks": {"diff.context": "9", "diff.interHunkContext": "9", "diff.suppressBlankEmpty": "true"},
    "algorithm": {"diff.algorithm": "patience", "diff.indentHeuristic": "false"},
    "binary": {"core.bigFileThreshold": "1"},
    "attributes": {"core.attributesFile": "{home}/attributes"},
    "log": {
        "log.date": "relative", "log.decorate": "full", "log.follow": "true", "log.showRoot": "false",
        "log.abbrevCommit": "true", "log.diffMerges": "on", "log.mailmap": "true", "format.pretty": "oneline",
        "core.abbrev": "4",
    },
    "encodings": {"i18n.logOutputEncoding": "UTF-16", "i18n.commitEncoding": "EBCDIC"},
    "line ends": {"core.eol": "crlf", "core.autocrlf": "true"},
    "submodules": {"diff.submodule": "log", "submodule.recurse": "true", "diff.ignoreSubmodules": "all"},
    "elsewhere": {"core.worktree": "{home}"},
}  # fmt: skip


@pytest.mark.parametrize("where", ["global", "local"])
@pytest.mark.parametrize("name", CONFIGURED)
def test_configuration_changes_no_row(
    repo: Path, rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, where: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "order").write_text("é.py\na/*\n")
    (home / "attributes").write_text("*.py -diff\n*.py -text\n")
    file = {"global": home / "config", "local": repo / ".git" / "config"}[where]
    for key, value in CONFIGURED[name].items():
        git(tmp_path, "config", "--file", str(file), key, value.format(home=home))
    take_environment(monkeypatch, {"GIT_CONFIG_GLOBAL": str(home / "config")} if where == "global" else {})

    assert make(repo, tmp_path / "out").exit_code == 0

    assert (tmp_path / "out" / "tasks.jsonl").read_text(encoding="utf-8") == rows
    assert added_lines(Git.open(repo), "HEAD", "main.py") == ADDED


@pytest.mark.parametrize("attributes", ["*.py -diff", "*.py binary", "*.py export-ignore", "*.py ident eol=crlf"])
def test_attributes_change_no_row(repo: Path, rows: str, tmp_path: Path, attributes: str) -> None:
    (repo / ".git" / "info" / "attributes").write_text(attributes + "\n")

    assert make(repo, tmp_path / "out").exit_code == 0

    assert (tmp_path / "out" / "tasks.jsonl").read_text(encoding="utf-8") == rows


def hang_in_a_pipe(repo: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    git(repo, "config", "include.path", str(tmp_path / "pipe"))


def hang_in_a_program(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nsleep 1000\n")
    (tmp_path / "git").chmod(0o755)
    os.environ["PATH"] = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("hang", [hang_in_a_pipe, hang_in_a_program])
def test_a_git_that_hangs_is_stopped(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hang: Callable[[Path, Path], None]
) -> None:
    hang(repo, tmp_path)
    monkeypatch.setattr(history, "_GIT_LIMITS", GitLimits(time_s=0.2))

    said = complaint(repo, tmp_path / "out")

    assert "did not end within 0.2 s" in said and "try a fresh clone" in said and "without --since" in said


@pytest.mark.parametrize("name", ["HEAD~1:main.py", "HEAD~2:shapes.py", "HEAD~2^{tree}", "HEAD~1^{tree}", "HEAD~1"])
def test_missing_objects_are_an_error_that_says_so(repo: Path, tmp_path: Path, name: str) -> None:
    commit_files(repo, {"more.py": "last = 1\n"})
    base = git(repo, "rev-parse", "HEAD~2")
    remove_object(repo, name)

    said = complaint(repo, tmp_path / "out", base)

    assert str(repo) in said and "give a whole clone" in said
    assert not (tmp_path / "out" / "tasks.jsonl").exists()


def test_a_commit_that_is_not_there(repo: Path, tmp_path: Path) -> None:
    assert "no commit '0.9'" in complaint(repo, tmp_path / "out", "0.9")
    base = remove_object(repo, "HEAD~1")
    assert "a shallow clone lacks older ones" in complaint(repo, tmp_path / "out", base)


def test_names_that_would_leave_the_folder_are_left_out(repo: Path, tmp_path: Path) -> None:
    blob = git(repo, "rev-parse", "HEAD:shapes.py")
    entry = bytes.fromhex(blob)

    def tree(entries: list[tuple[bytes, bytes]]) -> bytes:
        content = b"".join(b"%s\0%s" % pair for pair in entries)
        arguments = ("hash-object", "-t", "tree", "-w", "--literally", "--stdin")
        return bytes.fromhex(git(repo, *arguments, stdin=content))

    inner = tree([(b"100644 escaped.py", entry)])
    hostile = [b"..", b".git", b".GIT", b".", b"git~1"]
    names = [(b"40000 " + name, inner) for name in hostile]
    root = [(b"100644 /escaped.py", entry), (b"100644 ../up.py", entry), (b"100644 main.py", entry), *names]
    first = git(repo, "commit-tree", "-m", "first", tree([*root, (b"120000 link", entry)]).hex())
    second = git(repo, "commit-tree", "-m", "second", "-p", first, git(repo, "rev-parse", "HEAD^{tree}"))
    git(repo, "update-ref", "refs/heads/main", second)

    made = make(repo, tmp_path / "out", first)

    assert made.exit_code == 0, made.output
    (snapshot,) = (tmp_path / "out" / "repositories").iterdir()
    assert [path.name for path in snapshot.rglob("*")] == ["main.py"]
    assert not list(tmp_path.rglob("escaped.py")) and not list(tmp_path.rglob("up.py"))


def test_of_a_folder_inside_a_repository_only_that_folder_counts(repo: Path, tmp_path: Path) -> None:
    part = {"part/shapes.py": SHAPES, "part/main.py": OLD, "other.py": OLD}
    commit_files(repo, part)
    commit_files(repo, {"part/main.py": NEW, "other.py": NEW})

    assert make(repo / "part", tmp_path / "out").exit_code == 0

    tasks = load_tasks(tmp_path / "out" / "tasks.jsonl")
    assert {task.path for task in tasks} == {"main.py"} and len(tasks) >= 2
    snapshot = tmp_path / "out" / "repositories" / tasks[0].repository
    assert sorted(path.name for path in snapshot.iterdir()) == ["main.py", "shapes.py"]
