"""Python's distributions in site-packages: what their own records list, by the modules that they provide.

A distribution without a record gives the folder or file of its own name. `.pth` files are not followed, and nothing is
imported.
"""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from codeassist.json_object import parse_json
from codeassist.regular_file import open_regular
from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths
from codeassist_indexer.libraries.package import InstalledPackage
from codeassist_indexer.libraries.python_environment import site_packages_of, system_packages
from codeassist_indexer.libraries.python_projects import projects_named

_MOST_RECORD_BYTES = 8 << 20
_MOST_URL_BYTES = 64 << 10
_MOST_DISTRIBUTIONS = 5_000
_MOST_LISTED = 20_000
_STUBS = "-stubs"
_BESIDE_ROOT = ("src", "lib", "python")
_INFO = re.compile(r"([A-Za-z0-9][\w.+-]*?)-(\d[^-]*)(?:-py3[\d.]*)?\.(?:dist|egg)-info")
# Never part of what a package offers; other people's packages, for some.
_NOT_OFFERED = frozenset({"tests", "_vendor", "_vendored", "vendor", "vendored", "__pycache__", "node_modules"})


@dataclass(frozen=True, slots=True)
class _Distribution:
    name: str
    version: str
    root: Path
    paths: tuple[str, ...]

    def provided(self) -> Iterator[str]:
        """Yield the names that imports of it begin with."""
        return iter(dict.fromkeys(_first_name(path) for path in self.paths))


class PythonInstallation:
    """The distributions in a repository's environment, read when they are first asked for."""

    ecosystem = "python"

    def __init__(self, root: Path) -> None:
        self._root = root
        self._by_module: dict[str, list[_Distribution]] | None = None

    @cached_property
    def _folders(self) -> list[Path]:
        return site_packages_of(self._root) or system_packages()

    def stamp(self) -> str:
        """Return the folders with the times of their last changes."""
        return "\n".join(f"{folder} {_changed_ns(folder)}" for folder in self._folders)

    def projects(self) -> Sequence[Path]:
        """Return the folders of what is installed editable, as pip notes it, and of what manifests name by a path."""
        return [*(folder for each in self._folders for folder in _editable(each)), *projects_named(self._root)]

    def provides(self, index: IndexedPaths, imported: Sequence[tuple[str, str]]) -> Mapping[str, Mapping[str, str]]:
        """Return the folder of each package, or module at the root or beside: under "", as `entries` has it."""
        found: dict[str, Mapping[str, str]] = {}
        names = list(dict.fromkeys(module.partition(".")[0] for module, _ in imported))
        index.read_modules((name, "") for name in names)
        for name in filter(None, names):
            folders = [each for path in index.by_module(name, "") if (each := _importable_below(path)) is not None]
            if folders:
                found[name] = {"": min(folders, key=lambda folder: folder not in ("", *_BESIDE_ROOT))}
        return found

    def packages(self, modules: Iterable[str]) -> Iterator[InstalledPackage]:
        """Yield the distributions that provide what these dotted modules import."""
        if self._by_module is None:
            self._by_module = {}
            for each in _distributions(self._folders):
                for module in each.provided():
                    self._by_module.setdefault(module, []).append(each)
        seen: set[tuple[str, str]] = set()
        for module in modules:
            first = module.partition(".")[0]
            if not first or first in sys.stdlib_module_names:
                continue
            providing = self._by_module.get(first, [])
            if len(providing) > 2:  # a namespace of many: only those that have what is imported
                providing = [each for each in providing if _has_module(each, module)]
            for each in providing:
                if (each.name, each.version) not in seen:
                    seen.add((each.name, each.version))
                    yield _package(each)


def _importable_below(path: str) -> str | None:
    """Return the folder in which Python may find the file's module by its name alone, if it is a usual one."""
    *folders, name = path.split("/")
    if name.startswith("__init__."):
        is_usual = len(folders) <= 2 or folders[-2] in _BESIDE_ROOT
        return "/".join(folders[:-1]) if folders and is_usual else None
    return "/".join(folders) if name.endswith((".py", ".pyi")) and folders in ([], ["src"]) else None


def _package(found: _Distribution) -> InstalledPackage:
    files = {path.replace(f"{_STUBS}/", "/", 1): path for path in found.paths}
    is_stub = any(path.partition("/")[0].endswith(_STUBS) for path in found.paths)
    modules = tuple(found.provided())
    return InstalledPackage("python", found.name, found.version, modules, found.root, files, is_stub=is_stub)


def _distributions(folders: Iterable[Path]) -> Iterator[_Distribution]:
    """Yield what is installed; of the same name in several folders only the first, as Python finds it."""
    names: set[str] = set()
    for folder in folders:
        try:
            with os.scandir(folder) as scan:
                entries = sorted(entry.name for entry, _ in zip(scan, range(_MOST_DISTRIBUTIONS * 4), strict=False))
        except OSError:
            continue
        for entry in entries:
            info = _INFO.fullmatch(entry)
            if info is None or info[1].lower() in names:
                continue
            paths = _offered(_recorded(folder / entry / "RECORD") or _of_own_name(folder, info[1]))
            if paths:
                names.add(info[1].lower())
                yield _Distribution(info[1].replace("_", "-"), info[2], folder, paths)


def _offered(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the source files that importers may use, those nearest to the top first."""
    kept = [path for path in paths if path.endswith((".py", ".pyi")) and _is_plain(path.split("/"))]
    return tuple(sorted(dict.fromkeys(kept), key=lambda path: (path.count("/"), path)))[:_MOST_LISTED]


def _is_plain(parts: list[str]) -> bool:
    return ".." not in parts and parts[0] != "" and _NOT_OFFERED.isdisjoint(parts) and ":" not in parts[0]


def _recorded(record: Path) -> list[str]:
    try:
        with open_regular(record) as file:
            text = file.read(_MOST_RECORD_BYTES).decode("utf-8", "replace")
        return [row[0] for row in csv.reader(text.splitlines()) if row]
    except (OSError, csv.Error):
        return []


def _of_own_name(folder: Path, name: str) -> Iterator[str]:
    """Yield the source files below the folder, or the file, of a distribution's own name."""
    for spelled in dict.fromkeys((name, name.lower(), name.replace("-", "_").lower())):
        if (folder / f"{spelled}.py").is_file():
            yield f"{spelled}.py"
        for parent, _, names in os.walk(folder / spelled):
            inside = Path(parent).relative_to(folder).as_posix()
            yield from (f"{inside}/{each}" for each in names)


def _first_name(path: str) -> str:
    first = path.partition("/")[0]
    return (first if "/" in path else first.rpartition(".")[0]).removesuffix(_STUBS)


def _editable(site_packages: Path) -> Iterator[Path]:
    try:
        with os.scandir(site_packages) as scan:
            names = sorted(entry.name for entry, _ in zip(scan, range(_MOST_DISTRIBUTIONS * 4), strict=False))
    except OSError:
        return
    for name in names:
        if not _INFO.fullmatch(name):
            continue
        try:
            with open_regular(site_packages / name / "direct_url.json") as file:
                said = parse_json(file.read(_MOST_URL_BYTES))
        except (OSError, ValueError):
            continue
        match said:
            case {"url": str(url), "dir_info": {"editable": True}} if url.startswith("file://"):
                yield Path(url2pathname(urlsplit(url).path))
            case _:
                continue


def _has_module(distribution: _Distribution, module: str) -> bool:
    wanted = module.replace(".", "/")
    return any(path.startswith((f"{wanted}/", f"{wanted}.py")) for path in distribution.paths)


def _changed_ns(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
