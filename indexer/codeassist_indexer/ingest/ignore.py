"""Which paths of a repository are ignored: the user's patterns, ignore files at every level, .git/info/exclude.

Knows ignore rules only; what kind of file a path is, and whether it is worth indexing, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pathspec import GitIgnoreSpec

from codeassist.errors import SettingsError

# The later a file stands, the stronger its rules: .codeassistignore can take back what .gitignore of its folder says.
IGNORE_FILE_NAMES = (".gitignore", ".codeassistignore")

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
        self._spec_by_folder: dict[str, GitIgnoreSpec | None] = {}
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
        if self._settings is not None and self._settings.match_file(path):
            return True
        while True:
            spec = self._spec(folder)
            if spec is not None:
                verdict = spec.check_file(path[len(folder) + 1 :] if folder else path).include
                if verdict is not None:
                    return verdict
            if not folder:
                break
            folder = folder.rpartition("/")[0]
        return self._info_exclude.check_file(path).include if self._info_exclude is not None else None

    def _spec(self, folder: str) -> GitIgnoreSpec | None:
        if folder not in self._spec_by_folder:
            files = [self._root / folder / name for name in IGNORE_FILE_NAMES]
            self._spec_by_folder[folder] = _read_spec(files)
        return self._spec_by_folder[folder]

    def _is_vendored(self, folder: str, name: str) -> bool:
        return name in _VENDORED or (self._root / folder / "pyvenv.cfg").exists()


def _read_spec(paths: list[Path]) -> GitIgnoreSpec | None:
    lines: list[str] = []
    for path in paths:
        try:
            lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue  # no such file, or not ours to read: no rules
    rules = [line for line in lines if line.strip() and not line.startswith("#") and _is_pattern(line)]
    return GitIgnoreSpec.from_lines(rules) if rules else None


def exclusion_problem(pattern: str) -> str | None:
    """Return what is wrong with a pattern of the settings, None where nothing is."""
    if pattern.startswith("!"):
        return f"index.exclude: {pattern!r} would take back what another place excludes; remove it"
    if not _is_pattern(pattern):
        return f"index.exclude: {pattern!r} is no pattern as in .gitignore; correct or remove it"
    return None


def _settings_spec(exclude: Iterable[str]) -> GitIgnoreSpec | None:
    patterns = tuple(exclude)
    for problem in filter(None, map(exclusion_problem, patterns)):
        raise SettingsError(problem)
    return GitIgnoreSpec.from_lines(patterns) if patterns else None


def _is_pattern(line: str) -> bool:
    """Say whether git would take the line for a rule; a line that is none ("!" alone) matches nothing there."""
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def _info_exclude(root: Path) -> Path | None:
    """Return where .git/info/exclude stands; in a worktree or submodule `.git` is a file that names the folder."""
    git = root / ".git"
    try:
        if git.is_file():
            git = root / git.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
            common = git / "commondir"
            if common.exists():
                git = git / common.read_text(encoding="utf-8").strip()
        return git / "info" / "exclude" if git.is_dir() else None
    except (OSError, UnicodeDecodeError, ValueError):
        return None
