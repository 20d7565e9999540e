"""The settings of a running server: files and environment, an editor's options over them, resolved for a repository.

What is wrong is reported once and left out; the rest stands.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from codeassist.errors import SettingsError
from codeassist.settings import REPOSITORY_FILE, Author, Override, Resolved, Settings, locate, read_toml, salvage
from codeassist_indexer.ingest.ignore import exclusion_problem

_WHERE = "editor settings"
# Sections that editors keep for themselves under our name: how to start the server, what of the protocol to log.
_EDITORS_OWN = ("server", "trace")

_Stamp = tuple[int, int, int] | None


class Configuration:
    """One client's settings by repository. Safe to call from several threads.

    `report` is called with each problem when it comes up, in the thread that asked. `overrides` (the command line's)
    win over the client's options. A file is read again when it has changed, at the next call of `settings`.
    """

    def __init__(
        self,
        report: Callable[[str], None] = lambda problem: None,
        overrides: Sequence[Override] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._report = report
        self._overrides = tuple(overrides)
        self._environment = environment
        self._config_file = locate(environment).config_file
        self._options: tuple[Override, ...] = ()
        self._option_problems: tuple[str, ...] = ()
        self._known: dict[Path | None, tuple[tuple[_Stamp, ...], Resolved]] = {}
        self._last_good: dict[Path, dict[str, object]] = {}
        self._read_problems: list[str] = []
        self._reported: frozenset[str] = frozenset()
        self._lock = threading.RLock()

    def set_options(self, options: object) -> None:
        """Take what a client sent as `initializationOptions` or as its section `codeassist`; replaces what it sent
        before. Sections and keys as in a settings file, nested or with a dot; null means not set."""
        problems: list[str] = []
        overrides = tuple(_overrides(options, problems))
        with self._lock:
            roots = list(self._known)
            self._options, self._option_problems = overrides, tuple(problems)
            self._known.clear()
        for root in roots or [None]:
            self.settings(root)

    def settings(self, root: Path | None) -> Settings:
        """Return what is in force for the repository at `root`: the same object as long as nothing has changed."""
        files = [self._config_file, *([root / REPOSITORY_FILE] if root is not None else [])]
        with self._lock:
            stamps = tuple(self._stamp(file) for file in files)
            known = self._known.get(root)
            if known is not None and known[0] == stamps:
                return known[1].settings
            self._read_problems = []
            resolved = _without_wrong_patterns(
                salvage(root, (*self._options, *self._overrides), self._environment, self._read)
            )
            if known is not None and known[1].settings == resolved.settings:
                resolved = Resolved(known[1].settings, resolved.origins, resolved.problems)
            problems = (*self._read_problems, *resolved.problems)
            self._known[root] = (stamps, Resolved(resolved.settings, resolved.origins, problems))
            new = self._new_problems()
        for problem in new:
            self._report(problem)
        return resolved.settings

    def origins(self, root: Path | None) -> Mapping[str, str]:
        """Return where each setting's value comes from, as `codeassist doctor` prints it."""
        self.settings(root)
        with self._lock:
            return self._known[root][1].origins

    def forget(self, root: Path) -> None:
        """Keep nothing of a repository that is not open any more."""
        with self._lock:
            self._known.pop(root, None)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong now, each problem once."""
        with self._lock:
            found = (problem for _, resolved in self._known.values() for problem in resolved.problems)
            return tuple(dict.fromkeys((*self._option_problems, *found)))

    def _new_problems(self) -> list[str]:
        """Return what was not wrong before; what is right again counts as new when it comes back."""
        now = self.problems
        new = [problem for problem in now if problem not in self._reported]
        self._reported = frozenset(now)
        return new

    def _stamp(self, file: Path) -> _Stamp:
        """Return what tells one state of a file from the next, None where there is none."""
        try:
            status = file.stat()
        except (OSError, ValueError):
            self._last_good.pop(file, None)
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self, file: Path) -> dict[str, object]:
        """Read a file; one that cannot be read, half-written say, still says what it said before."""
        try:
            self._last_good[file] = read_toml(file)
        except SettingsError as error:
            if file not in self._last_good:
                raise
            self._read_problems.append(f"{error} (its former settings stay in force)")
        return self._last_good[file]


def _without_wrong_patterns(resolved: Resolved) -> Resolved:
    index, editor = resolved.settings.index, resolved.settings.editor
    problems = list(resolved.problems)

    def right(patterns: Sequence[str], key: str) -> tuple[str, ...]:
        problem_by_pattern = {pattern: exclusion_problem(pattern, key) for pattern in patterns}
        problems.extend(filter(None, problem_by_pattern.values()))
        return tuple(pattern for pattern, problem in problem_by_pattern.items() if problem is None)

    settings = dataclasses.replace(
        resolved.settings,
        index=dataclasses.replace(index, exclude=right(index.exclude, "index.exclude")),
        editor=dataclasses.replace(editor, off_paths=right(editor.off_paths, "editor.off_paths")),
    )
    return Resolved(settings, resolved.origins, tuple(problems))


def _overrides(options: object, problems: list[str]) -> Iterator[Override]:
    if options is None:
        return
    if not isinstance(options, Mapping):
        problems.append(f"{_WHERE}: {options!r} is no object; send sections with keys (`codeassist docs settings`)")
        return
    tree = cast("Mapping[str, Any]", options)
    if set(tree) == {"codeassist"} and isinstance(tree["codeassist"], Mapping):
        tree = tree["codeassist"]
    for key, value in _leaves(tree):
        if key.partition(".")[0] not in _EDITORS_OWN and value is not None:
            yield Override(key, value, _WHERE, Author.EDITOR)


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping):
            yield from _leaves(cast("Mapping[str, Any]", value), f"{key}.")
        else:
            yield key, value
