"""Changed files reach the index by themselves; ignored ones cause no work. Waits for events, never sleeps."""

import logging
import queue
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.ingest.watch import Watcher
from codeassist_indexer.storage.store import Store

WAIT_S = 20


class Watched:
    def __init__(self, root: Path, store: Store) -> None:
        self.root, self.store = root, store
        self.updates: queue.Queue[frozenset[str]] = queue.Queue()
        self.open: set[str] = set()
        self.watcher = Watcher(
            store, root, debounce_s=0.05, is_open=self.open.__contains__, on_update=self.updates.put, look_s=0.1
        )

    def wait_for(self, path: str) -> None:
        """Wait until `path`, or the whole tree, has been looked at."""
        while not {path, ""} & self.updates.get(timeout=WAIT_S):
            pass

    def names(self) -> set[str]:
        return {name for (name,) in self.store.query("SELECT name FROM symbols")}


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    root = tmp_path / "repo"
    (root / "node_modules").mkdir(parents=True)
    (root / ".gitignore").write_text("ignored/\n*.gen.py\n")
    (root / "a.py").write_text("def first(): ...\n")
    made = Watched(root, Store(tmp_path / "cache" / "index.db"))
    update_index(made.store, root)
    assert made.watcher.start()
    yield made
    made.watcher.stop()
    made.store.close()


def test_written_moved_and_deleted_files_are_followed(watched: Watched) -> None:
    (watched.root / "a.py").write_text("def second(): ...\n")
    watched.wait_for("a.py")
    assert watched.names() == {"second"}
    (watched.root / "a.py").rename(watched.root / "b.py")
    watched.wait_for("b.py")
    assert list(watched.store.file_states()) == ["b.py"]
    (watched.root / "b.py").unlink()
    watched.wait_for("b.py")
    assert watched.store.file_states() == {}


def test_a_new_folder_is_indexed_whole(watched: Watched, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "inner.py").write_text("def inner(): ...\n")
    made.rename(watched.root / "pkg")
    watched.wait_for("pkg")
    assert watched.names() == {"first", "inner"}


def test_ignored_files_and_reading_cause_no_work(watched: Watched) -> None:
    for path in ("x.gen.py", "node_modules/m.py", "notes.md", ".env"):
        (watched.root / path).write_text("def hidden(): ...\n")
    (watched.root / "a.py").read_text()
    (watched.root / "ignored").mkdir()
    (watched.root / "last.py").write_text("def last(): ...\n")
    looked_at = watched.updates.get(timeout=WAIT_S)
    while "last.py" not in looked_at:
        looked_at |= watched.updates.get(timeout=WAIT_S)
    assert looked_at == {"last.py"}
    assert watched.names() == {"first", "last"}


def test_changed_ignore_rules_hold_at_once(watched: Watched) -> None:
    (watched.root / ".gitignore").write_text("a.py\n")
    watched.wait_for(".gitignore")
    assert watched.names() == set()


def test_an_open_document_is_left_to_the_editor(watched: Watched) -> None:
    watched.open.add("a.py")
    (watched.root / "a.py").write_text("def from_disk(): ...\n")
    watched.wait_for("a.py")
    assert watched.names() == {"first"}


def test_what_somebody_else_says_has_changed_is_looked_at(watched: Watched) -> None:
    watched.watcher.stop()
    unwatched = Watched(watched.root, watched.store)
    unwatched.watcher._schedule = lambda: False  # as where the system lets no folder be watched
    unwatched.watcher.start()
    try:
        (watched.root / "pkg").mkdir()
        (watched.root / "pkg" / "b.py").write_text("def second(): ...\n")
        unwatched.watcher.notice(watched.root / "pkg" / "b.py")
        unwatched.wait_for("pkg/b.py")
        assert watched.names() == {"first", "second"}
        shutil.rmtree(watched.root / "pkg")
        unwatched.watcher.notice(watched.root / "pkg")
        unwatched.wait_for("pkg")
        assert watched.names() == {"first"}
        unwatched.watcher.notice(watched.root.parent / "elsewhere.py")
        unwatched.watcher.notice(watched.root / "notes.md")
        unwatched.watcher.notice(watched.root / "a.py")
        assert unwatched.updates.get(timeout=WAIT_S) == {"a.py"}
    finally:
        unwatched.watcher.stop()


@pytest.mark.parametrize("way", ["renamed", "deleted"])
def test_a_root_that_goes_and_comes_back(watched: Watched, way: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    away = watched.root.with_name("away")
    if way == "renamed":
        watched.root.rename(away)
    else:
        shutil.copytree(watched.root, away)
        shutil.rmtree(watched.root)
    wait_until(lambda: "is gone" in caplog.text)
    if way == "renamed":  # while a tree is being deleted, each of its files may be looked at first
        assert watched.names() == {"first"}
    (away / "b.py").write_text("def second(): ...\n")
    away.rename(watched.root)
    watched.wait_for("")
    assert watched.names() == {"first", "second"}
    (watched.root / "c.py").write_text("def third(): ...\n")
    watched.wait_for("c.py")
    assert watched.names() == {"first", "second", "third"}
    assert len([record for record in caplog.records if "is gone" in record.message]) == 1


def wait_until(has_happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not has_happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_errors_are_logged_once_and_watching_goes_on(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    watched.store.close()
    good = watched.store.path
    broken = good.with_name("elsewhere.db")
    broken.write_bytes(b"garbage" * 1000)
    watched.store.path = broken
    with caplog.at_level(logging.WARNING):
        for text in ("x = 1\n", "x = 22\n"):
            (watched.root / "a.py").write_text(text)
            watched.wait_for("a.py")
    assert len([record for record in caplog.records if "not indexed" in record.message]) == 1
    watched.store.close()
    watched.store.path = good
    (watched.root / "a.py").write_text("def third(): ...\n")
    watched.wait_for("a.py")
    assert watched.names() == {"third"}


def test_stopping_before_starting_and_twice_is_fine(tmp_path: Path) -> None:
    watcher = Watcher(Store(tmp_path / "index.db"), tmp_path)
    watcher.stop()
    watcher.stop()


def test_a_folder_that_cannot_be_watched_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    watcher = Watcher(Store(tmp_path / "index.db"), tmp_path / "nowhere")
    assert not watcher.start()
    assert "is not watched" in caplog.text
    watcher.stop()
