"""No file that git ignores is ever indexed, and none that git lists is missing: random trees, held to git itself."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from codeassist_indexer.ingest.git import GitLimits
from codeassist_indexer.ingest.git_answers import AskedPaths, GitAnswer, GitPatience, ListedFiles, NoRepositoryError
from codeassist_indexer.ingest.ignore import IgnoreRules
from codeassist_indexer.ingest.walk import FileLimits, FoundFile, walk
from tests.git_repositories import git
from tests.security.random_trees import NUM_TREES, RandomTree, make_tree


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (tmp_path / "home/.config/git").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    git(folder, "init", "-q", "--template=")
    (folder / ".git" / "info").mkdir()
    return folder / ".git"


def walked(root: Path, answer: GitAnswer | None) -> set[str]:
    found = walk(root, IgnoreRules(root, git=answer), lambda path: True, FileLimits())
    return {each.path for each in found if isinstance(each, FoundFile)}


def judged(tree: RandomTree, answer: GitAnswer | None) -> set[str]:
    rules = IgnoreRules(tree.root, git=answer)
    return {path for path in tree.files() if not rules.ignores_file(path)}


def test_random_trees(tmp_path: Path, template: Path, home: Path) -> None:
    first_seed = random.SystemRandom().randrange(1 << 32)
    for seed in range(first_seed, first_seed + NUM_TREES):
        tree = make_tree(tmp_path / str(seed), template, seed)
        (home / ".config/git/ignore").write_text(tree.chooser.choice(["", "abc*\n", "foo/\n!a.py\n"]))
        where = f"seed {seed}"
        print(where)
        listed = tree.listed()
        assert listed.isdisjoint(tree.ignored()), where

        assert walked(tree.root, None) == listed, f"{where}, our own reading"
        assert judged(tree, None) == listed, f"{where}, our own reading of single paths"
        assert walked(tree.root, ListedFiles(tree.root)) == listed, f"{where}, git asked about the tree"
        assert judged(tree, AskedPaths(tree.root, tree.files())) == listed, f"{where}, git asked about paths"

        tree.track()
        listed = tree.listed()
        assert set(tree.tracked) <= listed
        assert walked(tree.root, ListedFiles(tree.root)) == listed, f"{where}, some tracked"
        assert judged(tree, AskedPaths(tree.root, tree.files())) == listed, f"{where}, paths, some tracked"
        without = ListedFiles(tree.root, options=("-c",), is_complete=False)
        assert walked(tree.root, without) == listed, f"{where}, git asked about tracked files alone"


def answers(root: Path, paths: list[str]) -> list[GitAnswer | None]:
    """All ways to ask: no git, the tree, tracked files alone, paths."""
    tracked = ListedFiles(root, options=("-c",), is_complete=False)
    return [None, ListedFiles(root), tracked, AskedPaths(root, paths)]


def write(root: Path, *paths: str, text: str = "x = 1\n") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


@pytest.mark.parametrize("place", ["default", "XDG_CONFIG_HOME", "~/.gitconfig", "git/config", "repository", "quoted"])
def test_the_users_own_excludes(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    root = tmp_path / "repo"
    write(root, "a.py", "private.py")
    git(root, "init", "-q")
    excludes = home / "my excludes"
    if place == "default":
        excludes = home / ".config/git/ignore"
    elif place == "XDG_CONFIG_HOME":
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
        excludes = tmp_path / "xdg/git/ignore"
    elif place == "repository":
        git(root, "config", "core.excludesFile", str(excludes))
    elif place == "quoted":
        write(home, ".gitconfig", text='[user] ; mine\n\tname = x\n[Core]\n\texcludesfile = "~/my excludes" # where\n')
    else:
        config = home / (".gitconfig" if place.startswith("~") else ".config/git/config")
        git(home, "config", "--file", str(config), "core.excludesFile", "~/my excludes")
    write(excludes.parent, excludes.name, text="private.py\n")
    for answer in answers(root, ["a.py", "private.py"]):
        assert judged(RandomTree(root, random.Random()), answer) == {"a.py"}


def test_worktrees_stay_out_and_submodules_in(tmp_path: Path) -> None:
    write(tmp_path / "library", "lib.py")
    write(tmp_path / "library", ".gitignore", text="*.gen.py\n")
    root = tmp_path / "repo"
    write(root, "a.py", "worktrees/b.py")
    for repository in (tmp_path / "library", root):
        git(repository, "init", "-q", "-b", "main")
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "-m", "files")
    for name in ("sub", "worktrees/sub"):  # whose repository is .git/modules/worktrees/sub
        git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "library"), name)
    git(root, "worktree", "add", "-q", "-b", "old", str(root / "checkouts" / "old"))
    git(root / "sub", "worktree", "add", "-q", "-b", "older", str(root / "checkouts" / "older"))
    write(root, "sub/new.py", "sub/x.gen.py", "x.gen.py")
    expected = {"a.py", "x.gen.py", "worktrees/b.py", "sub/lib.py", "sub/new.py", "worktrees/sub/lib.py"}
    expected |= {".gitmodules", "sub/.gitignore", "worktrees/sub/.gitignore"}
    for answer in answers(root, RandomTree(root, random.Random()).files()):
        assert judged(RandomTree(root, random.Random()), answer) == expected
        assert walked(root, answer) == expected
    assert walked(root / "checkouts" / "old", ListedFiles(root / "checkouts" / "old")) == {"a.py", "worktrees/b.py"}


def test_our_own_rules_stand_above_git_s(tmp_path: Path) -> None:
    write(
        tmp_path, "a.py", "gen/b.py", "gen/deep/c.py", "gen/d.log", "data.py", "src/e.py", "only/f.tmp.py", "tracked.py"
    )
    write(tmp_path, ".gitignore", text="/gen/\ndata.py\n*.log\n*.tmp.py\ntracked.py\n")
    write(tmp_path, "src/.gitignore", text="!e.py\n")
    write(tmp_path, ".codeassistignore", text="!/gen/\n!data.py\ne.py\n!f.tmp.py\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-f", "tracked.py")
    expected = {"a.py", "gen/b.py", "gen/deep/c.py", "data.py", "only/f.tmp.py"}
    for answer in answers(tmp_path, RandomTree(tmp_path, random.Random()).files()):
        tracked = set() if answer is None else {"tracked.py"}
        found = judged(RandomTree(tmp_path, random.Random()), answer) - {
            "src/.gitignore",
            ".gitignore",
            ".codeassistignore",
        }
        assert found == expected | tracked
        rules = IgnoreRules(tmp_path, ("/gen/deep/", "*.tmp.py", "tracked.py"), answer)
        assert [path for path in sorted(found) if not rules.ignores_file(path)] == ["a.py", "data.py", "gen/b.py"]


def test_a_tracked_file_below_a_link_is_not_read(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    write(root, "dir/a.py", "b.py")
    git(root, "init", "-q")
    git(root, "add", "-A")
    (root / "dir").rename(tmp_path / "outside")
    (root / "dir").symlink_to(tmp_path / "outside")
    for answer in (ListedFiles(root), AskedPaths(root, ["dir/a.py", "b.py"])):
        assert walked(root, answer) == {"b.py"}
    assert IgnoreRules(root, git=AskedPaths(root, ["dir/a.py", "b.py"])).ignores_file("dir/a.py")


def test_a_root_that_the_repository_around_it_ignores_is_on_its_own(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, ".gitignore", text="*\n")  # as people keep their settings in git, in their home folder
    write(tmp_path, "project/a.py", "project/b.gen.py")
    write(tmp_path, "project/.gitignore", text="*.gen.py\n")
    root = tmp_path / "project"
    with pytest.raises(NoRepositoryError, match="ignored by the repository around it"):
        ListedFiles(root)
    assert walked(root, None) == {"a.py", ".gitignore"}
    write(tmp_path, ".gitignore", text="a.py\n")
    assert walked(root, ListedFiles(root)) == walked(root, None) == {".gitignore"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.parametrize("trap", ["pipe", "pattern", "excludes", "nested"])
def test_a_git_that_freezes_is_left(tmp_path: Path, trap: str) -> None:
    root = tmp_path / "repo"
    write(root, "a.py", "b.log", "inner/c.log", "d.py", "inner/" + "x" * 200 + ".py")
    git(root, "init", "-q")
    write(root, ".gitignore", text="*.log\nd.py\n")
    git(root, "add", "-f", "d.py")
    if trap == "pattern":
        write(root, "inner/.gitignore", text="*x" * 60 + "y\n")
    elif trap == "excludes":
        os.mkfifo(tmp_path / "pipe")
        git(root, "config", "core.excludesFile", str(tmp_path / "pipe"))
    else:
        os.mkfifo(root / "inner" / ".gitignore")
    if trap == "nested":
        git(root / "inner", "init", "-q")
        (root / "inner" / "c.log").unlink()
    patience = GitPatience(limits=GitLimits(time_s=0.5))
    expected = {"a.py", "d.py", "inner/" + "x" * 200 + ".py", ".gitignore"}
    expected |= {"inner/.gitignore"} if trap == "pattern" else set()
    assert walked(root, patience.about_tree(root)) == expected
    assert "did not end within" in " ".join(patience.take_notices())
    assert walked(root, patience.about_tree(root)) == expected
    rules = IgnoreRules(root, git=patience.about_paths(root, ["d.py", "b.log"]))
    assert rules.ignores_file("b.log") and not rules.ignores_file("d.py")
    assert patience.take_notices() == (), "said once"
