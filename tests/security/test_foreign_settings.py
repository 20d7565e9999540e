"""Another user's `.codeassist.toml`: beside one's files, or in a folder above them that everybody may write to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codeassist.settings import resolve, salvage
from codeassist_indexer.ingest.walk import repository_root

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="owners are POSIX's")

GiveAway = Callable[[Path], None]


@pytest.fixture
def give_away(monkeypatch: pytest.MonkeyPatch) -> GiveAway:
    """Make a file another user's: by root in truth, by anybody else by being another one."""
    monkeypatch.delenv("SUDO_UID", raising=False)
    if os.geteuid() == 0:
        return lambda file: os.chown(file, 65_534, -1, follow_symlinks=False)
    return lambda file: monkeypatch.setattr(os, "geteuid", lambda: file.lstat().st_uid + 1)


def resolved(root: Path) -> tuple[int | None, tuple[str, ...]]:
    found = resolve(root, environment={"CODEASSIST_HOME": str(root.parent / "home")})
    return found.settings.completion.max_lines, found.problems


def test_it_is_not_read_and_a_notice_says_so(tmp_path: Path, give_away: GiveAway) -> None:
    root = tmp_path / "mine"
    root.mkdir()
    file = root / ".codeassist.toml"
    file.write_text("[completion]\nmax_lines = 7\n")
    assert resolved(root) == (7, ())
    give_away(file)
    max_lines, [problem] = resolved(root)
    assert max_lines != 7 and str(file) in problem and "another user's" in problem
    saved = salvage(root, environment={"CODEASSIST_HOME": str(tmp_path / "home")})
    assert saved.problems == (problem,) and saved.settings.completion.max_lines == max_lines


def test_nor_through_a_link_of_ours(tmp_path: Path, give_away: GiveAway) -> None:
    root = tmp_path / "mine"
    root.mkdir()
    theirs = root / "theirs.toml"
    theirs.write_text("[completion]\nmax_lines = 7\n")
    (root / ".codeassist.toml").symlink_to(theirs)
    assert resolved(root)[0] == 7
    give_away(theirs)
    assert resolved(root)[0] != 7


def test_it_makes_no_folder_above_ours_a_repository(tmp_path: Path, give_away: GiveAway) -> None:
    shared = tmp_path / "shared"
    mine = shared / "mine" / "src"
    mine.mkdir(parents=True)
    file = shared / ".codeassist.toml"
    file.write_text("")
    assert repository_root(mine) == shared.resolve()
    give_away(file)
    assert repository_root(mine) != shared.resolve()
    (shared / "mine" / ".codeassist.toml").touch()
    if os.geteuid() == 0:
        assert repository_root(mine) == (shared / "mine").resolve(), "ours counts"


def test_under_sudo_the_callers_files_are_ones_own(
    tmp_path: Path, give_away: GiveAway, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "mine"
    root.mkdir()
    file = root / ".codeassist.toml"
    file.write_text("[completion]\nmax_lines = 7\n")
    owner = file.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    if owner == 0:
        os.chown(file, 1234, -1)
        owner = 1234
    assert resolved(root)[0] != 7
    monkeypatch.setenv("SUDO_UID", str(owner))
    assert resolved(root)[0] == 7
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert resolved(root)[0] != 7, "only root is called by sudo"
