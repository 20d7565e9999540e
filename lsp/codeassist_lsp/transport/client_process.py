"""The process that a client says it is: its end is the client's, whoever else holds the pipes."""

from __future__ import annotations

import logging

import psutil

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often to look: whoever serves a client that is killed has two seconds to end."""


def find_process(process_id: int) -> psutil.Process | None:
    """Return a process to wait for; None for one that cannot be seen from here, as from within a container."""
    try:
        return psutil.Process(process_id)
    except (psutil.Error, ValueError, OverflowError):
        log.info("the client's process %d cannot be seen: its end is that of stdin", process_id)
        return None


def has_ended(process: psutil.Process) -> bool:
    """Say whether a process is gone, or a zombie."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
