"""Checkouts of git as files show them: where one begins, where its excludes stand, what its configuration says of them.

Runs no git. Everything here may be a stranger's: only regular files are read, up to a limit.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

from codeassist.regular_file import open_regular
from codeassist_indexer.ingest.ignore_patterns import IgnoreSpec, ignore_spec, lines_of

log = logging.getLogger(__name__)

_MOST_BYTES = 256 << 10
_SECTION = re.compile(r'\s*\[\s*([\w.-]+)\s*(?:"[^"]*")?\s*\]')
_VALUE = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?:=\s*(.*?))?\s*$")
_TRUE = ("", "true", "yes", "on", "1")


@dataclass(frozen=True, slots=True)
class CheckoutRules:
    """What counts in all of a checkout, the strongest first, beside the ignore files of its folders."""

    specs: tuple[IgnoreSpec, ...]
    ignores_case: bool


def checkout_of(path: Path) -> Path | None:
    """Return the folder at or above `path` that holds `.git`, if it belongs to whoever `path` belongs to."""
    top = next((folder for folder in (path, *path.parents) if os.path.lexists(folder / ".git")), None)
    try:
        return top if top == path or top is None or top.stat().st_uid == path.stat().st_uid else None
    except OSError:
        return None


def is_checkout(folder: Path) -> bool:
    """Say whether git would take the folder for the top of a repository of its own."""
    if not os.path.lexists(folder / ".git"):
        return False
    git = git_folder(folder)
    if git is None or not (git / "HEAD").exists():
        return False
    common = common_folder(git)
    return (common / "objects").is_dir() and (common / "refs").is_dir()


def is_linked_worktree(folder: Path) -> bool:
    """Say whether the folder is another checkout of some repository, made by `git worktree add`."""
    git = _named_folder(folder / ".git")
    return (
        git is not None and git.parent.name == "worktrees" and not (git.is_dir() and not (git / "commondir").exists())
    )


def git_folder(top: Path) -> Path | None:
    """Return where a checkout's repository stands; in a worktree or submodule `.git` is a file that names it."""
    git = top / ".git"
    try:
        found = git if git.is_dir() else _named_folder(git)
        return found if found is not None and found.is_dir() else None
    except OSError:
        return None


def common_folder(git: Path) -> Path:
    """Return the folder that all worktrees of a repository share."""
    named = os.fsdecode(read_file(git / "commondir").strip())
    return Path(os.path.normpath(git / named)) if named and "\0" not in named else git


def rules_of_checkout(top: Path) -> CheckoutRules:
    """Read `.git/info/exclude`, the user's own excludes, and how names are compared."""
    git = git_folder(top)
    common = common_folder(git) if git is not None else None
    configured = _setting(read_file(common / "config"), "ignorecase") if common is not None else None
    ignores_case = configured is not None and configured.lower() in _TRUE
    files = [common / "info" / "exclude"] if common is not None else []
    specs = [spec_of(path, ignores_case) for path in files]
    user = _users_excludes(common)
    specs += [spec_of(user, ignores_case, follows_links=True)] if user is not None else []
    return CheckoutRules(tuple(spec for spec in specs if spec is not None), ignores_case)


def spec_of(path: Path, ignores_case: bool = False, follows_links: bool = False) -> IgnoreSpec | None:
    """Return the rules of an ignore file, None where it has none or is no file."""
    return ignore_spec(lines_of(read_file(path, follows_links)), ignores_case)


def read_file(path: Path, follows_links: bool = False) -> bytes:
    """Return what a small regular file holds; nothing for all else. As git, no link is followed in a repository."""
    try:
        with open_regular(path, follows_links=follows_links) as file:
            if os.fstat(file.fileno()).st_size > _MOST_BYTES:
                log.warning("%s has more than %d bytes: it does not count", path, _MOST_BYTES)
                return b""
            return file.read(_MOST_BYTES)
    except (OSError, ValueError):  # no such file, a link, not ours to read; a name with a NUL
        return b""


def _named_folder(git_file: Path) -> Path | None:
    named = os.fsdecode(read_file(git_file).partition(b"gitdir:")[2].strip())
    return Path(os.path.normpath(git_file.parent / named)) if named and "\0" not in named else None


def _users_excludes(common: Path | None) -> Path | None:
    """Return the file that `core.excludesFile` names, the nearest configuration first, or where it stands by default.

    Files that a configuration includes are not read: git itself does, where it is asked.
    """
    home = Path(os.environ.get("HOME") or os.environ.get("USERPROFILE") or os.sep)
    base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    own = os.environ.get("GIT_CONFIG_GLOBAL")
    places = [Path(own)] if own else [home / ".gitconfig", base / "git/config"]
    for place in ([common / "config"] if common is not None else []) + places:
        named = _setting(read_file(place, follows_links=place in places), "excludesfile")
        if named is not None:
            path = home / named[2:] if named.startswith("~/") else Path(named)
            return path if named and path.is_absolute() else None
    return base / "git/ignore"


def _setting(content: bytes, name: str) -> str | None:
    """Return the last value of `core.NAME` in a configuration file of git."""
    found, section = None, ""
    for raw_line in os.fsdecode(content).split("\n"):
        begun = _SECTION.match(raw_line)
        if begun is not None:
            section = begun[1].lower()
        line = raw_line[begun.end() :] if begun is not None else raw_line
        value = _VALUE.match(re.sub(r'\s[#;][^"]*$', "", line))
        if section == "core" and value is not None and value[1].lower() == name:
            found = (value[2] or "").strip('"').replace("\\\\", "\\").replace('\\"', '"')
    return found
