"""The updated index equals a rebuilt one after any history, does little work, and survives whatever interrupts it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import example, given, note, settings
from hypothesis import strategies as st

from codeassist.errors import Cancelled, RequestError
from codeassist_indexer.ingest.update import FileOutcome, UpdateProgress, UpdateSettings, update_file, update_index
from codeassist_indexer.storage.store import Store

ONE_PROCESS = UpdateSettings(num_workers=1)


def content_of(store: Store) -> dict[str, Any]:
    """Everything in the index but row ids, by file."""
    store.check()
    found: dict[str, Any] = {}
    for file_id, path, language, content_hash, reason in store.query(
        "SELECT id, path, language, content_hash, skip_reason FROM files"
    ):
        tables = {
            table: store.query(f"SELECT {columns} FROM {table} WHERE file_id = ? ORDER BY id", (file_id,))
            for table, columns in (
                (
                    "symbols",
                    "name, qualified_name, kind, signature, doc, parent, bases, start_byte, end_byte, start_line",
                ),
                ("imports", "module, name, alias, line"),
                ("chunks", "text, start_line, end_line, symbol"),
            )
        }
        found[path] = (language, content_hash, reason, tables)
    return found | {"terms": store.query("SELECT term, doc, cnt FROM chunk_vocabulary ORDER BY term")}


def rebuilt(root: Path, folder: Path) -> dict[str, Any]:
    store = Store(folder / f"fresh-{time.monotonic_ns()}" / "index.db")
    update_index(store, root, ONE_PROCESS)
    content = content_of(store)
    store.close()
    return content


class Tree:
    """A repository whose files get distinct times long past, so that the index may trust them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._clock_s = int(time.time()) - 1_000_000

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        self.touch(path)

    def touch(self, path: str) -> None:
        self._clock_s += 10
        os.utime(self.root / path, (self._clock_s, self._clock_s))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root = tmp_path / "repo"
    (root / ".git").mkdir(parents=True)
    return Tree(root)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "cache" / "index.db")
    yield made
    made.close()


