"""C#: projects that a repository's project files refer to. Packages of NuGet hold no sources: none is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths
from codeassist_indexer.libraries.manifests import changed, inside, manifests, path_named, text_of
from codeassist_indexer.libraries.package import InstalledPackage

_FILES = (".csproj", ".sln", ".slnx", ".props", ".targets")
_MOST_CHARS = 256 << 10
_REFERENCE = re.compile(
    r"<(?:ProjectReference|Project)\s[^<>]{0,300}?(?:Include|Path)\s{0,9}=\s{0,9}[\"']([^\"'<>\n]{1,300})[\"']"
)
_OF_SOLUTION = re.compile(r'^Project\("[^"\n]{0,60}"\) = "[^"\n]{0,200}", "([^"\n]{1,300}\.csproj)"', re.MULTILINE)


class DotnetInstallation:
    """The projects of a repository in C#, and those that they refer to."""

    ecosystem = "dotnet"

    def __init__(self, root: Path) -> None:
        self._root = root

    def stamp(self) -> str:
        """Return the project files with the times of their changes."""
        return "\n".join(changed(self._files))

    def projects(self) -> Sequence[Path]:
        """Return the folders of projects outside of the repository that are referred to."""
        found: list[Path] = []
        for file in self._files:
            text = text_of(file)[:_MOST_CHARS]
            for written in (*_REFERENCE.findall(text), *_OF_SOLUTION.findall(text)):
                path = path_named(file.parent, written)
                if path is not None and path.suffix == ".csproj" and inside(self._root, path) is None:
                    found.append(path.parent)
        return list(dict.fromkeys(found))

    def provides(self, index: IndexedPaths, imported: Sequence[tuple[str, str]]) -> Mapping[str, Mapping[str, str]]:
        """Return the namespaces, and the types that are imported like one, which files of the repository declare."""
        found: dict[str, Mapping[str, str]] = {}
        for module in dict.fromkeys(module for module, _ in imported):
            namespace, _, name = module.rpartition(".")
            if module and (index.declaring(module) or (namespace and index.declaring(namespace, name))):
                found[module] = {}
        return found

    def packages(self, modules: Iterable[str]) -> Iterator[InstalledPackage]:
        """Yield nothing."""
        return iter(())

    @cached_property
    def _files(self) -> list[Path]:
        return manifests(self._root, (), _FILES)
