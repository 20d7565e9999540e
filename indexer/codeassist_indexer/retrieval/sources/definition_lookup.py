"""Where names that modules define or hand on are defined, many names asked about at once.

Knows no request and no order among names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.registry import files_of_import
from codeassist_indexer.storage.path_reader import PathReader
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import Definition, definitions_in_files, imports_in_files

_MAX_REEXPORTS = 4
_number = itemgetter(0)

_Lookup = tuple[str, tuple[str, ...]]
"""A name, and the files in which it may be defined."""


_Reexport = tuple[int, Import, Sequence[str]]
"""An import, by its number in the index, and the files that it means."""


class DefinitionLookup:
    """Answers which top-level definitions files have of a name, or where these import it from; none in `own_path`.

    `read` asks about many names with two queries a step of imports; what was not read is asked when it is needed.
    """

    def __init__(self, store: Store, paths: PathReader, own_path: str) -> None:
        self._store = store
        self._paths = paths
        self._own_path = own_path
        self._read: list[tuple[frozenset[str], frozenset[str]]] = []
        self._defined: dict[tuple[str, str], list[Definition]] = {}
        self._read_imports: list[tuple[frozenset[str], frozenset[str]]] = []
        self._imports: dict[str, dict[int, tuple[str, Import]]] = {}
        self._files: dict[int, list[str]] = {}
        self._by_paths: dict[tuple[str, ...], dict[str, list[_Reexport]]] = {}

    def read(self, lookups: Iterable[_Lookup]) -> None:
        """Read what `definitions` will be asked about these."""
        step = list(dict.fromkeys(lookups))
        for depth in range(_MAX_REEXPORTS + 1):
            step = [lookup for lookup in step if lookup[1]]
            if not step:
                return
            self._read_definitions(step)
            unknown = [lookup for lookup in step if not self._defined_in(*lookup)]
            if depth == _MAX_REEXPORTS or not unknown:
                return
            self._read_reexports(unknown)
            step = list(dict.fromkeys(source for lookup in unknown for source in self._reexports(*lookup)))

    def definitions(self, name: str, paths: tuple[str, ...], depth: int = _MAX_REEXPORTS) -> list[Definition]:
        """Return the top-level definitions of `name` in `paths`, or where these import it from."""
        if not paths:
            return []
        lookup = (name, paths)
        if not _is_known(self._read, lookup):
            self._read_definitions([lookup])
        found = self._defined_in(name, paths)
        if found or depth == 0:
            return found
        if not _is_known(self._read_imports, lookup):
            self._read_reexports([lookup])
        for source in self._reexports(name, paths):
            found = self.definitions(*source, depth - 1)
            if found:
                return found
        return []

    def _defined_in(self, name: str, paths: Sequence[str]) -> list[Definition]:
        if len(paths) == 1:
            return self._defined.get((name, paths[0]), [])
        return [each for path in sorted(set(paths)) for each in self._defined.get((name, path), ())]

    def _reexports(self, name: str, paths: tuple[str, ...]) -> list[_Lookup]:
        """Return which name in which files each import of `paths` may mean by `name`."""
        found = self._imports_of(paths)
        if not found:
            return []
        return [
            (name if imported.name == "*" else imported.name, tuple(file for file in files if file not in paths))
            for _, imported, files in sorted((*found.get(name, ()), *found.get("*", ())), key=_number)
            if imported.name
        ]

    def _imports_of(self, paths: tuple[str, ...]) -> Mapping[str, Sequence[_Reexport]]:
        """Return what was read of the imports of `paths`, by the name that they bind, "*" for all of a module's."""
        known = self._by_paths.get(paths)
        if known is None:
            known = self._by_paths[paths] = {}
            for path in set(paths):
                for number, (language, imported) in self._imports.get(path, {}).items():
                    files = self._files.get(number)
                    if files is None:
                        files = self._files[number] = files_of_import(self._paths, path, language, imported)
                    known.setdefault("*" if imported.name == "*" else imported.alias, []).append(
                        (number, imported, files)
                    )
        return known

    def _read_definitions(self, lookups: Sequence[_Lookup]) -> None:
        names, paths = _names_and_paths(lookups)
        # The plus keeps SQLite from going through all definitions of a common name.
        self._defined.update(definitions_in_files(self._store, names, paths, self._own_path))
        self._read.append((names, paths))

    def _read_reexports(self, lookups: Sequence[_Lookup]) -> None:
        names, paths = _names_and_paths(lookups)
        for each in imports_in_files(self._store, names, paths):
            self._imports.setdefault(each.path, {})[each.import_id] = (each.language, each.imported)
        self._read_imports.append((names, paths))
        self._by_paths.clear()


def _names_and_paths(lookups: Sequence[_Lookup]) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(name for name, _ in lookups), frozenset(path for _, paths in lookups for path in paths)


def _is_known(read: Sequence[tuple[frozenset[str], frozenset[str]]], lookup: _Lookup) -> bool:
    name, paths = lookup
    return any(name in names and known.issuperset(paths) for names, known in read)
