"""A database in a folder that cannot be written is read, and says that it cannot be written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from codeassist_indexer.ingest.update import UpdateSettings, update_index
from codeassist_indexer.storage.store import Store
from tests.used_up import needs_namespaces, read_only, where

READS = """
import sys
from pathlib import Path
from codeassist.errors import CodeAssistError
from codeassist_indexer.storage.store import Store
store = Store(Path(sys.argv[1]))
print(store.num_files())
try:
    store.write([], gone=["a.py"])
except CodeAssistError as error:
    print(error)
store.check()
"""


@needs_namespaces
def test_what_is_there_is_read(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "a.py").write_text("def first(): ...\n")
    store = Store(tmp_path / "cache" / "index.db")
    update_index(store, root, UpdateSettings(encoder=None))
    command = where(read_only(tmp_path / "cache"), [sys.executable, "-c", READS, str(store.path)])
    for is_open in (True, False):  # with the notes of who reads beside it, and without
        if not is_open:
            store.close()
        assert [path.suffix for path in (tmp_path / "cache").glob("*-shm")] == ([".db-shm"] if is_open else [])
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        first, second = done.stdout.splitlines()
        assert first == "1" and "cannot be written" in second
