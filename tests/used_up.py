"""Programs started where something of the system is used up: in namespaces of their own, where that is real."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

NO_INSTANCES = "echo 0 > /proc/sys/user/max_inotify_instances"
NO_WATCHES = "echo 0 > /proc/sys/user/max_inotify_watches"


def read_only(folder: Path) -> str:
    return f"mount --bind '{folder}' '{folder}' && mount -o remount,ro,bind '{folder}'"


def small_disk(folder: Path, kib: int) -> str:
    return f"mkdir -p '{folder}' && mount -t tmpfs -o size={kib}k tmpfs '{folder}'"


def where(set_up: str, command: Sequence[str]) -> list[str]:
    """The command, started where the lines of shell in `set_up` were run first. Nothing outside sees them."""
    return ["unshare", "-Urm", "sh", "-c", f'set -e\n{set_up}\nexec "$@"', "sh", *command]


def _is_possible() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    trial = where(f"{NO_INSTANCES}\nmount -t tmpfs -o size=64k tmpfs /mnt", ["true"])
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


needs_namespaces = pytest.mark.skipif(not _is_possible(), reason="user namespaces are switched off here")