PATHS = ["a.py", "b.py", "pkg/__init__.py", "pkg/c.py", "pkg/deep/d.py", "notes.md"]
TEXTS = [
    "",
    "import os\n",
    "from pkg.c import Engine\n\n\ndef run(engine: Engine) -> int:\n    return engine.start(1)\n",
    "class Engine:\n    '''Runs.'''\n\n    def start(self, n: int) -> int:\n        return n\n",
    "def broken(:\n    return ((\nclass Half",
    "x = 1\r\ny = 2\r\n",
    "naïve = 'ünïcode ✓'\n" * 40,
]
EDITS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(PATHS), st.sampled_from(TEXTS)),
    st.tuples(st.just("delete"), st.sampled_from(PATHS), st.just("")),
    st.tuples(st.just("touch"), st.sampled_from(PATHS), st.just("")),
    st.tuples(st.just("unsaved"), st.sampled_from(PATHS), st.sampled_from(TEXTS)),
    st.tuples(st.just("ignore"), st.sampled_from(["", "pkg/deep/\n", "b.py\n", "*.py\n!a.py\n"]), st.just("")),
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@example([[("write", "b.py", "")], [("ignore", "b.py\n", ""), ("unsaved", "b.py", "")]])
@given(st.lists(st.lists(EDITS, max_size=4), min_size=1, max_size=5))
def test_updated_equals_rebuilt_with_little_work(history: list[list[tuple[str, str, str]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repo"
        root.mkdir()
        tree, store = Tree(root), Store(Path(folder) / "cache" / "index.db")
        indexed: dict[str, str] = {}
        for edits in history:
            for kind, path, text in edits:
                if kind == "write":
                    tree.write(path, text)
                elif kind == "delete":
                    (root / path).unlink(missing_ok=True)
                elif kind == "touch" and (root / path).exists():
                    tree.touch(path)
                elif kind == "ignore":
                    tree.write(".gitignore", path)
                elif kind == "unsaved":
                    outcome = update_file(store, root, path, text)
                    if outcome is FileOutcome.PARSED:
                        indexed[path] = text
                    elif outcome is FileOutcome.REMOVED:  # it is ignored by now
                        del indexed[path]
            visible = {path: (root / path).read_bytes().decode() for path in seen_by_git_rules(root)}
            report = update_index(store, root, ONE_PROCESS)
            note(f"{edits} -> {report}")
            changed = {path for path, text in visible.items() if indexed.get(path) != text}
            assert report.num_parsed == len(changed)
            assert report.num_removed == len(indexed.keys() - visible.keys())
            assert report.num_files == len(visible)
            indexed = visible
            assert content_of(store) == rebuilt(root, Path(folder))
            again = update_index(store, root, ONE_PROCESS)
            assert (again.num_parsed, again.num_same_content, again.num_unchanged) == (0, 0, len(visible))
        store.close()


def seen_by_git_rules(root: Path) -> list[str]:
    rules = (root / ".gitignore").read_text() if (root / ".gitignore").exists() else ""
    hidden = {"pkg/deep/\n": ["pkg/deep/d.py"], "b.py\n": ["b.py"], "*.py\n!a.py\n": [p for p in PATHS if p != "a.py"]}
    return [p for p in PATHS if p.endswith(".py") and (root / p).exists() and p not in hidden.get(rules, [])]


def test_empty_repository(tree: Tree, store: Store) -> None:
    report = update_index(store, tree.root)
    assert (report.num_files, report.num_parsed, report.skipped_by_reason, report.notices) == (0, 0, {}, ())


def test_no_such_folder_is_one_line(tmp_path: Path, store: Store) -> None:
    with pytest.raises(RequestError, match="no such folder"):
        update_index(store, tmp_path / "nowhere")


def test_bad_files_are_counted_and_not_read_again(tree: Tree, store: Store) -> None:
    tree.write("good.py", "x = 1\n")
    tree.write("syntax.py", "def (((:\n  class\n    ]]\nvalue = 3\n")
    for path, content in (("binary.py", b"\0\1\2"), ("latin.py", b"# caf\xe9\n")):
        (tree.root / path).write_bytes(content)
        tree.touch(path)
    with (tree.root / "huge.py").open("wb") as file:
        file.truncate(50_000_000)
    (tree.root / "circle.py").symlink_to("circle.py")
    expected = {
        "binary": 1, "not UTF-8": 1, "larger than 524,288 bytes": 1, "link that is broken or leads in a circle": 1,
    }  # fmt: skip
    first = update_index(store, tree.root)
    assert first.skipped_by_reason == expected
    assert first.num_parsed == 2
    again = update_index(store, tree.root)
    assert again.skipped_by_reason == expected
    assert (again.num_unchanged, again.num_parsed, again.num_same_content) == (4, 0, 0)
    assert store.query("SELECT has_error FROM files WHERE path = 'syntax.py'") == [(1,)]


def test_secrets_do_not_enter_the_index(tree: Tree, store: Store) -> None:
    token = "ghp_" + "a1" * 20
    tree.write("client.py", f"TOKEN = '{token}'\n\n\ndef connect(): ...\n")
    tree.write(".env.py", "PASSWORD = 'x'\n")
    report = update_index(store, tree.root)
    assert report.num_redacted_lines == 1
    assert any(reason.startswith("secret") for reason in report.skipped_by_reason)
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert token.encode() not in store.path.read_bytes()
    assert ("connect",) in store.query("SELECT name FROM symbols")


def test_a_change_within_the_clock_s_grain_is_seen(tree: Tree, store: Store) -> None:
    """Same size, same time stamp, other content: seen because the file was read so soon after it was written."""
    path = tree.root / "a.py"
    path.write_text("x = 1\n")
    status = path.stat()
    update_index(store, tree.root)
    path.write_text("x = 2\n")
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert update_index(store, tree.root).num_parsed == 1


def test_unsaved_text_counts_until_the_document_is_closed(tree: Tree, store: Store) -> None:
    tree.write("a.py", "def on_disk(): ...\n")
    update_index(store, tree.root)
    assert update_file(store, tree.root, "a.py", "def unsaved(): ...\n") is FileOutcome.PARSED
    assert update_file(store, tree.root, "a.py", "def unsaved(): ...\n") is FileOutcome.UNCHANGED
    assert update_file(store, tree.root, "new.py", "def brand_new(): ...\n") is FileOutcome.PARSED
    update_index(store, tree.root, unsaved={"a.py", "new.py"})
    assert store.query("SELECT name FROM symbols ORDER BY 1") == [("brand_new",), ("unsaved",)]
    update_index(store, tree.root)
    assert store.query("SELECT name FROM symbols ORDER BY 1") == [("on_disk",)]


def test_generated_text_of_an_open_document_is_left_out_as_on_disk(tree: Tree, store: Store, tmp_path: Path) -> None:
    text = "# Code generated by a tool. DO NOT EDIT.\nx = 1\n"
    tree.write("a.py", text)
    assert update_file(store, tree.root, "a.py", text) is FileOutcome.LEFT_OUT
    update_index(store, tree.root, ONE_PROCESS)
    assert content_of(store) == rebuilt(tree.root, tmp_path)


def test_what_settings_exclude_leaves_the_index(tree: Tree, store: Store) -> None:
    for path in ("a.py", "b.py", "private/c.py"):
        tree.write(path, "x = 1\n")
    update_index(store, tree.root, ONE_PROCESS)
    excluding = UpdateSettings(exclude=("private/", "b.py"), num_workers=1)
    report = update_index(store, tree.root, excluding)
    assert (report.num_removed, list(store.file_states())) == (2, ["a.py"])
    assert update_file(store, tree.root, "b.py", settings=excluding) is FileOutcome.LEFT_OUT
    assert update_file(store, tree.root, "private/c.py", "y = 1\n", excluding) is FileOutcome.LEFT_OUT
    assert update_index(store, tree.root, ONE_PROCESS).num_parsed == 2


def test_one_file_follows_the_same_rules(tree: Tree, store: Store, tmp_path: Path) -> None:
    tree.write(".gitignore", "ignored.py\n")
    tree.write("a.py", "x = 1\n")
    (tmp_path / "outside.py").write_text("x = 1\n")
    (tree.root / "link.py").symlink_to(tmp_path / "outside.py")
    assert update_file(store, tree.root, "a.py") is FileOutcome.PARSED
    for path in ("ignored.py", "../outside.py", "link.py", "notes.md", str(tmp_path / "outside.py"), ".env"):
        assert update_file(store, tree.root, path) is FileOutcome.LEFT_OUT
        if path != "link.py":
            assert update_file(store, tree.root, path, "x = 1\n") is FileOutcome.LEFT_OUT
    (tree.root / "a.py").unlink()
    assert update_file(store, tree.root, "a.py") is FileOutcome.REMOVED
    assert store.file_states() == {}


def test_a_corrupt_index_is_rebuilt_with_a_notice(tree: Tree, store: Store) -> None:
    tree.write("a.py", "x = 1\n")
    update_index(store, tree.root)
    store.close()
    store.path.write_bytes(b"garbage" * 1000)
    report = update_index(store, tree.root)
    assert report.num_parsed == 1
    assert "rebuilt" in report.notices[0]
    assert update_index(store, tree.root).notices == ()


def many_files(tree: Tree, count: int) -> None:
    for n in range(count):
        tree.write(f"pkg_{n % 10}/m{n}.py", f"def function_{n}(value):\n    return value + {n}\n" * 5)


def test_cancelled_keeps_what_is_done(tree: Tree, store: Store) -> None:
    many_files(tree, 200)
    seen: list[UpdateProgress] = []
    with pytest.raises(Cancelled, match="run again"):
        update_index(store, tree.root, ONE_PROCESS, progress=seen.append, cancelled=lambda: True)
    done = store.counts().num_files
    assert 0 < done < 200 and seen[-1].num_done == done
    report = update_index(store, tree.root, ONE_PROCESS)
    assert report.num_parsed == 200 - done


def test_workers_do_what_one_process_does(tree: Tree, store: Store, tmp_path: Path) -> None:
    many_files(tree, 400)
    assert update_index(store, tree.root, UpdateSettings(num_workers=2)).num_parsed == 400
    assert content_of(store) == rebuilt(tree.root, tmp_path)


SCRIPT = """
import json, sys
from pathlib import Path
from codeassist_indexer.storage.store import Store
from codeassist_indexer.ingest.update import UpdateSettings, update_index

if __name__ == "__main__":
    def progress(step):
        print(step.num_done, flush=True)
    report = update_index(Store(Path(sys.argv[2])), Path(sys.argv[1]), UpdateSettings(num_workers=2), progress)
    print(json.dumps([report.num_parsed, report.num_files]), flush=True)
"""


def start_indexing(tree: Tree, store: Store, folder: Path) -> subprocess.Popen[str]:
    script = folder / "index_it.py"
    script.write_text(SCRIPT)
    path = os.pathsep.join(part for part in sys.path if part)
    command = [sys.executable, str(script), str(tree.root), str(store.path)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_interrupted_in_the_middle_it_goes_on(tree: Tree, store: Store, tmp_path: Path, sent: signal.Signals) -> None:
    many_files(tree, 700)
    process = start_indexing(tree, store, tmp_path)
    assert process.stdout is not None
    process.stdout.readline()  # one batch is committed
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(sent)
    process.communicate(timeout=60)
    assert process.returncode != 0
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []
    done = store.counts().num_files
    assert 0 < done < 700
    report = update_index(store, tree.root)
    assert report.num_parsed == 700 - done
    assert content_of(store) == rebuilt(tree.root, tmp_path)


@pytest.mark.slow
def test_two_processes_at_once(tree: Tree, store: Store, tmp_path: Path) -> None:
    many_files(tree, 320)
    processes = [start_indexing(tree, store, tmp_path) for _ in range(2)]
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert json.loads(output.splitlines()[-1])[1] == 320
    assert content_of(store) == rebuilt(tree.root, tmp_path)
