"""Pages of an index that a disk lost or overwrote: what update makes of it is the whole index, and it says so."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import pytest

from codeassist.errors import IndexCorrupt
from codeassist_indexer.ingest.update import UpdateSettings, update_index
from codeassist_indexer.storage.store import Store
from codeassist_lsp.workspace.background_index import BackgroundIndex

SEED = 20261130
_PAGE = 4096
_ROUNDS = 40


def dump(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that queries find, without numbers that a rebuilt index gives anew."""
    store = Store(path)
    found = {
        "symbols": store.query("SELECT path, name, qualified_name, signature, start_byte FROM symbols s JOIN files f"
                               " ON f.id = s.file_id ORDER BY 1, 5, 2"),
        "chunks": store.query("SELECT path, text, start_line, symbol FROM chunks c JOIN files f ON f.id = c.file_id"
                              " ORDER BY 1, 3"),
        "imports": store.query("SELECT path, module, name, i.line FROM imports i JOIN files f ON f.id = i.file_id"
                               " ORDER BY 1, 4, 3"),
        "tokens": store.query("SELECT term, doc, cnt FROM chunk_vocabulary ORDER BY 1"),
        "by token": store.query("SELECT c.text FROM chunk_tokens t JOIN chunks c ON c.id = t.rowid"
                                " WHERE chunk_tokens MATCH 'shared' ORDER BY 1"),
    }  # fmt: skip
    store.close()
    return found


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for number in range(80):
        lines = [
            f"import m{number}",
            *(f"def f{number}_{line}(shared, x{line}):\n    return {line}" for line in range(30)),
        ]
        (root / f"m{number}.py").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def whole(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "index.db"
    store = Store(path)
    update_index(store, tree)
    store.query("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path


@pytest.mark.parametrize("kind", ["zeros", "noise", "another page", "swapped", "cut"])
def test_lost_pages_come_back(kind: str, tree: Path, whole: Path, tmp_path: Path) -> None:
    rng = random.Random(f"{SEED} {kind}")
    before = whole.read_bytes()
    expected = dump(whole)
    num_pages = len(before) // _PAGE
    num_told = 0
    for number in range(_ROUNDS // 5):
        data = bytearray(before)
        at, other = (place * _PAGE for place in rng.sample(range(num_pages), 2))
        if kind == "swapped":
            data[at : at + _PAGE], data[other : other + _PAGE] = data[other : other + _PAGE], data[at : at + _PAGE]
        elif kind == "cut":
            del data[max(at, _PAGE) :]
        else:
            data[at : at + _PAGE] = {
                "zeros": bytes(_PAGE), "noise": rng.randbytes(_PAGE), "another page": data[other : other + _PAGE],
            }[kind]  # fmt: skip
        path = tmp_path / str(number) / "index.db"
        path.parent.mkdir()
        path.write_bytes(data)
        store = Store(path)
        report = update_index(store, tree)
        store.close()
        num_told += any("rebuilt from nothing" in notice for notice in report.notices)
        assert dump(path) == expected, f"seed {SEED}, {kind}, {number}: page {at // _PAGE}"
    assert num_told >= _ROUNDS // 5 - 1  # but for a page that nothing uses


def test_a_sound_index_is_not_made_again(tree: Path, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    path.write_bytes(whole.read_bytes())
    report = update_index(Store(path), tree)
    assert report.num_parsed == 0 and report.notices == ()


def stale(tree: Path, path: Path) -> Path:
    """An index in which an older copy of a page stands, that SQLite takes for sound. The tree stays as it was."""
    store = Store(path)
    update_index(store, tree)
    store.query("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    before = path.read_bytes()
    for number in range(6):
        (tree / f"m{number}.py").write_text(f"def other{number}(shared): return {'word ' * number!r}\n" * 20)
    update_index(store, tree)
    store.query("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    now = path.read_bytes()
    for at in range(_PAGE, min(len(before), len(now)), _PAGE):
        if before[at : at + _PAGE] == now[at : at + _PAGE]:
            continue
        path.write_bytes(now[:at] + before[at : at + _PAGE] + now[at + _PAGE :])
        try:
            store.require_sound()
            store.check()
        except IndexCorrupt as error:
            if "tokens where" in str(error) or "words are listed" in str(error) or "chunks of no file" in str(error):
                return path
        finally:
            store.close()
            store._is_sound = False
    raise AssertionError("no page whose older copy goes unnoticed")


def test_a_page_of_an_older_copy_is_found_in_idle_time(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    for number in range(40):
        lines = [f"def f{number}_{line}(shared, x{line}):\n    return {line}" for line in range(30)]
        (root / f"m{number}.py").write_text("\n".join(lines) + "\n")
    path = stale(root, tmp_path / "index" / "index.db")
    fresh = Store(tmp_path / "fresh.db")
    update_index(fresh, root)
    fresh.close()
    is_whole = threading.Event()
    index = BackgroundIndex(Store(path), root, UpdateSettings(encoder=None))
    index.listen("here", lambda coverage: None if coverage.is_building or not is_as_fresh() else is_whole.set())

    def is_as_fresh() -> bool:
        try:
            return dump(path) == dump(fresh.path)
        except IndexCorrupt:
            return False

    index.start()
    try:
        assert is_whole.wait(60)
    finally:
        index.stop()
