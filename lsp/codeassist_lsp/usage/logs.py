"""Where a server's log goes: a file that begins anew when it is large, and stderr.

No text of a document is logged: our own messages name files, and libraries' messages that could hold one are kept below
their level.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from codeassist.control_characters import escaped

_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_MOST_BYTES = 2 << 20
_NUM_FILES = 3


class _Escaping(logging.Formatter):
    """Names of files, and what a client says of itself, come from strangers: control characters are spelt out."""

    def format(self, record: logging.LogRecord) -> str:
        return escaped(super().format(record))


class _LogFile(RotatingFileHandler):
    """A log that cannot be written (a full disk) costs its lines and one line on stderr, no traceback for each."""

    _is_broken = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the library's name
        """Say it once."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._is_broken:
            self._is_broken = True
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(f"codeassist: no log: {self.baseFilename} cannot be written ({error.strerror})\n")


class _Stderr(logging.StreamHandler[TextIO]):
    """Where nobody reads stderr any more, or its disk is full, there is nobody to tell."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the library's name
        """Pass an error of the system over."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def log_file(cache: Path) -> Path:
    """The file that a server with this cache folder logs to, where no other is asked for."""
    return cache / "log" / "serve.log"


def set_up_logging(cache: Path, level: int = logging.INFO, path: Path | None = None) -> None:
    """Log to the file and, what is worth a warning, to stderr, which editors show in an output channel."""
    faulthandler.enable(2)  # where native code crashes, stderr says where each thread was
    root = logging.getLogger()
    root.setLevel(level)
    to_stderr = _Stderr(sys.stderr)
    to_stderr.setLevel(logging.WARNING)
    handlers: list[logging.Handler] = [to_stderr]
    path = path or log_file(cache)
    problem: OSError | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(_LogFile(path, maxBytes=_MOST_BYTES, backupCount=_NUM_FILES, encoding="utf-8"))
    except OSError as error:
        problem = error
    for handler in handlers:
        handler.setFormatter(_Escaping(_FORMAT))
        root.addHandler(handler)
    # pygls logs whole messages below its warnings, and the params of a message that fails above them.
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    if problem is not None:
        logging.getLogger(__name__).warning("no log file: %s", problem)
