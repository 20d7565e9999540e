"""Which paths of a repository are ignored: as git says, `.codeassistignore` and the user's patterns on top."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from codeassist.errors import SettingsError
from codeassist_indexer.ingest.checkouts import (
    CheckoutRules,
    checkout_of,
    is_checkout,
    is_linked_worktree,
    rules_of_checkout,
    spec_of,
)
from codeassist_indexer.ingest.git_answers import GitAnswer, folders_above
from codeassist_indexer.ingest.ignore_patterns import IgnoreSpec, ignore_spec, parse_rule

IGNORE_FILE_NAMES = (".gitignore", ".codeassistignore")

ALWAYS_IGNORED = frozenset({".git", ".hg", ".svn", ".jj"})
# A rule such as `!third_party/` in an ignore file takes these back.
_VENDORED = frozenset({
    "node_modules", "bower_components", "jspm_packages", "site-packages", "vendor", "_vendor", "third_party",
})  # fmt: skip
_MADE_BY_TOOLS = frozenset({
    "__pycache__", ".venv", "venv", ".tox", ".nox", ".eggs", ".mypy_cache", ".pytest_cache", ".ruff_cache",
    ".hypothesis", ".gradle", ".next", ".nuxt", ".terraform", ".yarn", ".cache", ".idea", ".ipynb_checkpoints",
})  # fmt: skip


class _Folder(Enum):
    """What holds for the files in a folder."""

    IGNORED = "all ignored"
    VENDORED = "other people's code, all ignored"
    ASKED = "as git says"
    TRACKED = "only what git tracks"
    READ = "as the ignore files say"  # git ignores the folder, and .codeassistignore took it back


_NOT_READ = frozenset({_Folder.IGNORED, _Folder.VENDORED})


class IgnoreRules:
    """The ignore rules of one repository. Paths are relative to `root`, with forward slashes.

    What git said (`git`) counts before our own reading of its ignore files, which stands where it said nothing. Files
    are read as folders are asked for, once: after an ignore file changes, make new rules. `.codeassistignore` may
    exclude more and take back what git ignores. `exclude` holds patterns of the settings: what they match stays
    ignored whatever a file says. Raises SettingsError for a pattern that is none.
    """

    def __init__(self, root: Path, exclude: Iterable[str] = (), git: GitAnswer | None = None) -> None:
        self._root = root
        self._git = git
        self._read = GitIgnoreFiles(root)
        self._ours = _RuleChain(root, ".codeassistignore", lambda folder: None if folder else _NO_RULES)
        self._settings = settings_spec(exclude)
        self._states: dict[str, _Folder] = {"": _Folder.ASKED}

    def ignores_file(self, path: str) -> bool:
        """Say whether the file, or any folder above it, is ignored."""
        folder, _, name = path.rpartition("/")
        state = self._state(folder)
        if state in _NOT_READ or name in ALWAYS_IGNORED or self._excludes(path, is_folder=False):
            return True
        ours = self._ours.verdict(path, is_folder=False)
        return ours if ours is not None else self._git_ignores(path, False, state)

    def ignores_folder(self, folder: str) -> bool:
        """Say whether the folder, or any above it, is ignored. As in git, nothing inside can then be taken back."""
        return self._state(folder) in _NOT_READ

    def is_vendored(self, folder: str) -> bool:
        """Say whether the folder is ignored for it holds other people's code, and for no other reason."""
        return self._state(folder) is _Folder.VENDORED

    def _state(self, folder: str) -> _Folder:
        known = self._states.get(folder)
        if known is None:
            parent, _, name = folder.rpartition("/")
            known = self._states[folder] = self._state_in(self._state(parent), folder, name)
        return known

    def _state_in(self, parent: _Folder, folder: str, name: str) -> _Folder:
        if parent in _NOT_READ or name in ALWAYS_IGNORED or self._excludes(folder, is_folder=True):
            return _Folder.IGNORED
        ours = self._ours.verdict(folder, is_folder=True)
        if ours or is_linked_worktree(self._root / folder):
            return _Folder.IGNORED
        if self._git_ignores(folder, True, parent):
            if ours is False:
                return _Folder.READ
            # git lists no file of it, perhaps for each of them is ignored, some of which may be taken back
            is_open = self._ours.takes_back(folder) and not self._read.verdict(folder, is_folder=True)
            return parent if is_open else _Folder.IGNORED
        if self._git is not None and not self._git.is_complete and parent is _Folder.ASKED and ours is None:
            parent = _Folder.TRACKED if self._read.verdict(folder, is_folder=True) else parent
        is_made = name in _MADE_BY_TOOLS or (self._root / folder / "pyvenv.cfg").exists()
        if ours is False or not (is_made or name in _VENDORED) or self._read.verdict(folder, True) is False:
            return parent
        return _Folder.IGNORED if is_made else _Folder.VENDORED

    def _git_ignores(self, path: str, is_folder: bool, state: _Folder) -> bool:
        said = self._git.ignores(path, is_folder) if self._git is not None else None
        if state is _Folder.TRACKED:
            return said is not False
        if said is None or (said and state is _Folder.READ):
            return self._read.verdict(path, is_folder) is True
        return said

    def _excludes(self, path: str, is_folder: bool) -> bool:
        return self._settings is not None and self._settings.verdict(path, is_folder) is True


