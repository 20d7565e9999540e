"""File events that the system drops: what they would have said is found out by a pass over the whole tree."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from codeassist_indexer.ingest.event_burst import EventBurst, long_burst

WATCHES = """
import sys
from pathlib import Path
from codeassist_indexer.ingest import event_burst
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.ingest.watch import Watcher
from codeassist_indexer.storage.store import Store

if sys.argv[3] == "only what is said":
    event_burst.long_burst = lambda: 1 << 40
store, root = Store(Path(sys.argv[1])), Path(sys.argv[2])
update_index(store, root)
watcher = Watcher(store, root, debounce_s=0.05, on_update=lambda paths: print(sorted(paths), flush=True), look_s=0.1)
assert watcher.start()
print("watching", flush=True)
sys.stdin.readline()
watcher.stop()
print([name for (name,) in store.query("SELECT name FROM symbols ORDER BY name")])
"""


def test_what_a_long_burst_is() -> None:
    now = [0.0]
    burst = EventBurst(3, lambda: now[0])

    def note(*times_s: float) -> None:
        for now[0] in times_s:
            burst.note()

    note(10.0, 10.5, 12.0, 12.9)
    now[0] = 20.0
    assert not burst.take_long(), "two in a row, twice"
    note(30.0, 30.1, 30.2)
    assert not burst.take_long(), "it may go on"
    note(32.0)
    now[0] = 33.1
    assert burst.take_long() and not burst.take_long(), "once, also where others came before it was asked"
    note(40.0)
    now[0] = 50.0
    assert not burst.take_long()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's queue of inotify is Linux's")
@pytest.mark.parametrize("counts", ["how many came", "only what is said"])
def test_events_that_the_kernel_dropped(tmp_path: Path, counts: str) -> None:
    """watchdog forgets what it has read when the kernel says so: how many came then says nothing."""
    root = tmp_path / "repo"
    (root / "ignored").mkdir(parents=True)
    (root / ".gitignore").write_text("ignored/\n")
    (root / "a.py").write_text("def first(): ...\n")
    command = [sys.executable, "-c", WATCHES, str(tmp_path / "cache" / "index.db"), str(root), counts]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdin is not None and watching.stdout is not None
        overdue = threading.Timer(120, watching.kill)
        overdue.start()
        try:
            assert watching.stdout.readline() == "watching\n"
            os.kill(watching.pid, signal.SIGSTOP)  # it reads no events, as on a machine that is busy enough
            for number in range(2 * long_burst()):  # of two events each at least: half of them fill the queue
                (root / "ignored" / f"{number}.o").write_bytes(b"")
                (root / "ignored" / f"{number}.o").unlink()
            (root / "b.py").write_text("def second(): ...\n")
            os.kill(watching.pid, signal.SIGCONT)
            while watching.stdout.readline() != "['']\n":
                assert watching.poll() is None
            watching.stdin.write("\n")
            watching.stdin.flush()
            assert watching.stdout.readline() == "['first', 'second']\n"
        finally:
            overdue.cancel()
            watching.kill()
