"""What the dashboard reads of an index, as JSON; the rest is tested with a real server, in test_server_dashboard."""

from __future__ import annotations

import json
from pathlib import Path

from codeassist.cli.dashboard.readings import index_document
from codeassist_indexer.storage.store import Store
from tests.indexer.prepared_files import prepare_unsaved
from tests.indexer.storage.test_coverage import left_out


def test_an_index_is_told_of_in_all_and_by_folder(tmp_path: Path) -> None:
    store = Store(tmp_path / "index.db")
    assert index_document(store) == {"is_indexed": False} and not store.path.exists()
    files = [prepare_unsaved("src/a.py", "def f(): ...\n"), left_out("src/b.bin", "binary"), left_out("c", "too large")]
    store.write(files)
    told = json.loads(json.dumps(index_document(store)))
    assert (told["num_files"], told["skipped_by_reason"]) == (1, {"binary": 1, "too large": 1})
    assert {each["folder"]: each["skipped_by_reason"] for each in told["folders"]} == {
        "src": {"binary": 1},
        "": {"too large": 1},
    }
    store.close()
