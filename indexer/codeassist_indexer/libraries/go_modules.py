"""Go modules: those that go.mod requires, in vendor/ or the module cache, and those of go.work and of `replace`.

As the go command finds them (https://go.dev/ref/mod), which is not run: go.mod since Go 1.17 lists the exact version of
all modules that a build needs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from codeassist_indexer.languages.code.go import FOLDER, MODULE
from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.libraries.manifests import changed, inside, manifests, path_named, text_of
from codeassist_indexer.libraries.package import InstalledPackage
from codeassist_indexer.libraries.source_files import may_be_read, sources_below

_MOST_LINES = 20_000
_MOST_REQUIRED = 2_000
_MOST_PACKAGES = 300  # folders of one module that importers may name
_TOKEN = re.compile(r'"[^"\n]*"|`[^`\n]*`|//[^\n]*|=>|[()]|[^\s()"`]+')
_DIRECTIVES = words("module require replace use")
_PATH = re.compile(r"[\w.~!$&'+=-]+(?:/[\w.~!$&'+=-]+)*")
_VERSION = re.compile(r"v[\w.+-]{1,100}")
# What importers may not name, what is not built, and other people's code.
_NOT_OFFERED = words("internal testdata vendor")


@dataclass(frozen=True, slots=True)
class GoManifest:
    """What a go.mod or go.work says: the module's name, versions, what takes a module's place, and folders."""

    folder: Path
    module: str = ""
    required: dict[str, str] = field(default_factory=dict[str, str])
    replaced: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    used: list[str] = field(default_factory=list[str])


class GoInstallation:
    """The modules that a repository's go.mod files require."""

    ecosystem = "go"

    def __init__(self, root: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._root = root
        self._cache = module_cache(environ)

    def stamp(self) -> str:
        """Return the manifests with the times of their changes, and which of the modules are there."""
        files = [*self._files, *(each.folder / "vendor" / "modules.txt" for each in self._manifests)]
        return "\n".join((*changed(files), *(str(root) for *_, root in self._required())))

    def projects(self) -> Sequence[Path]:
        """Return the folders outside of the repository that `replace` and `use` name."""
        return [path for path in dict.fromkeys(self._named()) if inside(self._root, path) is None]

    def provides(self, index: IndexedPaths, imported: Sequence[tuple[str, str]]) -> Mapping[str, Mapping[str, str]]:
        """Return, for each import path within a module of the repository, that module and its folder."""
        own = {
            each.module: folder for each in self._manifests if (folder := inside(self._root, each.folder)) is not None
        }
        found: dict[str, Mapping[str, str]] = {}
        for path, _ in imported:
            module = _module_of(path, own)
            if module:
                found[path] = {MODULE: module, FOLDER: own[module]}
        return found

    def packages(self, modules: Iterable[str]) -> Iterator[InstalledPackage]:
        """Yield the modules in which these import paths lie, as far as they are there."""
        required: dict[str, tuple[str, Path]] = {}
        for module, version, root in self._required():
            required.setdefault(module, (version, root))
        asked: dict[str, list[str]] = {}
        for path in modules:
            module = _module_of(path, required)
            if module:
                asked.setdefault(module, []).append(path)
        for module, paths in asked.items():
            version, root = required[module]
            files = dict.fromkeys(sources_below(root, (".go",), _NOT_OFFERED, "go.mod", "_test.go"))
            if files:
                folders = (path.rpartition("/")[0] for path in files)
                offered = [f"{module}/{folder}" if folder else module for folder in dict.fromkeys(folders)]
                names = tuple(dict.fromkeys([*paths, *offered]))[:_MOST_PACKAGES]
                entries = {MODULE: module, FOLDER: ""}
                yield InstalledPackage("go", module, version, names, root, {path: path for path in files}, entries)

    @cached_property
    def _files(self) -> list[Path]:
        return manifests(self._root, ("go.mod", "go.work"))

    @cached_property
    def _manifests(self) -> list[GoManifest]:
        return [_read(path) for path in self._files]

    def _required(self) -> Iterator[tuple[str, str, Path]]:
        """Yield module, version and folder of what is required and there; of a module of the same name all of them."""
        for each in self._manifests:
            shelves = [each.folder, *(other.folder for other in self._manifests if other.used)]
            vendored = {name: (shelf, said) for shelf in reversed(shelves) for name, said in _vendored(shelf)}
            for module, version in list(each.required.items())[:_MOST_REQUIRED]:
                target, other = self._replaced(each, module)
                if target.startswith((".", "/")):
                    continue  # a project beside this one
                name, wanted = target or module, other or version
                shelf, said = vendored.get(module, (None, ""))
                root = self._in_cache(name, wanted) if shelf is None else shelf / "vendor" / module
                if root is not None and root.is_dir() and may_be_read(self._root, root):
                    yield module, said or wanted, root

    def _replaced(self, manifest: GoManifest, module: str) -> tuple[str, str]:
        for each in (*(other for other in self._manifests if other.used), manifest):
            if module in each.replaced:
                return each.replaced[module]
        return "", ""

    def _in_cache(self, module: str, version: str) -> Path | None:
        if self._cache is None or not _PATH.fullmatch(module) or not _VERSION.fullmatch(version):
            return None
        if any(part in (".", "..") for part in module.split("/")):
            return None
        return self._cache / f"{_escaped(module)}@{_escaped(version)}"

    def _named(self) -> Iterator[Path]:
        for each in self._manifests:
            targets = [target for target, _ in each.replaced.values() if target.startswith((".", "/"))]
            for written in (*targets, *each.used):
                path = path_named(each.folder, written)
                if path is not None:
                    yield path


def module_cache(environ: Mapping[str, str]) -> Path | None:
    """Return the folder of the module cache, by the environment and what `go env -w` keeps; None: nowhere."""
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    kept = environ.get("GOENV") or (f"{environ.get('XDG_CONFIG_HOME') or f'{home}/.config'}/go/env" if home else "")
    said = dict(line.split("=", 1) for line in text_of(Path(kept)).splitlines() if "=" in line) if kept else {}
    named = environ.get("GOMODCACHE") or said.get("GOMODCACHE")
    if named:
        return Path(named)
    paths = environ.get("GOPATH") or said.get("GOPATH") or (f"{home}/go" if home else "")
    first = paths.split(os.pathsep)[0]
    return Path(first) / "pkg" / "mod" if Path(first).is_absolute() else None


def _module_of(path: str, known: Mapping[str, object]) -> str:
    """Return the longest of the known modules that an import path lies in; "" for none."""
    while path and path not in known:
        path = path.rpartition("/")[0]
    return path


def _escaped(text: str) -> str:
    """Return a path as the cache writes it: disks may not tell large letters from small ones."""
    return re.sub(r"[A-Z]", lambda match: f"!{match[0].lower()}", text)


def _vendored(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what vendor/modules.txt says that vendor/ holds: `# module version`, or what takes its place."""
    for line in text_of(folder / "vendor" / "modules.txt").splitlines()[:_MOST_LINES]:
        parts = line.split()
        if parts[:1] == ["#"] and len(parts) >= 3 and _PATH.fullmatch(parts[1]) and ".." not in parts[1].split("/"):
            versions = [part for part in parts[2:] if _VERSION.fullmatch(part)]
            yield parts[1], versions[-1] if versions else ""


def _read(path: Path) -> GoManifest:
    module = ""
    said = GoManifest(path.parent)
    block = ""
    for line in text_of(path).splitlines()[:_MOST_LINES]:
        parts = [token.strip('"`') for token in _TOKEN.findall(line) if not token.startswith("//")]
        if not parts:
            continue
        if block and parts == [")"]:
            block = ""
            continue
        if not block and parts[0] in _DIRECTIVES:
            if parts[1:] == ["("]:
                block = parts[0]
                continue
            directive, parts = parts[0], parts[1:]
        else:
            directive = block
        match directive, parts:
            case "module", [name]:
                module = name
            case "require", [name, version]:
                said.required[name] = version
            case "use", [folder]:
                said.used.append(folder)
            case "replace", [name, *between, target, version] if between[-1:] == ["=>"]:
                said.replaced[name] = (target, version)
            case "replace", [name, *between, target] if between[-1:] == ["=>"]:
                said.replaced[name] = (target, "")
            case _:
                continue
    return GoManifest(said.folder, module, said.required, said.replaced, said.used)
