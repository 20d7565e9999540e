"""A worker: a Python process of this program that answers lines with lines, and can be killed at any time.

Its import path is this process's; neither the environment nor the current folder adds to it. Ctrl-C in a terminal does
not reach it: whoever started it ends it, and it ends by itself when its standard input does.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from typing import IO

from codeassist.processes import child_environment, child_folder, python_command

_OWN_GROUP = 0x200  # subprocess.CREATE_NEW_PROCESS_GROUP, which only Windows has
_MOST_LINE_CHARS = 256 << 20  # a longer answer is none: the process is broken, or taken over


class WorkerEnded(Exception):  # noqa: N818  an event, not a fault of this program
    """The process is gone. `exit_code` is negative for a signal (POSIX)."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"the process ended with code {exit_code}")
        self.exit_code = exit_code


class Worker:
    """A running process that was started with `module`'s `main()`. One thread at a time may speak with it.

    Raises OSError where no process can be started.
    """

    def __init__(self, module: str) -> None:
        command = python_command(f"from {module} import main; main()")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="surrogatepass",
            cwd=child_folder(command),
            env=child_environment(),
            creationflags=_OWN_GROUP if sys.platform == "win32" else 0,
            process_group=None if sys.platform == "win32" else 0,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise OSError("no pipes")
        self._stdin: IO[str] = self._process.stdin
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(
            target=_forward, args=(self._process.stdout, self._lines), name="worker-lines", daemon=True
        ).start()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def send(self, line: str) -> None:
        """Send one line (without its end). Raises WorkerEnded."""
        try:
            self._stdin.write(line + "\n")
            self._stdin.flush()
        except (OSError, ValueError) as error:
            raise WorkerEnded(self._process.wait()) from error

    def receive(self, timeout_s: float) -> str:
        """Wait for one line. Raises WorkerEnded; TimeoutError where none came: kill it then."""
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError(f"no answer in {timeout_s:g} s") from None
        if line is None:
            self._lines.put(None)
            self._process.kill()
            raise WorkerEnded(self._process.wait())
        return line

    def kill(self) -> None:
        """End the process, whatever it does, and free what this side holds of it."""
        self._process.kill()
        self._process.wait()
        try:
            self._stdin.close()
        except OSError:  # what was not sent yet cannot be any more
            return


def _forward(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    with stream:
        while line := stream.readline(_MOST_LINE_CHARS):
            if not line.endswith("\n"):
                break
            lines.put(line)
    lines.put(None)
