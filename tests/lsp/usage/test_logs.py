"""A log that cannot be written costs its lines, and one line on stderr."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeassist_lsp.usage.logs import set_up_logging


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """Give the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_said_once(
    tmp_path: Path, root_logger: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    set_up_logging(tmp_path, path=Path("/dev/full"))
    for number in range(20):
        logging.getLogger("codeassist").info("line %d", number)
    logging.getLogger("codeassist").warning("worth a warning")
    said = capfd.readouterr().err
    assert "Traceback" not in said and said.count("/dev/full cannot be written (No space left on device)") == 1
    assert "worth a warning" in said


def test_a_mistake_in_a_line_is_not_hidden(
    tmp_path: Path, root_logger: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    before = root_logger.handlers[:]
    set_up_logging(tmp_path)
    for handler in [each for each in root_logger.handlers if each not in before]:
        handler.handle(logging.LogRecord("codeassist", logging.WARNING, __file__, 1, "%d", ("no number",), None))
        assert "TypeError" in capfd.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_crash_of_native_code_leaves_where_each_thread_was(tmp_path: Path) -> None:
    program = """if True:
        import pathlib, signal, sys, threading
        from codeassist_lsp.usage.logs import set_up_logging
        set_up_logging(pathlib.Path(sys.argv[1]))
        def crashes():
            signal.raise_signal(signal.SIGSEGV)
        def rests():
            thread = threading.Thread(target=crashes)
            thread.start()
            thread.join()
        rests()
    """
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == -signal.SIGSEGV
    assert all(said in ran.stderr for said in ("Segmentation fault", "in crashes", "in rests"))
