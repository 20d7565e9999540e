"""The database: permissions, versions, corruption, threads, and that no failure leaves half a file."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from codeassist.errors import CodeAssistError, IndexCorrupt
from codeassist_indexer.storage.schema import SCHEMA_VERSION
from codeassist_indexer.storage.store import Store, database_path
from tests.indexer.prepared_files import prepare_unsaved

TEXT = "class Config:\n    retries: int = 3\n\n    def load(self) -> None:\n        pass\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache" / "index.db")


def test_one_database_a_repository_in_the_given_cache(tmp_path: Path) -> None:
    one, other = database_path(tmp_path / "one", tmp_path), database_path(tmp_path / "other", tmp_path)
    assert one != other
    assert one == database_path(tmp_path / "x" / ".." / "one", tmp_path)
    assert one.is_relative_to(tmp_path / "index")
    assert database_path(tmp_path).is_absolute()


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
def test_only_the_owner_can_read(store: Store) -> None:
    store.write([prepare_unsaved("a.py", TEXT)])
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert "index.db-wal" in modes


def test_a_file_is_replaced_and_removed_whole(store: Store) -> None:
    store.write([prepare_unsaved("a.py", TEXT), prepare_unsaved("b.py", "from a import Config\n")])
    store.write([prepare_unsaved("a.py", "def other(): ...\n")])
    assert store.query("SELECT name FROM symbols ORDER BY name") == [("other",)]
    assert store.query("SELECT count(*) FROM chunk_tokens WHERE chunk_tokens MATCH 'retries'") == [(0,)]
    store.check()
    store.write([], gone=["a.py", "b.py", "never.py"])
    assert {
        store.query(f"SELECT count(*) FROM {table}")[0][0] for table in ("files", "symbols", "chunks", "imports")
    } == {0}
    store.check()


def test_known_paths_are_files_and_folders_that_hold_some(store: Store) -> None:
    held = ("a.py", "b/c.py", "b/d/e.py", "b-d/f.py", "b0.py", "ä/g.py")
    store.write([prepare_unsaved(path, TEXT) for path in held])
    asked = ("a.py", "a", "b", "b/c.py", "b/d", "b-d", "b-", "b0", "b0.py", "c.py", "ä", "", "b/")
    wanted = {path for path in asked if path in held or any(each.startswith(f"{path}/") for each in held)}
    assert wanted == {"a.py", "b", "b/c.py", "b/d", "b-d", "b0.py", "ä"}
    assert store.known_paths(asked) == wanted


def test_a_failed_write_changes_nothing(store: Store) -> None:
    store.write([prepare_unsaved("a.py", TEXT)])
    before = store.counts()
    with pytest.raises(KeyboardInterrupt), store.transaction() as connection:
        connection.execute("DELETE FROM chunks")
        raise KeyboardInterrupt
    assert store.counts() == before
    store.check()


@pytest.mark.parametrize("damage", ["garbage", "truncated", "middle", "other version", "foreign"])
def test_a_broken_database_is_told_and_rebuilt(store: Store, damage: str) -> None:
    store.write([prepare_unsaved(f"f{n}.py", TEXT * 20) for n in range(20)])
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    content = store.path.read_bytes()
    if damage == "garbage":
        store.path.write_bytes(b"not a database, not at all " * 400)
    elif damage == "truncated":
        store.path.write_bytes(content[: len(content) // 2])
    elif damage == "middle":
        store.path.write_bytes(content[:4096] + os.urandom(len(content) - 8192) + content[-4096:])
    elif damage == "other version":
        with sqlite3.connect(store.path) as connection:
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    else:
        store.path.unlink()
        with sqlite3.connect(store.path) as connection:
            connection.execute("CREATE TABLE somebody_elses(x)")
    with pytest.raises(IndexCorrupt, match="codeassist index"):
        store.check()
    store.rebuild()
    assert store.counts().num_files == 0
    store.write([prepare_unsaved("a.py", TEXT)])
    store.check()


def test_who_has_the_database_open_keeps_it_when_another_rebuilds_it(store: Store) -> None:
    store.write([prepare_unsaved("a.py", TEXT)])
    other = Store(store.path)
    other.rebuild()
    other.write([prepare_unsaved("b.py", TEXT)])
    assert list(store.file_states()) == ["b.py"]
    store.write([prepare_unsaved("c.py", TEXT)])
    assert sorted(other.file_states()) == ["b.py", "c.py"]
    other.check()
    other.close()


def test_two_that_find_it_broken_end_with_one_database(store: Store) -> None:
    store.write([prepare_unsaved("a.py", TEXT)])
    store.close()
    store.path.write_bytes(b"not a database, not at all " * 400)
    other = Store(store.path)
    for each in (store, other):
        with pytest.raises(IndexCorrupt):
            each.file_states()
    store.rebuild()
    store.write([prepare_unsaved("b.py", TEXT)])
    other.rebuild()
    other.write([prepare_unsaved("c.py", TEXT)])
    assert list(store.file_states()) == ["c.py"]
    other.close()


def test_lost_tokens_are_found_by_check(store: Store) -> None:
    store.write([prepare_unsaved("a.py", TEXT)])
    with store.transaction() as connection:
        connection.execute("UPDATE chunks SET text = text || 'another_name'")
    with pytest.raises(IndexCorrupt, match="tokens"):
        store.check()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CodeAssistError, match="index folder"):
        Store(tmp_path / "file" / "index.db").file_states()


def test_threads_write_and_read_at_once(store: Store) -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for n in range(8):
                store.write([prepare_unsaved(f"t{number}_{n}.py", TEXT), prepare_unsaved("shared.py", TEXT * (n + 1))])
                store.file_states()
        except (CodeAssistError, sqlite3.Error) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.counts().num_files == 33
    store.check()
    store.close()


def test_an_interrupt_after_the_commit_stays_an_interrupt(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt), store.transaction() as connection:
        connection.execute("COMMIT")
        raise KeyboardInterrupt


def test_a_store_is_closed_under_threads_that_ask(tmp_path: Path) -> None:
    """In a process of its own: what was wrong ended it."""
    program = """if True:
        import pathlib, sys, threading
        from codeassist_indexer.storage.store import Store
        store = Store(pathlib.Path(sys.argv[1]))
        store.num_files()
        ended = threading.Event()
        def ask():
            number = 0
            while not ended.is_set():
                with store.stopped_by(lambda: False):
                    for number in range(number, number + 200):  # statements that are not known yet
                        store.query(f"SELECT count(*), {number} FROM files")
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(150):
            store.close()
            store.num_files()
        ended.set()
        for thread in threads:
            thread.join()
        store.close()
        print("ended")
    """
    path = tmp_path / "index" / "index.db"
    ran = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "ended\n"), ran.stderr
