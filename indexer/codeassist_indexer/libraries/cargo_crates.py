"""Rust's crates: those that Cargo.lock names, in the registry's sources or vendored, and those of the repository.

As Cargo lays them out (https://doc.rust-lang.org/cargo), which is not run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from codeassist_indexer.languages.code.rust import FILE, FOLDER, package_of
from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.libraries.manifests import changed, inside, manifests, path_named, table, text_of, toml_of
from codeassist_indexer.libraries.package import InstalledPackage
from codeassist_indexer.libraries.source_files import may_be_read, sources_below

_MOST_LOCKED = 5_000
_MOST_REGISTRIES = 20
_LOCKED = re.compile(
    r'^(name|version|source) = "([^"\n]{1,300})"$|^ "([^"\n]{1,300})",?$|^\[\[package\]\]$', re.MULTILINE
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_VERSION = re.compile(r"\d[\w.+-]{0,60}")
_DEPENDENCIES = ("dependencies", "dev-dependencies", "build-dependencies")
_NOT_OFFERED = words("tests examples benches target bin testdata build.rs")


@dataclass(frozen=True, slots=True)
class _Locked:
    """A package of Cargo.lock; `needs` are its dependencies as written, with a version where a name has several."""

    name: str
    version: str
    source: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Needed:
    """A dependency of a Cargo.toml: what the code calls it, its package, its version as asked for, and its path."""

    crate: str
    package: str
    version: str
    path: str


class CargoInstallation:
    """The crates that a repository's Cargo.toml files need."""

    ecosystem = "cargo"

    def __init__(self, root: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._root = root
        home = environ.get("HOME") or environ.get("USERPROFILE") or ""
        named = environ.get("CARGO_HOME") or (f"{home}/.cargo" if home else "")
        self._home = Path(named) if named and Path(named).is_absolute() else None

    def stamp(self) -> str:
        """Return the manifests and the folders of sources, with the times of their changes."""
        return "\n".join(changed([*self._files, *self._shelves]))

    def projects(self) -> Sequence[Path]:
        """Return the folders outside of the repository that dependencies and workspaces name by a path."""
        named: list[Path] = []
        for file, said in self._manifests.items():
            members = table(said.get("workspace")).get("members")
            written = [each.path for each in _needed(said)]
            written += [each for each in members if isinstance(each, str)] if isinstance(members, list) else []
            named += [path for each in written if (path := path_named(file.parent, each)) is not None]
        return [path for path in dict.fromkeys(named) if inside(self._root, path) is None]

    def provides(self, index: IndexedPaths, imported: Sequence[tuple[str, str]]) -> Mapping[str, Mapping[str, str]]:
        """Return the folder and the root file of each crate of the repository, also by the name that others give it."""
        own: dict[str, Mapping[str, str]] = {}
        packages: dict[str, Mapping[str, str]] = {}
        for file, said in self._manifests.items():
            name = table(said.get("package")).get("name")
            folder = inside(self._root, file.parent)
            if isinstance(name, str) and folder is not None:
                entries = _entries(said, folder)
                packages.setdefault(name, entries)
                own.setdefault(_crate(said, name), entries)
        for said in self._manifests.values():
            for each in _needed(said):
                if each.package in packages:
                    own.setdefault(each.crate, packages[each.package])
        asked = dict.fromkeys(package_of(module) for module, _ in imported)
        return {crate: own[crate] for crate in asked if crate in own}

    def packages(self, modules: Iterable[str]) -> Iterator[InstalledPackage]:
        """Yield the crates that these paths begin with, then all that the repository's Cargo.toml files name.

        What a path names needs no `use` in Rust.
        """
        asked = [package_of(module) for module in modules]
        for crate in filter(None, dict.fromkeys([*asked, *self._by_crate])):
            name, version = self._by_crate.get(crate) or self._locked_crate(crate)
            root = self._found(name, version) if name else None
            if root is None:
                continue
            said = toml_of(root / "Cargo.toml")
            files = sources_below(root, (".rs",), _NOT_OFFERED, "Cargo.toml")
            if files:
                by_name = tuple(dict.fromkeys([_crate(said, name), crate]))
                entries = _entries(said, "")
                yield InstalledPackage(
                    "cargo", name, version, by_name, root, {path: path for path in files}, entries
                )  # fmt: skip

    @cached_property
    def _files(self) -> list[Path]:
        return manifests(self._root, ("Cargo.toml", "Cargo.lock"))

    @cached_property
    def _manifests(self) -> dict[Path, Mapping[str, Any]]:
        return {path: toml_of(path) for path in self._files if path.name == "Cargo.toml"}

    @cached_property
    def _shelves(self) -> list[Path]:
        """The folders that hold crates' sources: vendored ones of the repository, then those of the registries."""
        shelves: list[Path] = []
        for name in (".cargo/config.toml", ".cargo/config"):
            for source in table(toml_of(self._root / name).get("source")).values():
                written = table(source).get("directory")
                path = path_named(self._root, written) if isinstance(written, str) else None
                if path is not None and inside(self._root, path) and may_be_read(self._root, path):
                    shelves.append(path)
        registries = self._home / "registry" / "src" if self._home is not None else None
        try:
            if registries is not None:
                shelves += sorted(path for path in registries.iterdir() if path.is_dir())
        except OSError:
            pass  # no crate was ever fetched
        return shelves[:_MOST_REGISTRIES]

    @cached_property
    def _locked(self) -> dict[str, list[_Locked]]:
        """What Cargo.lock names, by name; what the repository's own packages ask for comes first, then newer ones."""
        locked = [each for path in self._files if path.name == "Cargo.lock" for each in _read_lock(text_of(path))]
        asked = {need for each in locked if not each.source for need in each.needs}
        found: dict[str, list[_Locked]] = {}
        for each in sorted(locked, key=lambda each: _numbers(each.version), reverse=True):
            found.setdefault(each.name, []).append(each)
        for versions in found.values():
            versions.sort(key=lambda each: f"{each.name} {each.version}" not in asked)
        return found

    @cached_property
    def _by_crate(self) -> dict[str, tuple[str, str]]:
        """Package and version of what the repository's Cargo.toml files name, by what its code calls it."""
        found: dict[str, tuple[str, str]] = {}
        for said in self._manifests.values():
            for each in _needed(said):
                if each.path or not _NAME.fullmatch(each.package):
                    continue
                locked = self._locked.get(each.package)
                fitting = [one.version for one in locked or () if _is_near(one.version, each.version)]
                version = (fitting or [one.version for one in locked or ()] or [self._newest(each)])[0]
                root = self._found(each.package, version)
                if root is not None:
                    crate = each.crate
                    if crate == each.package.replace("-", "_"):
                        crate = _crate(toml_of(root / "Cargo.toml"), each.package)
                    found.setdefault(crate, (each.package, version))
        return found

    def _locked_crate(self, crate: str) -> tuple[str, str]:
        for name in (crate, crate.replace("_", "-")):
            if name in self._locked:
                return name, self._locked[name][0].version
        return "", ""

    def _newest(self, needed: _Needed) -> str:
        """Return the newest version that is there and fits, where no Cargo.lock names one."""
        versions = [
            path.name[len(needed.package) + 1 :]
            for shelf in self._shelves
            for path in shelf.glob(f"{needed.package}-[0-9]*")
        ]
        return max((each for each in versions if _is_near(each, needed.version)), key=_numbers, default="")

    def _found(self, name: str, version: str) -> Path | None:
        """Return where the sources of a package lie; None where they do not."""
        if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
            return None
        for shelf in self._shelves:
            for path in (shelf / f"{name}-{version}", shelf / name):
                is_it = path.is_dir() and (path.name != name or _says(path, version))
                if is_it and may_be_read(self._root, path):
                    return path
        return None


def _says(root: Path, version: str) -> bool:
    return table(toml_of(root / "Cargo.toml").get("package")).get("version") == version


def _crate(said: Mapping[str, Any], package: str) -> str:
    """Return what code calls a package: its library's name."""
    name = table(said.get("lib")).get("name")
    return name if isinstance(name, str) and name else package.replace("-", "_")


def _entries(said: Mapping[str, Any], folder: str) -> dict[str, str]:
    written = table(said.get("lib")).get("path")
    path = os.path.normpath(written).replace("\\", "/") if isinstance(written, str) else "src/lib.rs"
    if path.startswith(("..", "/")):
        path = "src/lib.rs"
    file = f"{folder}/{path}" if folder else path
    return {FOLDER: file.rpartition("/")[0], FILE: file}


def _needed(said: Mapping[str, Any]) -> Iterator[_Needed]:
    """Yield the dependencies of a Cargo.toml, those of its workspace and of single targets among them."""
    places = [said, table(said.get("workspace")), *map(table, table(said.get("target")).values())]
    for place in places:
        for kind in _DEPENDENCIES:
            for name, wanted in table(place.get(kind)).items():
                more = table(wanted)
                package, version, path = (more.get(key) for key in ("package", "version", "path"))
                yield _Needed(
                    name.replace("-", "_"),
                    package if isinstance(package, str) else name,
                    wanted if isinstance(wanted, str) else version if isinstance(version, str) else "",
                    path if isinstance(path, str) else "",
                )


def _read_lock(text: str) -> Iterator[_Locked]:
    """Yield the packages of a Cargo.lock, which Cargo writes in one way, line by line."""
    said: dict[str, str] = {}
    needs: list[str] = []
    num_left = _MOST_LOCKED
    for match in _LOCKED.finditer(f"{text}\n[[package]]\n"):
        if match[1]:
            said.setdefault(match[1], match[2])
        elif match[3]:
            needs.append(match[3])
        else:
            if "name" in said and "version" in said:
                yield _Locked(said["name"], said["version"], said.get("source", ""), tuple(needs))
            num_left -= 1
            if num_left < 0:
                return
            said, needs = {}, []


def _is_near(version: str, wanted: str) -> bool:
    """Whether a version is of the line that is asked for: the same first number that is not 0."""
    have, want = _numbers(version), _numbers(wanted)
    if not want:
        return True
    for one, other in zip(have, want, strict=False):
        if one != other:
            return False
        if one:
            return True
    return True


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d{1,9}", version.partition("-")[0])]
