"""A program in a terminal that nobody looks at: keys go in, what stands on its screen is known at any time."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyte

_ROWS, _COLUMNS = 40, 120
# What terminals answer when they are asked what they are and where the cursor stands.
_ANSWERS = {b"\x1b[c": b"\x1b[?62;22c", b"\x1b[>c": b"\x1b[>1;10;0c", b"\x1b[6n": b"\x1b[1;1R", b"\x1b[?u": b"\x1b[?0u"}
_LONGEST_QUESTION = max(len(question) for question in _ANSWERS)


class _Screen(pyte.Screen):
    """Passes over what terminals are asked with a question mark, which pyte takes for an error."""

    def select_graphic_rendition(self, *attributes: int, private: bool = False) -> None:
        if not private:
            super().select_graphic_rendition(*attributes)

    def report_device_status(self, mode: int = 0, private: bool = False) -> None:
        if not private:
            super().report_device_status(mode)


class Terminal:
    """One process on a pseudo-terminal, which has its size before the program starts."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._side, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._side)
            os.login_tty(far)
            os.chdir(folder)
            os.execvpe(command[0], list(command), {**environment, "TERM": "xterm-256color"})
        os.close(far)
        self._lock = threading.Lock()
        self._screen = _Screen(_COLUMNS, _ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._closing, self._close = os.pipe()  # closed to end the reading
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self._side, keys.encode())

    @property
    def text(self) -> str:
        """What stands on the screen now, a line each."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def has_ended(self) -> bool:
        """Whether the program has ended."""
        return not self._reading.is_alive()

    def close(self) -> None:
        """End the program if it has not ended."""
        if not self.has_ended:
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._close)  # what the program has started may hold the terminal open
        self._reading.join()
        os.close(self._closing)
        os.close(self._side)

    def _read(self) -> None:
        rest = b""  # what may be the beginning of a question
        while True:
            ready, _, _ = select.select([self._side, self._closing], [], [])
            if self._closing in ready:
                return
            try:
                data = os.read(self._side, 1 << 16)
            except OSError:  # the other side is closed
                return
            if not data:
                return
            with self._lock:
                self._stream.feed(data)
            asked = rest + data
            for question, answer in _ANSWERS.items():
                if question in asked and asked.rfind(question) + len(question) > len(rest):
                    os.write(self._side, answer)
            rest = asked[1 - _LONGEST_QUESTION :]
