"""An installed package, and what finds those that imports mean. Values, and what each ecosystem answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """One version of a package as it lies on the disk.

    modules: the names that imports of it begin with (`Imports.libraries.package_of` gives such a name of an import).
    root: what its files lie below. files: source files, by the path that an import would spell ("httpx/_client.py")
    the path below `root`; `is_archive`: `root` is a jar that holds them. entries: where an
    ecosystem says so, the file that an import path of the package means.
    is_stub: it declares what another package of the same modules does.
    """

    ecosystem: str
    name: str
    version: str
    modules: tuple[str, ...]
    root: Path
    files: Mapping[str, str]
    entries: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    is_stub: bool = False
    is_archive: bool = False

    @property
    def label(self) -> str:
        """Return what people call it: "httpx 0.28.1"."""
        return f"{self.name} {self.version}".strip()


class Installation(Protocol):
    """Where the packages of one ecosystem lie that a repository uses. Reads the disk, and runs nothing."""

    @property
    def ecosystem(self) -> str:
        """The ecosystem's name, which `Imports.libraries` of its languages says too."""
        ...

    def stamp(self) -> str:
        """Return what is another text as soon as a package is installed, removed or replaced."""
        ...

    def projects(self) -> Sequence[Path]:
        """Return the folders of projects that are used as they lie on the disk, not as a copy of them.

        As files of the repository name them: they may lie anywhere, or nowhere.
        """
        ...

    def provides(self, index: IndexedPaths, imported: Sequence[tuple[str, str]]) -> Mapping[str, Mapping[str, str]]:
        """Return what of these imports (module and name) the repository itself provides, which `index` is the index of.

        By what `package_of` makes of the module: the entries, as `LibraryImports.files` wants them.
        """
        ...

    def packages(self, modules: Iterable[str]) -> Iterator[InstalledPackage]:
        """Yield the packages that imports of these modules, as they are written, may mean; each once."""
        ...
