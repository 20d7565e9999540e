"""Which paths of a repository are ignored: the user's patterns, ignore files at every level, .git/info/exclude.

Knows ignore rules only; what kind of file a path is, and whether it is worth indexing, is decided elsewhere.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

import re2
from pathspec import GitIgnoreSpec

from codeassist.errors import SettingsError

log = logging.getLogger(__name__)

# The later a file stands, the stronger its rules: .codeassistignore can take back what .gitignore of its folder says.
IGNORE_FILE_NAMES = (".gitignore", ".codeassistignore")

_MOST_BYTES = 256 << 10
_MOST_RULES = 4_000  # of one folder
_MOST_RULE_CHARS = 512
_PART = 200  # rules that are compiled into one automaton
_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "digit": "0-9", "lower": "a-z", "upper": "A-Z", "xdigit": "0-9A-Fa-f",
    "blank": " \t", "space": " \t\n\r\f\v", "punct": "!-/:-@\\[-`{-~",
}  # fmt: skip

_RANGE = re.compile(r"(?<=[\[!^\w])(\w)-(\w)(?=[^\[]*\])")

_ALWAYS_IGNORED = frozenset({".git", ".hg", ".svn", ".jj"})
# A rule such as `!third_party/` in an ignore file takes these back.
_VENDORED = frozenset({
    "node_modules", "bower_components", "jspm_packages", "site-packages", "__pycache__", ".venv", "venv", ".tox",
    ".nox", ".eggs", "vendor", "_vendor", "third_party", ".mypy_cache", ".pytest_cache", ".ruff_cache",
    ".hypothesis", ".gradle", ".next", ".nuxt", ".terraform", ".yarn", ".cache", ".idea", ".ipynb_checkpoints",
})  # fmt: skip


class IgnoreRules:
    """The ignore rules of one repository, read as folders are asked for. Paths are relative, with forward slashes.

    Rules are read once: after an ignore file changes, make new rules. `exclude` holds patterns of the settings: what
    they match stays ignored whatever an ignore file says. Raises SettingsError for a pattern that is none.
    """

    def __init__(self, root: Path, exclude: Iterable[str] = ()) -> None:
        self._root = root
        self._spec_by_folder: dict[str, IgnoreSpec | None] = {}
        self._is_ignored_folder: dict[str, bool] = {"": False}
        self._info_exclude = _read_spec([path for path in [_info_exclude(root)] if path is not None])
        self._settings = _settings_spec(exclude)

    def ignores_file(self, path: str) -> bool:
        """Say whether the file, or any folder above it, is ignored."""
        folder = path.rpartition("/")[0]
        return self.ignores_folder(folder) or self._verdict(path, folder) is True

    def ignores_folder(self, folder: str) -> bool:
        """Say whether the folder, or any above it, is ignored. As in git, nothing inside can then be taken back."""
        known = self._is_ignored_folder.get(folder)
        if known is None:
            parent, _, name = folder.rpartition("/")
            known = self.ignores_folder(parent) or name in _ALWAYS_IGNORED
            if not known:
                verdict = self._verdict(folder + "/", parent)
                known = verdict if verdict is not None else self._is_vendored(folder, name)
            self._is_ignored_folder[folder] = known
        return known

    def _verdict(self, path: str, folder: str) -> bool | None:
        """Return what the nearest rule file with an opinion says: True ignored, False taken back, None nothing.

        The settings come before all files.
        """
        if self._settings is not None and self._settings.verdict(path):
            return True
        while True:
            spec = self._spec(folder)
            if spec is not None:
                verdict = spec.verdict(path[len(folder) + 1 :] if folder else path)
                if verdict is not None:
                    return verdict
            if not folder:
                break
            folder = folder.rpartition("/")[0]
        return self._info_exclude.verdict(path) if self._info_exclude is not None else None

    def _spec(self, folder: str) -> IgnoreSpec | None:
        if folder not in self._spec_by_folder:
            files = [self._root / folder / name for name in IGNORE_FILE_NAMES]
            self._spec_by_folder[folder] = _read_spec(files)
        return self._spec_by_folder[folder]

    def _is_vendored(self, folder: str, name: str) -> bool:
        return name in _VENDORED or (self._root / folder / "pyvenv.cfg").exists()


class IgnoreSpec:
    """Rules as in an ignore file, the last one that matches counts. Matching takes time linear in the path."""

    def __init__(self, rules: Sequence[str]) -> None:
        self._parts = [
            part for start in range(0, len(rules), _PART) for part in _compiled(rules[start : start + _PART])
        ]

    def verdict(self, path: str) -> bool | None:
        """Return True for an ignored path, False for one that was taken back, None where no rule says anything."""
        for part in reversed(self._parts):
            include = part.check_file(path).include
            if include is not None:
                return include
        return None


def ignore_spec(lines: Iterable[str]) -> IgnoreSpec | None:
    """Return the rules that lines of an ignore file come to, None where there are none.

    Lines that git would not take for rules are passed over, as are rules beyond _MOST_RULES and _MOST_RULE_CHARS.
    """
    rules = [_plain(line) for line in lines if line.strip() and not line.startswith("#")]
    kept = [rule for rule in rules[:_MOST_RULES] if _is_pattern(rule)]
    return IgnoreSpec(kept) if kept else None


def _compiled(rules: Sequence[str]) -> list[GitIgnoreSpec]:
    """The rules as sets that RE2's memory holds: halved until it does."""
    try:
        return [GitIgnoreSpec.from_lines(rules, backend="re2")]
    except re2.error:
        middle = len(rules) // 2
        return [*_compiled(rules[:middle]), *_compiled(rules[middle:])] if middle else []


