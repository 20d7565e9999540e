"""The databases of installed packages: one a package and version, in the user's cache, for all repositories.

Each is an index of its own without text: definitions and imports. A definition's number within one request counts from
its package's `first_number` on, so that no two are the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from cachetools import LRUCache
from platformdirs import user_cache_path

from codeassist_indexer.storage.library_rows import OWN, libraries_generation, library_rows
from codeassist_indexer.storage.store import Store, database_path

T = TypeVar("T")

_MOST_ANSWERS = 4_000
_NUMBERS_EACH = 1 << 40
_PROJECTS = "project/"  # what begins so is no package's
MADE_NUMBERS = 1 << 39
"""From here on, within a package, numbers are of what stands in no database: what was put together for one request."""
_UNUSED_S = 60 * 86_400.0


class LibraryAnswers:
    """What a package's database was asked before, which it will answer the same: it never changes. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: LRUCache[Hashable, Any] = LRUCache(_MOST_ANSWERS)

    def get(self, question: Hashable, ask: Callable[[], T]) -> T:
        """Return the answer to a question, which `ask` gives the first time."""
        with self._lock:
            if question in self._known:
                return self._known[question]
        answer = ask()
        with self._lock:
            self._known[question] = answer
        return answer


class NoAnswers(LibraryAnswers):
    """Keeps nothing: the index of a project changes."""

    def get(self, question: Hashable, ask: Callable[[], T]) -> T:
        """Ask each time."""
        return ask()


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """A package that a repository uses: `label` is for people ("httpx 0.28.1"), `entries` and
    `folder` as in `LibraryRow`.
    """

    label: str
    ecosystem: str
    store: Store
    first_number: int
    entries: Mapping[str, str]
    folder: str
    answers: LibraryAnswers


@dataclass(frozen=True, slots=True)
class LibrarySet:
    """The packages that a repository uses, by ecosystem and the name that imports call them by, as of one moment."""

    by_module: Mapping[tuple[str, str], tuple[Library, ...]] = field(
        default_factory=lambda: MappingProxyType(dict[tuple[str, str], tuple[Library, ...]]())
    )
    by_number: tuple[Library, ...] = ()

    def of_number(self, number: int) -> Library | None:
        """Return the package of a definition; None: it is one of the repository's own."""
        place = number // _NUMBERS_EACH
        return self.by_number[place - 1] if place else None


NO_LIBRARIES = LibrarySet()


def libraries_folder(cache_folder: Path | None = None) -> Path:
    """Return the folder of all databases of packages."""
    return (cache_folder if cache_folder is not None else user_cache_path("codeassist")) / "libraries"


def library_database(folder: Path, name: str) -> Path:
    """Return where the database of a name in `LibraryRow.database` stands."""
    if name.startswith(_PROJECTS):
        return folder.parent / "index" / name.removeprefix(_PROJECTS) / "index.db"
    return folder / name / "index.db"


def project_database(root: Path) -> str:
    """Return what `LibraryRow.database` calls the index of another repository of the user's."""
    return f"{_PROJECTS}{database_path(root, Path()).parent.name}"


class LibraryStores:
    """Opens the databases that a repository's index names, each when it is first asked. For any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._opened: dict[str, tuple[Store, LibraryAnswers]] = {}
        self._known: tuple[int, LibrarySet] | None = None

    def of(self, store: Store) -> LibrarySet:
        """Return the packages of the repository that `store` is the index of. Raises as `Store.query`."""
        generation = libraries_generation(store)
        with self._lock:
            if self._known is None or self._known[0] != generation:
                self._known = (generation, self._read(store))
            return self._known[1]

    def close(self) -> None:
        """Close all of them. They open again when they are next asked."""
        with self._lock:
            for store, _ in self._opened.values():
                store.close()

    def _read(self, store: Store) -> LibrarySet:
        by_module: dict[tuple[str, str], tuple[Library, ...]] = {}
        libraries: dict[str, Library] = {}
        for row in library_rows(store):
            if row.database == OWN:
                continue
            library = libraries.get(row.database)
            if library is None:
                opened = self._opened.get(row.database)
                if opened is None:
                    path = library_database(self._folder, row.database)
                    opened = self._opened[row.database] = (
                        Store(path, is_read_only=True),
                        NoAnswers() if row.database.startswith(_PROJECTS) else LibraryAnswers(),
                    )
                first_number = (len(libraries) + 1) * _NUMBERS_EACH
                label = f"{row.package} {row.version}".strip()
                library = libraries[row.database] = Library(
                    label, row.ecosystem, opened[0], first_number, row.entries, row.folder, opened[1]
                )
            key = (row.ecosystem, row.module)
            by_module[key] = (*by_module.get(key, ()), library)
        return LibrarySet(by_module, tuple(libraries.values()))


def unused_databases(folder: Path) -> list[Path]:
    """Return the folders of databases that no repository has asked to be kept for two months (`note_use`)."""
    limit_s = time.time() - _UNUSED_S
    return [path.parent for path in folder.glob("*/*/index.db") if path.stat().st_mtime < limit_s]
