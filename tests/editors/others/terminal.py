"""A program in a terminal that nobody looks at: keys go in, what it draws is kept for messages about failures."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import termios
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_SEQUENCE = re.compile(rb"\x1b(\[[0-9;:?>=]*[a-zA-Z]|[()][A-Z0-9]|[=>])")
_ROWS, _COLUMNS = 40, 120
# What terminals answer when they are asked what they are and where the cursor stands.
_ANSWERS = {b"\x1b[c": b"\x1b[?62;22c", b"\x1b[>c": b"\x1b[>1;10;0c", b"\x1b[6n": b"\x1b[1;1R", b"\x1b[?u": b"\x1b[?0u"}


class Terminal:
    """One process on a pseudo-terminal."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.drawn = b""
        self.pid, self._side = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], list(command), {**environment, "TERM": "xterm-256color"})
        fcntl.ioctl(self._side, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self._side, keys.encode())

    @property
    def text(self) -> str:
        """What it has drawn lately, without how and where."""
        return _SEQUENCE.sub(b"", self.drawn).decode("utf-8", "replace")

    @property
    def has_ended(self) -> bool:
        """Whether the program has ended."""
        return not self._reading.is_alive()

    def close(self) -> None:
        """End the program if it has not ended."""
        if not self.has_ended:
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._reading.join()
        os.close(self._side)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._side, 1 << 16)
            except OSError:  # the other side is closed
                return
            if not data:
                return
            self.drawn = (self.drawn + data)[-(1 << 16) :]
            for question, answer in _ANSWERS.items():
                if question in data:
                    os.write(self._side, answer)
