"""Asking git about a stranger's repository: what runs, what git sees, where it is found, and when it is ended."""

from __future__ import annotations

import ast
import os
import shutil
from pathlib import Path

import pytest

from codeassist_indexer.edit_requests.commit_history import CommitHistory
from codeassist_indexer.ingest.git import Git, GitError, GitLimits
from tests.git_repositories import ATTRIBUTES, TRAPS, Trap, clean_environment, commit_files, git, sign_head

ROOT = Path(__file__).parents[3]
PRODUCT = ("codeassist", "indexer/codeassist_indexer", "lsp/codeassist_lsp", "eval/codeassist_eval")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repo = tmp_path_factory.mktemp("template") / "repo"
    commit_files(
        repo, {".gitattributes": ATTRIBUTES, ".gitignore": "*.log\n", "main.py": "a = 1\n", "sub/b.py": "b = 1\n"}
    )
    commit_files(repo, {"main.py": "a = 2\n"})
    sign_head(repo)
    (repo / "new.py").write_text("c = 1\n")
    (repo / "old.log").write_text("")
    return repo


@pytest.fixture
def repo(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in clean_environment().items():
        monkeypatch.setenv(name, value)
    return Path(shutil.copytree(template, tmp_path / "repo", symlinks=True))


def put_git(folder: Path, script: str) -> Path:
    """Write a program named git that runs `script` into a folder; return the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)
    return folder


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_what_the_index_asks_runs_no_program(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: Trap
) -> None:
    laid = trap.lay(repo, tmp_path / "trap")
    assert laid.spring(), "plain git does not fall for it: the test shows nothing"
    for name, value in laid.environment.items():
        monkeypatch.setenv(name, value)
    asked = Git.open(repo)

    files = asked.run("ls-files", "-co", "--exclude-standard", "-z").split(b"\0")
    ignored = asked.run("check-ignore", "--stdin", "-z", stdin=b"old.log\0main.py\0", statuses=(0, 1))

    assert {b"main.py", b"sub/b.py", b"new.py"} <= set(files) and b"old.log" not in files
    assert ignored == b"old.log\0"
    history = CommitHistory(repo)
    history.look()
    history.wait(60)
    assert not laid.mark.exists()


def test_the_users_own_excludes_count(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "excludes").write_text("new.*\n")
    git(tmp_path, "config", "--file", str(tmp_path / "config"), "core.excludesFile", str(tmp_path / "excludes"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))

    assert b"new.py" not in Git.open(repo).run("ls-files", "-o", "--exclude-standard", "-z").split(b"\0")

    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "git").mkdir(parents=True)
    (tmp_path / "home" / "git" / "ignore").write_text("new.*\n")

    assert b"new.py" not in Git.open(repo).run("ls-files", "-o", "--exclude-standard", "-z").split(b"\0")


def test_git_sees_nothing_else_of_the_environment(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unwanted = (
        "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_EXTERNAL_DIFF", "GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", "GIT_ASKPASS", "GIT_EXEC_PATH",
        "GIT_SSH", "GIT_SSH_COMMAND", "GIT_PROXY_COMMAND", "GIT_PAGER", "GIT_TRACE", "GIT_TRACE_SETUP", "GIT_DIFF_OPTS",
        "GIT_LITERAL_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_NAMESPACE", "GIT_REDIRECT_STDOUT", "PAGER", "LESSOPEN",
        "EDITOR", "SSH_ASKPASS", "LANGUAGE", "LC_MESSAGES", "BASH_ENV", "ENV", "LD_PRELOAD_OF_THE_TEST", "PYTHONPATH",
    )  # fmt: skip
    for name in unwanted:
        monkeypatch.setenv(name, "of-the-test")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "relative/config")
    real = shutil.which("git")
    folders = [put_git(tmp_path / "bin", f'env > {tmp_path}/seen\nexec {real} "$@"'), "", ".", "bin", repo / "sub"]
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, folders), os.environ["PATH"]]))
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{tmp_path}:{repo}:")

    assert Git.open(repo).run("rev-parse", "--show-toplevel") == f"{repo}\n".encode()

    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines())
    assert "of-the-test" not in {value for name, value in seen.items() if name != "GIT_WORK_TREE"}
    assert sorted(name for name in seen if name.startswith("GIT_")) == [
        "GIT_ALLOW_PROTOCOL", "GIT_CEILING_DIRECTORIES", "GIT_CONFIG_NOSYSTEM", "GIT_NO_LAZY_FETCH",
        "GIT_OPTIONAL_LOCKS", "GIT_TERMINAL_PROMPT", "GIT_TRACE2", "GIT_TRACE2_EVENT", "GIT_TRACE2_PERF",
        "GIT_WORK_TREE",
    ]  # fmt: skip
    assert seen["GIT_WORK_TREE"] == str(repo) and seen["LC_ALL"] == "C" and seen["HOME"] == os.environ["HOME"]
    path = seen["PATH"].split(os.pathsep)
    assert path[0] == str(tmp_path / "bin") and all(Path(folder).is_absolute() for folder in path)
    assert str(repo / "sub") not in path
    assert seen["LD_LIBRARY_PATH"] == str(tmp_path)


def test_git_is_never_the_repositorys_own(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "mark"
    put_git(repo, f"touch {mark}")
    (tmp_path / "link").symlink_to(put_git(repo / "tools", f"touch {mark}"))
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "git").symlink_to(repo / "git")
    folders = ["", ".", "tools", str(repo), str(repo / "tools"), str(tmp_path / "link"), str(tmp_path / "links")]
    head = git(repo, "rev-parse", "HEAD").encode()
    monkeypatch.chdir(repo)
    monkeypatch.setenv("PATH", os.pathsep.join([*folders, os.environ["PATH"]]))

    assert Git.open(Path("sub")).run("rev-parse", "HEAD").strip() == head

    monkeypatch.setenv("PATH", os.pathsep.join(folders))
    with pytest.raises(GitError, match="git is not installed: no folder of PATH outside of the repository"):
        Git.open(Path("sub"))
    assert not mark.exists()


def test_a_git_that_cannot_be_started(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put_git(tmp_path / "bin", "")
    (folder / "git").write_bytes(b"\x7fELF no program")
    monkeypatch.setenv("PATH", str(folder))

    with pytest.raises(GitError, match="cannot be started: Exec format error; install git anew"):
        Git.open(repo).run("rev-parse", "HEAD")


def test_only_commands_that_read_can_be_asked(repo: Path) -> None:
    with pytest.raises(KeyError, match="status"):
        Git.open(repo).run("status")


@pytest.mark.parametrize("rest", ["wait", "exit 0"])  # the child keeps git's pipes open in either case
def test_a_git_that_hangs_is_ended_with_all_it_started(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rest: str
) -> None:
    os.mkfifo(tmp_path / "alive")
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    folder = put_git(tmp_path / "bin", f"exec 9> {tmp_path}/alive\necho started >&9\nsleep 1000 &\n{rest}")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(GitError, match=r"git rev-parse did not end within 1 s and was stopped; try a fresh clone"):
        Git.open(repo, GitLimits(time_s=1.0)).run("rev-parse", "HEAD")

    os.set_blocking(alive, True)
    with os.fdopen(alive, "rb") as pipe:
        assert pipe.read() == b"started\n"  # it ends only when nobody holds it open any more


def test_a_git_that_does_not_read_what_it_is_given(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put_git(tmp_path / "bin", "exit 0")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    assert Git.open(repo).run("cat-file", "--batch", stdin=b"0" * (4 << 20)) == b""


def test_output_is_bounded(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Git.open(repo).run("ls-files")
    assert Git.open(repo, GitLimits(output_bytes=len(whole))).run("ls-files") == whole
    with pytest.raises(GitError, match=f"git ls-files printed more than {len(whole) - 1} bytes and was stopped"):
        Git.open(repo, GitLimits(output_bytes=len(whole) - 1)).run("ls-files")

    folder = put_git(tmp_path / "bin", "yes; yes >&2")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(GitError, match="printed more than 100,000 bytes"):
        Git.open(repo, GitLimits(output_bytes=100_000)).run("ls-files")


def test_complaints_are_one_printable_line(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = r"yes warning: noise | head -n 100000; printf 'fatal: \033]52;c;x\007\nadvice: do this\n'; exit 128"
    folder = put_git(tmp_path / "bin", f"exec >&2; {said}")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(GitError) as caught:
        Git.open(repo).run("ls-files")

    assert "git ls-files: fatal: ?]52;c;x? advice: do this; if it is partial" in str(caught.value)


def test_the_checkout_is_where_git_lies(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    (repo / "empty" / ".git").mkdir(parents=True)
    (repo / "part").mkdir()

    for folder in (repo, tmp_path / "linked"):
        git(repo, "config", "core.worktree", "/")
        assert Git.open(folder).run("rev-parse", "--show-toplevel").decode() == f"{folder}\n"
        assert Git.open(folder / "sub").run("ls-files").decode() == "b.py\n"
    with pytest.raises(GitError, match="not a git repository"):
        Git.open(repo / "empty").run("rev-parse", "HEAD")
    with pytest.raises(GitError, match="not a git repository: neither it nor a folder above it"):
        Git.open(tmp_path)


def test_a_folder_of_a_checkout_that_looks_like_a_repository_is_none(repo: Path, tmp_path: Path) -> None:
    program = put_git(tmp_path / "bin", f"touch {tmp_path}/mark") / "git"
    git(repo, "clone", "-q", "--bare", ".", "embedded")
    git(repo / "embedded", "config", "core.fsmonitor", str(program))

    with pytest.raises(GitError, match="cannot use bare repository"):
        Git.open(repo / "embedded").run("rev-parse", "HEAD")
    assert not (tmp_path / "mark").exists()


def test_a_bare_repository_that_the_user_names_runs_no_program(repo: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(repo, "clone", "-q", "--bare", ".", str(bare))
    laid = next(each for each in TRAPS if each.name == "diff.external").lay(bare, tmp_path / "trap")
    assert laid.spring(), "plain git does not fall for it: the test shows nothing"
    asked = Git.open_bare(bare)

    [commit] = asked.run("rev-list", "--max-count=1", "HEAD", "--").decode().split()
    files = asked.run("ls-tree", "-r", "--name-only", commit).decode().split()
    assert asked.run("diff-tree", "-r", "--relative", "-p", "--root", commit)

    assert {"main.py", "sub/b.py"} <= set(files)
    assert not laid.mark.exists()
    with pytest.raises(GitError, match="not a bare repository"):
        Git.open_bare(repo)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_repository_is_not_asked(repo: Path) -> None:
    for path in (repo, repo / ".git"):
        os.chown(path, 12_345, 12_345)

    with pytest.raises(GitError, match=r"dubious ownership.*safe\.directory"):
        Git.open(repo).run("rev-parse", "HEAD")


def test_replaced_objects_and_odd_names_are_read_as_they_are(repo: Path) -> None:
    commit_files(repo, {"*.py": "star = 1\n", "é\n.py": "accent = 1\n"})
    blob = git(repo, "rev-parse", "HEAD:main.py")
    git(repo, "replace", blob, git(repo, "rev-parse", "HEAD:sub/b.py"))
    asked = Git.open(repo)

    assert asked.run("cat-file", "blob", blob) == b"a = 2\n"
    assert asked.run("ls-files", "-z", "--", "*.py") == b"*.py\0"
    assert "é\n.py".encode() in asked.run("ls-files", "-z").split(b"\0")


def test_nothing_else_in_the_product_names_the_git_program() -> None:
    named = {
        path.relative_to(ROOT).as_posix()
        for package in PRODUCT
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in ("git", "git.exe")
    }

    assert named == {"indexer/codeassist_indexer/ingest/git.py"}
