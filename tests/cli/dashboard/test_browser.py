"""The browser is started by the system's program for that, from an absolute folder of PATH, and only with a screen."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from codeassist.cli.dashboard.browser import open_in_browser
from tests.end_to_end.test_served import wait_until

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the openers there are the system's")


def opener(folder: Path, said: Path) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / "xdg-open"
    program.write_text(f'#!/bin/sh\necho "$PWD $*" > "{said}.partial"\n/bin/mv "{said}.partial" "{said}"\n')
    program.chmod(0o755)


def test_the_address_is_opened_by_a_program_that_no_repository_brings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, trap, said = tmp_path / "bin", tmp_path / "repo", tmp_path / "said"
    opener(trap, tmp_path / "trapped")
    monkeypatch.chdir(trap)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", ".")
    assert not open_in_browser("http://127.0.0.1:1/x/")
    opener(ours, said)
    monkeypatch.setenv("PATH", f".:{ours}")
    assert open_in_browser("http://127.0.0.1:1/x/")
    wait_until(said.exists)
    assert said.read_text() == f"{ours} http://127.0.0.1:1/x/\n"
    assert not (tmp_path / "trapped").exists()


def test_none_is_started_without_a_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opener(tmp_path / "bin", tmp_path / "said")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    assert not open_in_browser("http://127.0.0.1:1/x/")