class GitIgnoreFiles:
    """Git's own rules, read without it: `.gitignore` at every level, info/exclude, the user's excludes.

    What only the repository's index knows is not known here: which files are tracked although a rule matches.
    """

    def __init__(self, root: Path) -> None:
        top = checkout_of(root)
        prefix = root.relative_to(top).as_posix() + "/" if top is not None and top != root else ""
        self._chain, self._prefix = _checkout_chain(top or root), prefix
        if any(self._chain.verdict(folder, is_folder=True) for folder in folders_above(prefix)):
            self._chain, self._prefix = _checkout_chain(root), ""  # ignored by the repository around it: on its own

    def verdict(self, path: str, is_folder: bool) -> bool | None:
        """Return what the nearest rule with an opinion says of the path itself: True ignored, False taken back."""
        return self._chain.verdict(self._prefix + path, is_folder)


@dataclass(frozen=True, slots=True)
class _Link:
    """Rules that hold from a folder on, and the weaker ones around them. `base`: that folder with its slash."""

    spec: IgnoreSpec
    base: str
    outer: _Link | None
    takes_back: bool


@dataclass(frozen=True, slots=True)
class _Rules:
    """What is in force in a folder."""

    nearest: _Link | None
    ignores_case: bool


_NO_RULES = CheckoutRules((), False)


class _RuleChain:
    """The rules of all files of one name, the nearest to a path first; read as folders are asked for.

    `begins(folder)` returns the rules behind them where a folder begins a chain of its own, None elsewhere.
    """

    def __init__(self, top: Path, name: str, begins: Callable[[str], CheckoutRules | None]) -> None:
        self._top = top
        self._name = name
        self._begins = begins
        self._rules_by_folder: dict[str, _Rules] = {}

    def verdict(self, path: str, is_folder: bool) -> bool | None:
        """Return what the nearest rule with an opinion says: True ignored, False taken back, None nothing."""
        link = self._rules(path.rpartition("/")[0]).nearest
        while link is not None:
            found = link.spec.verdict(path[len(link.base) :], is_folder)
            if found is not None:
                return found
            link = link.outer
        return None

    def takes_back(self, folder: str) -> bool:
        """Say whether any rule in force in the folder takes paths back."""
        nearest = self._rules(folder).nearest
        return nearest is not None and nearest.takes_back

    def _rules(self, folder: str) -> _Rules:
        known = self._rules_by_folder.get(folder)
        if known is None:
            base = folder + "/" if folder else ""
            begun = self._begins(folder)
            if begun is not None:
                known = _Rules(None, begun.ignores_case)
                for spec in reversed(begun.specs):
                    known = _with(known, spec, base)
            else:
                known = self._rules(folder.rpartition("/")[0])
            own = spec_of(self._top / folder / self._name, known.ignores_case)
            known = self._rules_by_folder[folder] = known if own is None else _with(known, own, base)
        return known


def _with(rules: _Rules, spec: IgnoreSpec, base: str) -> _Rules:
    takes_back = spec.takes_back or (rules.nearest is not None and rules.nearest.takes_back)
    return _Rules(_Link(spec, base, rules.nearest, takes_back), rules.ignores_case)


def _checkout_chain(top: Path) -> _RuleChain:
    def begins(folder: str) -> CheckoutRules | None:
        return rules_of_checkout(top / folder) if not folder or is_checkout(top / folder) else None

    return _RuleChain(top, ".gitignore", begins)


def exclusion_problem(pattern: str, key: str = "index.exclude") -> str | None:
    """Return what is wrong with a pattern of the setting `key`, None where nothing is."""
    if pattern.startswith("!"):
        return f"{key}: {pattern!r} would take back what another place excludes; remove it"
    if parse_rule(pattern.encode("utf-8", "surrogateescape")) is None:
        return f"{key}: {pattern!r} is no pattern as in .gitignore; correct or remove it"
    return None


def settings_spec(exclude: Iterable[str]) -> IgnoreSpec | None:
    """Return what patterns of the settings come to. Raises SettingsError for one that is none."""
    patterns = tuple(exclude)
    for problem in filter(None, map(exclusion_problem, patterns)):
        raise SettingsError(problem)
    return ignore_spec(pattern.encode("utf-8", "surrogateescape") for pattern in patterns)