def _read_spec(paths: list[Path]) -> IgnoreSpec | None:
    lines: list[str] = []
    for path in paths:
        text = _read_rules(path)
        # git splits at line feeds alone, and takes a byte order mark for none of the first rule
        lines += [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    return ignore_spec(lines)


def _read_rules(path: Path) -> str:
    """The text of an ignore file: a regular file, not through a link (as git), of at most _MOST_BYTES; else nothing."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or path.is_symlink():
                return ""
            if status.st_size > _MOST_BYTES:
                log.warning("%s has more than %d bytes: its rules do not count", path, _MOST_BYTES)
                return ""
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:  # no such file, a link, or not ours to read: no rules
        return ""


def exclusion_problem(pattern: str) -> str | None:
    """Return what is wrong with a pattern of the settings, None where nothing is."""
    if pattern.startswith("!"):
        return f"index.exclude: {pattern!r} would take back what another place excludes; remove it"
    if not _is_pattern(pattern):
        return f"index.exclude: {pattern!r} is no pattern as in .gitignore; correct or remove it"
    return None


def _settings_spec(exclude: Iterable[str]) -> IgnoreSpec | None:
    patterns = tuple(exclude)
    for problem in filter(None, map(exclusion_problem, patterns)):
        raise SettingsError(problem)
    return ignore_spec(patterns)


def _is_pattern(line: str) -> bool:
    """Say whether git would take the line for a rule; a line that is none ("!" alone) matches nothing there."""
    if len(line) > _MOST_RULE_CHARS:
        return False
    try:
        GitIgnoreSpec.from_lines([line], backend="re2")
    except (ValueError, re.error, re2.error):  # `[z-a]` is a range of nothing
        return False
    return True


def _plain(rule: str) -> str:
    """A rule in the words of pathspec, which knows no POSIX classes (`[[:digit:]]`), takes a range of nothing for an
    error, where git takes its first letter, and drops white space at both ends; git drops spaces at the end alone."""
    for name, ranges in _CLASSES.items():
        rule = rule.replace(f"[:{name}:]", ranges)
    rule = _RANGE.sub(lambda found: found[0] if found[1] <= found[2] else found[1], rule)
    sign, rule = ("!", rule[1:]) if rule.startswith("!") else ("", rule)
    rule = rule.rstrip(" ") if not rule.rstrip(" ").endswith("\\") else rule
    if rule[-1:].isspace() and not rule.endswith(" "):
        rule = f"{rule[:-1]}[{rule[-1]}]"
    if rule[:1].isspace():
        rule = f"[{rule[0]}]{rule[1:]}"
    return sign + rule


def _info_exclude(root: Path) -> Path | None:
    """Return where .git/info/exclude stands; in a worktree or submodule `.git` is a file that names the folder."""
    git = root / ".git"
    try:
        if not git.is_dir():
            git = root / _read_rules(git).partition("gitdir:")[2].strip()
            common = _read_rules(git / "commondir").strip()
            git = git / common if common else git
        return git / "info" / "exclude" if git.is_dir() else None
    except (OSError, ValueError):  # ValueError: a name with a NUL
        return None
