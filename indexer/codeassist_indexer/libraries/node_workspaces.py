"""Packages that a repository of JavaScript or TypeScript has itself, and those that it names by a path.

npm's and yarn's `workspaces`, pnpm-workspace.yaml, dependencies as `file:../lib`, and `paths` and `references` of
tsconfig.json. What an import of one means is a source file: what package.json names is often built from it, and is not
there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths
from codeassist_indexer.languages.forms.npm_packages import FOLDER, package_of
from codeassist_indexer.libraries.manifests import inside, json_of, manifests, path_named, table, text_of, texts

_CONFIGURATIONS = ("tsconfig.base.json", "tsconfig.json", "jsconfig.json")
_BY_PATH = ("file:", "link:", "portal:")
_DEPENDENCIES = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")
_BUILT = re.compile(r"^(?:dist|lib|build|out|esm|cjs|types)(?:/(?:esm|cjs|types|src|module|browser|node))?/")
_OUTPUT = re.compile(r"(?:\.d)?\.[mc]?[jt]sx?$")
_SOURCES = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".d.ts")
_MAIN = ("src/index", "index", "src/main", "lib/index", "src/lib", "main")
_CONDITIONS = ("source", "development", "types", "import", "module", "default", "require")
_PATTERN = re.compile(r"^[ \t]*-[ \t]*[\"']?([^\"'#\s]+)", re.MULTILINE)
_MOST_PATTERNS = 200
_MOST_EXPORTS = 200
_MOST_TARGETS = 12


@dataclass(frozen=True, slots=True)
class Workspace:
    """A package of the repository: `folder` as the index writes it, and what its package.json says."""

    folder: str
    said: Mapping[str, Any]


class NodeWorkspaces:
    """What a repository's manifests say of its own packages; they are read when they are first asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self) -> Sequence[Path]:
        """Return what is read: with another one, the answers are others."""
        names = (*_CONFIGURATIONS, "pnpm-workspace.yaml")
        return [*(self._root / name for name in names), *manifests(self._root, ("package.json",))]

    def packages(self) -> dict[str, Workspace]:
        """Return the repository's own packages by name: its root, its workspaces, and what these name by a path."""
        found = self._found
        wanted = {"", *(folder for folder in found if self._is_workspace(folder)), *self._named_inside()}
        own: dict[str, Workspace] = {}
        for folder in sorted(wanted, key=lambda folder: (folder.count("/"), folder)):
            name = found[folder].said.get("name") if folder in found else None
            if isinstance(name, str) and package_of(name) == name:
                own.setdefault(name, found[folder])
        return own

    def outside(self) -> list[Path]:
        """Return the folders outside of the repository that it names by a path."""
        named = [*self._named(), *self._references()]
        return [path for path in dict.fromkeys(named) if inside(self._root, path) is None]

    def entries(self, index: IndexedPaths, modules: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """Return, of the packages and aliases that these modules name, the file that each of their paths means."""
        own = self.packages()
        found: dict[str, Mapping[str, str]] = {}
        aliases = self._aliases()
        for module in modules:
            package = package_of(module)
            if package in own and package not in found:
                found[package] = dict(_entries(index, own[package]))
            target = _by_alias(index, aliases, module)
            if target is not None:
                found[package] = {f".{module[len(package) :]}": target, **found.get(package, {})}
        return found

    @cached_property
    def _found(self) -> dict[str, Workspace]:
        read = ((inside(self._root, path.parent), path) for path in manifests(self._root, ("package.json",)))
        return {folder: Workspace(folder, json_of(path)) for folder, path in read if folder is not None}

    @cached_property
    def _patterns(self) -> list[str]:
        said = self._found[""].said.get("workspaces") if "" in self._found else None
        listed = texts(table(said).get("packages") if isinstance(said, dict) else said)
        _, _, of_pnpm = text_of(self._root / "pnpm-workspace.yaml")[:50_000].partition("packages:")
        return [*listed, *_PATTERN.findall(of_pnpm)][:_MOST_PATTERNS]

    def _is_workspace(self, folder: str) -> bool:
        parts = folder.split("/")
        is_one = False
        for pattern in self._patterns:
            wanted = posixpath.normpath(pattern.removeprefix("!")).split("/")
            if _matches(parts, wanted):
                is_one = not pattern.startswith("!")
        return is_one

    def _named(self) -> Iterator[Path]:
        """Yield the folders that packages of the repository depend on by a path."""
        for workspace in self._found.values():
            for key in _DEPENDENCIES:
                for written in table(workspace.said.get(key)).values():
                    if isinstance(written, str) and written.startswith(_BY_PATH):
                        path = path_named(self._root / workspace.folder, written.partition(":")[2])
                        if path is not None:
                            yield path
        for pattern in self._patterns:
            if pattern.startswith("../") and "*" not in pattern:
                yield from filter(None, [path_named(self._root, pattern)])

    def _named_inside(self) -> Iterator[str]:
        for path in self._named():
            folder = inside(self._root, path)
            if folder is not None:
                yield folder

    def _references(self) -> Iterator[Path]:
        """Yield the projects that tsconfig.json refers to."""
        for name in _CONFIGURATIONS:
            listed = json_of(self._root / name).get("references")
            for each in cast("list[object]", listed)[:_MOST_PATTERNS] if isinstance(listed, list) else []:
                for written in texts(table(each).get("path")):
                    path = path_named(self._root, written)
                    if path is not None:
                        yield path.parent if path.suffix == ".json" else path

    def _aliases(self) -> list[tuple[str, list[str]]]:
        """Return the `paths` of tsconfig.json: a pattern, and the paths below the root that it stands for."""
        found: list[tuple[str, list[str]]] = []
        for name in _CONFIGURATIONS:
            options = table(json_of(self._root / name).get("compilerOptions"))
            base = options.get("baseUrl")
            base = base if isinstance(base, str) else "."
            for pattern, targets in list(table(options.get("paths")).items())[:_MOST_PATTERNS]:
                paths = [posixpath.normpath(posixpath.join(base, each)) for each in texts(targets)[:_MOST_TARGETS]]
                found.append((pattern, [path for path in paths if not path.startswith(("..", "/"))]))
        return found


def _entries(index: IndexedPaths, own: Workspace) -> Iterator[tuple[str, str]]:
    """Yield which source file each path of a package means, and its folder."""
    yield FOLDER, own.folder
    exported: object = own.said.get("exports")
    listed = cast("dict[str, object]", exported) if isinstance(exported, dict) else {}
    if not any(key.startswith(".") for key in listed):
        listed = {".": exported}
    targets = {key: list(_targets(value))[:_MOST_TARGETS] for key, value in list(listed.items())[:_MOST_EXPORTS]}
    of_main = [each for key in ("source", "types", "typings", "module", "main") for each in texts(own.said.get(key))]
    targets["."] = [*targets.get(".", []), *of_main]
    for key, paths in targets.items():
        files = [file for path in paths for file in _sources(own.folder, path)]
        if key == ".":
            files += [_below(own.folder, f"{stem}{ending}") for stem in _MAIN for ending in _SOURCES]
        if "*" in key:  # what is built is looked for where its source would be (`files_of_package`)
            sources = [path for path in paths if path.endswith(_SOURCES) and not _BUILT.match(posixpath.normpath(path))]
            yield from ((key, _below(own.folder, posixpath.normpath(path))) for path in sources[:1])
            continue
        found = index.existing(list(dict.fromkeys(files)))
        if found:
            yield key, found[0]


def _targets(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the paths that a value of `exports` leads to, sources before what is built of them."""
    if isinstance(value, (str, list)):
        yield from texts(cast("object", value))
    elif depth < 6:
        for _, each in sorted(table(value).items(), key=_rank):
            yield from _targets(each, depth + 1)


def _rank(item: tuple[str, object]) -> int:
    return _CONDITIONS.index(item[0]) if item[0] in _CONDITIONS else len(_CONDITIONS)


def _sources(folder: str, written: str) -> Iterator[str]:
    """Yield the files that a path of package.json may mean: itself, or the source that it is built of."""
    path = posixpath.normpath(written)
    if path.startswith(("..", "/")):
        return
    yield _below(folder, path)
    stem = _OUTPUT.sub("", path)
    plain = _BUILT.sub("", stem)
    for each in dict.fromkeys((stem, f"src/{plain}", plain)):
        yield from (_below(folder, f"{each}{ending}") for ending in _SOURCES)


def _below(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path


def _by_alias(index: IndexedPaths, aliases: Iterable[tuple[str, list[str]]], module: str) -> str | None:
    """Return the file that a module is by an alias; None: by none."""
    for pattern, paths in aliases:
        before, star, behind = pattern.partition("*")
        if module != pattern and not (star and module.startswith(before) and module.endswith(behind)):
            continue
        middle = module[len(before) : len(module) - len(behind)] if star else ""
        for path in paths:
            base = path.replace("*", middle)
            stem = _OUTPUT.sub("", base)
            files = [base, *(f"{stem}{ending}" for ending in _SOURCES), *(f"{base}/index{e}" for e in _SOURCES)]
            found = index.existing([posixpath.normpath(each) for each in files])
            if found:
                return found[0]
    return None


def _matches(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a folder is one that a pattern of workspaces names; "**" stands for any folders."""
    if "**" in wanted:
        at = list(wanted).index("**")
        return len(parts) > at and _matches(parts[:at], wanted[:at])
    return len(parts) == len(wanted) and all(map(_fits, parts, wanted))


def _fits(part: str, wanted: str) -> bool:
    before, star, behind = wanted.partition("*")
    if not star:
        return part == wanted
    return len(part) >= len(before) + len(behind) and part.startswith(before) and part.endswith(behind)
