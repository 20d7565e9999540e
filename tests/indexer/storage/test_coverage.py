"""Coverage by folder: every file is told of once, whatever the tree looks like."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeassist_indexer.storage.coverage import folder_coverage
from codeassist_indexer.storage.file_records import FileState, PreparedFile
from codeassist_indexer.storage.store import Store
from tests.indexer.prepared_files import prepare_unsaved

NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def left_out(path: str, reason: str) -> PreparedFile:
    return PreparedFile(path, FileState(b"", 7, None, 0, reason), None)


def test_the_folders_with_the_most_files_are_told_of_by_their_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "index.db")
    paths = ["setup.py", "docs/a.py", *(f"src/{part}/{n}.py" for part in ("one", "two") for n in range(4)), "src/x.py"]
    store.write([*(prepare_unsaved(path, "x = 1\n") for path in paths), left_out("src/two/big.py", "too large")])
    few = {each.folder: each for each in folder_coverage(store, most=3)}
    assert {folder: each.num_files for folder, each in few.items()} == {"src": 10, "docs": 1, "": 1}
    assert few["src"].num_indexed == 9 and few["src"].skipped_by_reason == {"too large": 1}
    assert few[""].is_rest and not few["src"].is_rest
    more = folder_coverage(store, most=9)
    assert [(each.folder, each.num_files, each.is_rest) for each in more] == [
        ("src/two", 5, False),
        ("src/one", 4, False),
        ("", 1, True),
        ("docs", 1, False),
        ("src", 1, True),
    ]


@given(st.sets(PATHS, min_size=1, max_size=20), st.integers(1, 12))
def test_every_file_is_told_of_once(tmp_path_factory: pytest.TempPathFactory, stems: set[str], most: int) -> None:
    store = Store(tmp_path_factory.mktemp("index") / "index.db")
    paths = [f"{stem}.py" for stem in stems]
    store.write([left_out(path, "binary") for path in paths])
    found = folder_coverage(store, most)
    folders = [each.folder for each in found]
    assert len(folders) == len(set(folders)) and sum(each.num_files for each in found) == len(paths)
    for each in found:
        inside = [path for path in paths if path.rpartition("/")[0] == each.folder]
        below = [path for path in paths if path.startswith(f"{each.folder}/") or each.folder == ""]
        assert len(inside) <= each.num_files <= len(below)
    store.close()
