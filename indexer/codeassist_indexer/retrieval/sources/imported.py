"""Definitions of what the current file imports and names: signatures and class skeletons, the used ones first.

How an import leads to a file is its language's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from codeassist.request import CompletionRequest
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.registry import files_of_import, imports_of_language, language_at
from codeassist_indexer.open_document.reader import READER
from codeassist_indexer.retrieval.query.cursor import taken_of
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import Definition, PathReader, definitions_in_files, imports_in_files

_IMPORT_TAIL_LINES = 60
_MAX_DEFINITIONS = 40
_MAX_REEXPORTS = 4
_number = itemgetter(0)
FAR = 1_000
"""The distance of what is not named near the cursor; what stands further down in the file is further still."""


@dataclass(frozen=True, slots=True)
class ResolvedImport:
    """An import of the request's file, with the files in which the name may be defined, the likeliest first."""

    imported: Import
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundDefinition:
    """A definition that the request's file imports or uses; `distance` is that of the nearest line naming it.

    Distances count non-blank lines from the cursor's; -1 is the type of what stands before the dot at the cursor, and
    from FAR on the name does not stand near the cursor. `origin` is for people.
    """

    definition: Definition
    distance: int
    origin: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A name to look up in some files. A lower `distance` is nearer to the cursor; `origin` is for people."""

    name: str
    paths: tuple[str, ...]
    distance: int
    origin: str


def resolved_imports(
    index: PathReader, path: str, language: str, imports: Sequence[Import]
) -> tuple[ResolvedImport, ...]:
    """Return what the file `path` imports, in its order, with the files that each import means here."""
    rules = imports_of_language(language)
    if rules is None:
        return ()
    if rules.read_ahead is not None:
        rules.read_ahead(index, imports)
    return tuple(ResolvedImport(each, tuple(rules.files(index, path, each))) for each in imports)


def find_wanted(store: Store, paths: PathReader, own_path: str, wanted: Iterable[Wanted]) -> Iterator[FoundDefinition]:
    """Yield the definitions of what is wanted, the nearest first, each once; none from `own_path`."""
    nearest_first = sorted(wanted, key=lambda want: want.distance)
    definition_lookup = DefinitionLookup(store, paths, own_path)
    definition_lookup.read([(want.name, want.paths) for want in nearest_first])
    found: set[int] = set()
    for want in nearest_first:
        for definition in definition_lookup.definitions(want.name, want.paths):
            if definition.symbol_id not in found:
                found.add(definition.symbol_id)
                yield FoundDefinition(definition, want.distance, want.origin)
        if len(found) >= _MAX_DEFINITIONS:
            break


def imports_of(request: CompletionRequest) -> Sequence[Import]:
    """Return the imports of the text as it is now, without the line under the cursor: it is not finished."""
    text = request.prefix.rpartition("\n")[0] + "\n" + request.suffix.partition("\n")[2]
    language = language_at(request)
    rules = imports_of_language(language)
    if rules is None:
        return ()
    last = max((match.end() - 1 for match in rules.line.finditer("\n" + text)), default=-1)
    called = text.rfind(rules.call) if rules.call is not None else -1
    if rules.call is not None and called >= 0:
        last = max(last, called + len(rules.call))
    if last < 0:
        return ()
    # An import may go on over several lines. What stands below need not be parsed at every keystroke.
    end = last
    is_one_line = rules.is_one_line is not None and rules.is_one_line(text[last : text.find("\n", last) + 1])
    for _ in range(1 if is_one_line else _IMPORT_TAIL_LINES):
        end = text.find("\n", end + 1)
        if end < 0:
            break
    return READER.imports(request.path, text[:end] if end > 0 else text, language) or ()


def wanted_imports(
    request: CompletionRequest, imports: Sequence[ResolvedImport], distances: Mapping[str, int]
) -> Iterator[Wanted]:
    """Yield what the imports name, and what the file takes from modules that it imports as a whole."""
    text = request.prefix + request.suffix
    for each in imports:
        imported, paths = each.imported, each.paths
        if not paths:
            continue
        origin = f"imported in line {imported.line}"
        bound = imported.alias or imported.name
        if imported.name not in ("", "*"):
            distance = distances.get(bound, FAR + imported.line)
            # A default export is usually imported by the name that it has at home.
            yield Wanted(bound if imported.name == "default" else imported.name, paths, distance, origin)
            ends = (f"/{imported.name}.", f"/{imported.name}/mod.")
            if any(end in f"/{path}" for path in paths for end in ends):  # a submodule: what is taken from it
                yield from _wanted_members(bound, paths, distances, text, origin)
        elif imported.name == "" and bound:
            yield from _wanted_members(bound, paths, distances, text, origin)
            last = imported.module.rpartition(".")[2]
            if last != bound:  # `import a.b` binds `a`; what is used is `a.b.name`
                yield from _wanted_members(last, paths, distances, text, origin)
        if imported.name == "*":
            for name, distance in distances.items():
                yield Wanted(name, paths, distance, origin)


def _wanted_members(
    module: str, paths: tuple[str, ...], distances: Mapping[str, int], text: str, origin: str
) -> Iterator[Wanted]:
    """What the file takes from a module by `module.name`."""
    for name in dict.fromkeys(taken_of(text, module)):
        yield Wanted(name, paths, distances.get(name, FAR), origin)


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
