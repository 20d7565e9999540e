"""Whatever changes which files count, the watched index comes to hold what a fresh walk finds. Waits for updates."""

from __future__ import annotations

import os
import queue
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codeassist_indexer.ingest.git_answers import ListedFiles
from codeassist_indexer.ingest.ignore import IgnoreRules
from codeassist_indexer.ingest.update import UpdateSettings, is_source, update_index
from codeassist_indexer.ingest.walk import FileLimits, FoundFile, walk
from codeassist_indexer.ingest.watch import Watcher
from codeassist_indexer.storage.store import Store
from tests.git_repositories import commit_files, git
from tests.security.random_trees import NUM_TREES, RandomTree, make_tree

WAIT_S = 30
SETTINGS = UpdateSettings(encoder=None, num_workers=1)


@pytest.fixture(autouse=True)
def no_own_git_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


class Watched:
    def __init__(self, root: Path, database: Path) -> None:
        self.root = root
        self.store = Store(database)
        self.updates: queue.Queue[frozenset[str]] = queue.Queue()
        self.watcher = Watcher(self.store, root, SETTINGS, debounce_s=0.02, on_update=self.updates.put)
        assert self.watcher.start()
        update_index(self.store, root, SETTINGS)

    def walked(self) -> set[str]:
        rules = IgnoreRules(self.root, git=ListedFiles(self.root))
        found = walk(self.root, rules, is_source, FileLimits())
        return {each.path for each in found if isinstance(each, FoundFile)}

    def settle(self, why: str) -> None:
        """Wait until the index holds what a fresh walk finds; fail where nothing is looked at any more before."""
        expected = self.walked()
        while set(self.store.file_states()) != expected:
            try:
                self.updates.get(timeout=WAIT_S)
            except queue.Empty:
                held = set(self.store.file_states())
                pytest.fail(f"{why}: missing {expected - held}, too much {held - expected}")


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[[Path], Watched]]:
    made: list[Watched] = []

    def start(root: Path) -> Watched:
        made.append(Watched(root, tmp_path / "cache" / f"{len(made)}.db"))
        return made[-1]

    yield start
    for each in made:
        each.watcher.stop()
        each.store.close()


def test_random_changes(tmp_path: Path, watch: Callable[[Path], Watched]) -> None:
    git(tmp_path, "init", "-q", "--template=", "template")
    (tmp_path / "template/.git/info").mkdir()
    first_seed = random.SystemRandom().randrange(1 << 32)
    for seed in range(first_seed, first_seed + max(4, NUM_TREES // 10)):
        tree = make_tree(tmp_path / str(seed), tmp_path / "template" / ".git", seed)
        watched = watch(tree.root)
        for step in range(10):
            change = tree.chooser.choice(CHANGES)
            print(f"seed {seed}, step {step}: {change.__name__}")
            change(tree)
            watched.settle(f"seed {seed}, step {step}, {change.__name__}")


def _rules(tree: RandomTree) -> None:
    tree.add_rules()


def _track(tree: RandomTree) -> None:
    tree.track()


def _forget(tree: RandomTree) -> None:
    if tree.tracked:
        git(tree.root, "--literal-pathspecs", "rm", "-qf", "--cached", "--ignore-unmatch", "--", *tree.tracked)
        tree.tracked.clear()


def _no_rules(tree: RandomTree) -> None:
    for path in [path for path in tree.files() if path.endswith(".gitignore")][:1]:
        (tree.root / path).unlink()


def _write(tree: RandomTree) -> None:
    folder = tree.chooser.choice(["", *(path.rpartition("/")[0] for path in tree.files())])
    (tree.root / folder / tree.chooser.choice(["a.py", "new.py", "foo.go"])).write_text("y = 2\n")


def _rename(tree: RandomTree) -> None:
    folders = sorted({path.partition("/")[0] for path in tree.files() if "/" in path})
    if folders:
        (tree.root / tree.chooser.choice(folders)).rename(tree.root / f"moved{tree.chooser.random()}")


def _delete(tree: RandomTree) -> None:
    if files := tree.files():
        (tree.root / tree.chooser.choice(files)).unlink()


CHANGES = (_rules, _rules, _track, _track, _forget, _no_rules, _write, _write, _rename, _delete)


def test_a_repository_that_begins_and_ends_inside(tmp_path: Path, watch: Callable[[Path], Watched]) -> None:
    root = tmp_path / "repo"
    commit_files(root, {"a.py": "x = 1\n", ".gitignore": "*.gen.py\n"})
    (root / "inner").mkdir()
    (root / "inner" / "b.gen.py").write_text("x = 1\n")
    watched = watch(root)
    assert set(watched.store.file_states()) == {"a.py"}
    git(root / "inner", "init", "-q")
    watched.settle("a repository of its own, with rules of its own")
    assert "inner/b.gen.py" in watched.store.file_states()
    shutil.rmtree(root / "inner" / ".git")
    watched.settle("a folder of the outer one again")
    assert set(watched.store.file_states()) == {"a.py"}


def test_a_worktree_s_repository_lies_elsewhere(tmp_path: Path, watch: Callable[[Path], Watched]) -> None:
    commit_files(tmp_path / "main", {"a.py": "x = 1\n", ".gitignore": "*.gen.py\n"})
    git(tmp_path / "main", "worktree", "add", "-q", str(tmp_path / "tree"))
    root = tmp_path / "tree"
    (root / "b.gen.py").write_text("x = 1\n")
    watched = watch(root)
    git(root, "add", "-f", "b.gen.py")
    watched.settle("tracked now")
    assert "b.gen.py" in watched.store.file_states()
    (tmp_path / "main" / ".git" / "info").mkdir(exist_ok=True)
    (tmp_path / "main" / ".git" / "info" / "exclude").write_text("c.py\n")
    (root / "c.py").write_text("x = 1\n")
    (root / "d.py").write_text("x = 1\n")
    watched.settle("excluded")
    assert set(watched.store.file_states()) == {"a.py", "b.gen.py", "d.py"}


def test_a_root_below_the_top_of_its_checkout(tmp_path: Path, watch: Callable[[Path], Watched]) -> None:
    commit_files(tmp_path / "top", {"sub/a.py": "x = 1\n", "sub/b.py": "x = 1\n", "sub/.codeassist.toml": ""})
    (tmp_path / "top" / "sub" / "c.py").write_text("x = 1\n")
    watched = watch(tmp_path / "top" / "sub")
    assert set(watched.store.file_states()) == {"a.py", "b.py", "c.py"}
    (tmp_path / "top" / ".gitignore").write_text("b.py\nc.py\n")
    watched.settle("rules above the root")
    assert set(watched.store.file_states()) == {"a.py", "b.py"}, "the one that git tracks stays"
