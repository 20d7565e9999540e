"""Packages in node_modules: their declarations of types, by what their package.json says of themselves.

Only what is declared is read (`.d.ts`): sources of packages are bundled, as a rule. Links that package managers make
within the repository's node_modules are followed; nothing else is.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths
from codeassist_indexer.languages.forms.npm_packages import package_of
from codeassist_indexer.libraries.manifests import changed, json_of
from codeassist_indexer.libraries.node_workspaces import NodeWorkspaces
from codeassist_indexer.libraries.package import InstalledPackage

_MODULES = "node_modules"
_DECLARATIONS = (".d.ts", ".d.mts", ".d.cts")
_MOST_ENTRIES = 500
_MOST_FILES = 10_000
_MOST_FOLDERS = 2_000  # of a repository, looked through for workspaces with packages of their own
_MOST_DEPTH = 3
_MOST_VERSION_CHARS = 80
_NOT_OFFERED = frozenset({_MODULES, "test", "tests", "__tests__", ".git"})


class NodeInstallation:
    """The node_modules of a repository: at its root, then in the folders of its workspaces."""

    ecosystem = "npm"

    def __init__(self, root: Path) -> None:
        self._root = root
        self._workspaces = NodeWorkspaces(root)

    @cached_property
    def _folders(self) -> list[Path]:
        return list(_module_folders(self._root))

    def stamp(self) -> str:
        """Return the folders, the lists of what npm and others installed there, and the manifests, as they are now."""
        lists = [path / name for path in self._folders for name in ("", ".package-lock.json", ".modules.yaml")]
        return "\n".join(changed([*lists, *self._workspaces.files()]))

    def projects(self) -> Sequence[Path]:
        """Return what the repository's manifests name by a path outside of it."""
        return self._workspaces.outside()

    def provides(self, index: IndexedPaths, imported: Sequence[tuple[str, str]]) -> Mapping[str, Mapping[str, str]]:
        """Return the repository's own packages, and what its tsconfig.json calls by another name."""
        return self._workspaces.entries(index, (module for module, _ in imported))

    def packages(self, modules: Iterable[str]) -> Iterator[InstalledPackage]:
        """Yield the packages of these import paths that declare types, each with what declares types for it."""
        for name in dict.fromkeys(package_of(module) for module in modules):
            if not name or ".." in name.split("/"):
                continue
            plain = name.removeprefix("@").replace("/", "__")
            for installed, is_stub in ((name, False), (f"@types/{plain}", True)):
                looked_for = (self._package(folder, installed, name, is_stub) for folder in self._folders)
                found = next((each for each in looked_for if each is not None), None)
                if found is not None:
                    yield found
                    break

    def _package(self, folder: Path, installed: str, name: str, is_stub: bool) -> InstalledPackage | None:
        """Return what is installed under a name for imports of `name`, if it is there and declares types."""
        root = folder / installed
        try:
            real = root.resolve(strict=True)
        except (OSError, RuntimeError):
            return None
        if not real.is_relative_to(self._root.resolve()) or _MODULES not in real.parts:
            return None  # a link out of the repository; or to a workspace, which is the repository's own code
        said = json_of(real / "package.json")
        files = {f"{name}/{path}": path for path in _declarations(real)}
        if not files:
            return None
        entries = {key: f"{name}/{path}" for key, path in _entries(said, files.values())}
        version = str(said.get("version", ""))[:_MOST_VERSION_CHARS]
        return InstalledPackage("npm", installed, version, (name,), real, files, entries, is_stub)


def _module_folders(root: Path) -> Iterator[Path]:
    """Yield the node_modules of a repository, the one at the root first; none is looked into."""
    num_left = _MOST_FOLDERS
    pending = [(root, 0)]
    while pending and num_left > 0:
        folder, depth = pending.pop(0)
        num_left -= 1
        try:
            with os.scandir(folder) as scan:
                names = sorted(entry.name for entry in scan if entry.is_dir(follow_symlinks=False))
        except OSError:
            continue
        if _MODULES in names:
            yield folder / _MODULES
        if depth < _MOST_DEPTH:
            pending += [(folder / name, depth + 1) for name in names if name != _MODULES and not name.startswith(".")]


def _declarations(package: Path) -> list[str]:
    """Return the declarations of a package below its folder, those nearest to the top first."""
    found: list[str] = []
    for parent, folders, names in os.walk(package):
        folders[:] = sorted(name for name in folders if name not in _NOT_OFFERED)
        inside = Path(parent).relative_to(package).as_posix()
        found += [posixpath.normpath(posixpath.join(inside, name)) for name in names if name.endswith(_DECLARATIONS)]
        if len(found) > _MOST_FILES:
            break
    return sorted(found, key=lambda path: (path.count("/"), path))


def _entries(said: Mapping[str, Any], files: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield which declaration each import path of a package means, as its package.json says."""
    known = frozenset(files)
    exported: object = said.get("exports")
    table = cast("dict[str, object]", exported) if isinstance(exported, dict) else {}
    if not any(key.startswith(".") for key in table):  # conditions, or one file, for the package itself
        table = {".": exported} if exported is not None else {}
    has_main = False
    for key, value in list(table.items())[:_MOST_ENTRIES]:
        path = next(_declared(value, known), None)
        if path is not None:
            has_main |= key == "."
            yield key, path
    if not has_main:
        named = (path for key in ("types", "typings", "main") for path in _declared(said.get(key), known))
        path = next(named, "index.d.ts" if "index.d.ts" in known else None)
        if path is not None:
            yield ".", path


def _declared(value: object, known: frozenset[str], depth: int = 0) -> Iterator[str]:
    """Yield the declarations that a target of package.json leads to, what it calls types first."""
    if isinstance(value, str):
        path = posixpath.normpath(value.removeprefix("./"))
        stem = path
        for extension in (".mjs", ".cjs", ".js", ".json"):
            stem = stem.removesuffix(extension)
        for each in (path, *(f"{stem}{ending}" for ending in _DECLARATIONS), f"{path}/index.d.ts"):
            if each in known or ("*" in each and each.endswith(_DECLARATIONS)):
                yield each
    elif isinstance(value, dict) and depth < 6:
        table = cast("dict[str, object]", value)
        for key in sorted(table, key=lambda name: not name.startswith("types")):
            yield from _declared(table[key], known, depth + 1)
    elif isinstance(value, list) and depth < 6:
        for each in cast("list[object]", value):
            yield from _declared(each, known, depth + 1)
