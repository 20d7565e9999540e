"""The packages that a repository imports, found and put into their databases, and noted in the repository's index.

For idle time: it may take seconds a package, the first time that any repository uses it. Packages that only hand on
what the repository imports from another one are taken in too.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codeassist.errors import CodeAssistError, IndexCorrupt
from codeassist_indexer.ingest.library_files import (
    database_name,
    fill,
    listed_files,
    listing_of,
    note_use,
    read_files,
)
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.registry import LANGUAGES
from codeassist_indexer.languages.spec import LibraryImports
from codeassist_indexer.libraries.installed import ECOSYSTEMS
from codeassist_indexer.libraries.package import Installation, InstalledPackage
from codeassist_indexer.retrieval.sources.handed_on import ways_out
from codeassist_indexer.storage.library_rows import (
    OWN,
    LibraryRow,
    imported_names,
    library_rows,
    scanned,
    write_libraries,
)
from codeassist_indexer.storage.library_stores import library_database, project_database, unused_databases
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import PathReader

log = logging.getLogger(__name__)

MAX_PACKAGES = 120
"""Of one ecosystem in one repository."""
_MOST_STEPS = 3  # from package to package that hands a name on


@dataclass(frozen=True, slots=True)
class LibraryUpdate:
    """How an update of libraries goes on: `num_done` of `num_total` packages, and what the next one is called."""

    num_done: int
    num_total: int
    label: str


def update_libraries(
    store: Store,
    root: Path,
    folder: Path,
    breathe: Callable[[], None] = lambda: None,
    progress: Callable[[LibraryUpdate], None] = lambda update: None,
    in_background: bool = False,
    projects: Sequence[Path] = (),
) -> bool:
    """Bring the packages of the repository at `root`, whose index is `store`, up to date; say whether any changed.

    `folder` holds the databases of packages. `breathe` is called often, and may raise: what was done until then stays.
    `projects` are repositories that are worked in beside this one: where this one imports a package of theirs, their
    own index is asked, if there is one. `in_background` gives the work the least share of the cores. Raises
    CodeAssistError where the index cannot be read or written.
    """
    has_changed = False
    for ecosystem, open_installation in ECOSYSTEMS.items():
        languages = [name for name in LANGUAGES if _rules(name, ecosystem) is not None]
        rules = next(found for name in languages if (found := _rules(name, ecosystem)) is not None)
        names = [(module, name) for module, name in imported_names(store, languages) if rules.package_of(module)]
        if not names and scanned(store, ecosystem) is None:
            continue
        installation = open_installation(root)
        beside = [*installation.projects(), *projects]
        update = _EcosystemUpdate(store, root, folder, installation, beside, rules, breathe, progress, in_background)
        has_changed |= update.run(names)
    if has_changed:
        for path in unused_databases(folder):
            shutil.rmtree(path, ignore_errors=True)
    return has_changed


def _rules(language: str, ecosystem: str) -> LibraryImports | None:
    imports = LANGUAGES[language].imports
    rules = None if imports is None else imports.libraries
    return rules if rules is not None and rules.ecosystem == ecosystem else None


class _EcosystemUpdate:
    """One update of one ecosystem's packages."""

    def __init__(
        self,
        store: Store,
        root: Path,
        folder: Path,
        installation: Installation,
        projects: Sequence[Path],
        rules: LibraryImports,
        breathe: Callable[[], None],
        progress: Callable[[LibraryUpdate], None],
        in_background: bool,
    ) -> None:
        self._store = store
        self._folder = folder
        self._installation = installation
        self._rules = rules
        self._breathe = breathe
        self._progress = progress
        self._in_background = in_background
        self._known = {row.listing: row for row in library_rows(store)}
        self._root = root
        self._projects = projects
        self._built: dict[str, tuple[InstalledPackage, str, str]] = {}  # by label: package, database, listing

    def run(self, imported: Sequence[tuple[str, str]]) -> bool:
        """Take in what the imports need; say whether the repository's packages are others than before."""
        ecosystem = self._installation.ecosystem
        own = self._installation.provides(PathReader(self._store), imported)
        names = [(module, name) for module, name in imported if self._rules.package_of(module) not in own]
        near = [*self._own_rows(own), *self._project_rows(names)]
        asked = (f"{module} {name}" for module, name in names)
        stamp = _digest([self._installation.stamp(), *map(str, near), *asked])
        if scanned(self._store, ecosystem) == stamp and self._are_there(ecosystem):
            return False
        wanted = list(names)
        for _ in range(_MOST_STEPS):
            self._take_in(dict.fromkeys(module for module, _ in wanted))
            wanted = list(dict.fromkeys(self._handed_on(wanted)))
            if not wanted:
                break
        rows = [*near, *self._rows()]
        before = [row for row in library_rows(self._store) if row.ecosystem == ecosystem]
        write_libraries(self._store, ecosystem, stamp, rows)
        return rows != before

    def _are_there(self, ecosystem: str) -> bool:
        rows = [row for row in library_rows(self._store) if row.ecosystem == ecosystem and row.database != OWN]
        databases = {library_database(self._folder, row.database) for row in rows}
        if not all(map(_is_usable, databases)):
            return False
        for path in databases:
            note_use(path)
        return True

    def _take_in(self, modules: Iterable[str]) -> None:
        packages = [each for each in self._installation.packages(modules) if each.label not in self._built]
        packages = packages[: max(0, MAX_PACKAGES - len(self._built))]
        for number, package in enumerate(packages):
            self._breathe()
            self._progress(LibraryUpdate(number, len(packages), package.label))
            try:
                self._build(package)
            except (CodeAssistError, OSError) as error:
                if isinstance(error, CodeAssistError) and not isinstance(error, IndexCorrupt):
                    raise
                log.warning("%s is not searched: %s", package.label, error)

    def _build(self, package: InstalledPackage) -> None:
        listed = listed_files(package)
        listing = listing_of(package, listed)
        known = self._known.get(listing)
        if known is not None and _is_usable(library_database(self._folder, known.database)):
            note_use(library_database(self._folder, known.database))
            self._built[package.label] = (package, known.database, listing)
            return
        files = read_files(package, listed)
        name = database_name(package, files)
        path = library_database(self._folder, name)
        store = Store(path)
        try:
            if not _is_usable(path):
                store.rebuild()
                fill(store, files, self._breathe, self._in_background)
        finally:
            store.close()
        note_use(path)
        self._built[package.label] = (package, name, listing)

    def _own_rows(self, own: Mapping[str, Mapping[str, str]]) -> Iterator[LibraryRow]:
        """Yield a row for each name by which the repository's files import a project of the same repository."""
        ecosystem, folder = self._installation.ecosystem, str(self._root)
        for module, entries in own.items():
            if entries:
                yield LibraryRow(ecosystem, module, module, "", OWN, entries, folder, folder)

    def _project_rows(self, names: Sequence[tuple[str, str]]) -> Iterator[LibraryRow]:
        """Yield a row for each module that a project beside this one provides, by its own index."""
        ecosystem = self._installation.ecosystem
        opened = filter(None, map(self._opened, dict.fromkeys(self._projects)))
        for root in dict.fromkeys(opened):
            database = project_database(root)
            store = Store(library_database(self._folder, database), is_read_only=True)
            try:
                found = ECOSYSTEMS[ecosystem](root).provides(PathReader(store), names)
            finally:
                store.close()
            for module, entries in found.items():
                yield LibraryRow(ecosystem, module, root.name, "", database, entries, str(root), str(root))

    def _opened(self, project: Path) -> Path | None:
        """Return the repository that the user has opened in which a project lies; None: there is none.

        Whatever a file of the repository names as one: no folder above the repository, and nothing in it, counts.
        """
        try:
            own, path = self._root.resolve(), project.resolve()
        except (OSError, RuntimeError, ValueError):  # links in a circle; a name that no file can have
            return None
        if path.is_relative_to(own):
            return None
        for each in (path, *path.parents):
            if own.is_relative_to(each):
                return None
            if _is_usable(library_database(self._folder, project_database(each))):
                return each
        return None

    def _handed_on(self, names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Yield what packages that were taken in import themselves of the names that they are asked for."""
        by_module: dict[str, list[tuple[InstalledPackage, str]]] = {}
        for package, database, _ in self._built.values():
            for module in package.modules:
                by_module.setdefault(module, []).append((package, database))
        for module, name in names:
            for package, database in by_module.get(self._rules.package_of(module), ()):
                self._breathe()
                store = Store(library_database(self._folder, database), is_read_only=True)
                try:
                    paths = self._rules.files(PathReader(store), package.entries, Import(module, name, name, 0))
                    for out_module, out_name in ways_out(store, name, paths):
                        if self._rules.package_of(out_module) not in by_module:
                            yield out_module, out_name
                finally:
                    store.close()

    def _rows(self) -> Iterator[LibraryRow]:
        """Yield a row for each name that a package is imported by, the newer of package and stub first."""
        ordered = sorted(self._built.values(), key=lambda each: (not each[0].is_stub, each[0].label))
        versions = {
            module: _numbers(each.version) for each, _, _ in ordered if not each.is_stub for module in each.modules
        }
        late: list[LibraryRow] = []
        for package, database, listing in ordered:
            folder = str(package.root)
            for module in package.modules:
                row = LibraryRow(
                    package.ecosystem, module, package.name, package.version, database, package.entries, folder, listing
                )
                if package.is_stub and _numbers(package.version) < versions.get(module, []):
                    late.append(row)
                else:
                    yield row
        yield from late


def _is_usable(database: Path) -> bool:
    """Whether the database of a package is there and whole: it is filled at once, or not at all."""
    if not database.exists():
        return False
    store = Store(database, is_read_only=True)
    try:
        return store.num_files() > 0
    except IndexCorrupt:
        return False
    finally:
        store.close()


def _numbers(version: str) -> list[int]:
    """Return a version's first two numbers: a stub's others count its own releases."""
    return [int(part) for part in version.split(".")[:2] if part.isdigit()]


def _digest(parts: Iterable[str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()
