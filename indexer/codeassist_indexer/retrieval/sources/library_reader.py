"""One installed package, asked for one request: the files that imports mean, definitions, members, names of modules.

Answers are kept: the database of a package's version never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.registry import files_of_import
from codeassist_indexer.languages.spec import LibraryImports
from codeassist_indexer.retrieval.sources.definitions import may_be_used
from codeassist_indexer.retrieval.sources.handed_on import ways_out
from codeassist_indexer.retrieval.sources.imported import DefinitionLookup
from codeassist_indexer.retrieval.sources.library_skeletons import without_overloads
from codeassist_indexer.storage.library_stores import MADE_NUMBERS, Library
from codeassist_indexer.storage.library_symbols import member_definitions, names_of_members, offered_names
from codeassist_indexer.storage.symbol_reader import Definition, PathReader, imports_in_files, read_members

_MOST_STARS = 12
_Lookup = tuple[str, tuple[str, ...]]


class LibraryReader:
    """Asks one package. Definitions come with the numbers that they have within a request."""

    def __init__(self, library: Library, rules: LibraryImports) -> None:
        self.library = library
        self._rules = rules
        self._paths = PathReader(library.store)

    def files(self, imported: Import) -> tuple[str, ...]:
        """Return the files in which an imported name may be defined, the likeliest first."""
        return self.library.answers.get(
            ("files", imported.module, imported.name),
            lambda: tuple(self._rules.files(self._paths, self.library.entries, imported)),
        )

    def definitions(self, lookups: Iterable[_Lookup]) -> Mapping[_Lookup, Sequence[Definition]]:
        """Return the definitions of names in files, or where these import them from within the package."""
        store, answers = self.library.store, self.library.answers
        lookup: DefinitionLookup | None = None
        found: dict[_Lookup, Sequence[Definition]] = {}
        wanted = list(dict.fromkeys(lookups))

        def ask(name: str, paths: tuple[str, ...]) -> Sequence[Definition]:
            nonlocal lookup
            if lookup is None:
                lookup = DefinitionLookup(store, self._paths, "")
                lookup.read(wanted)
            return tuple(without_overloads(lookup.definitions(name, paths)))

        for name, paths in wanted:
            known = answers.get(("definitions", name, paths), lambda n=name, p=paths: ask(n, p))
            found[name, paths] = [self._numbered(each) for each in known]
        return found

    def ways_out(self, name: str, paths: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        """Return module and name of the imports by which files hand a name on from another package."""
        return self.library.answers.get(("out", name, paths), lambda: tuple(ways_out(self.library.store, name, paths)))

    def beside(self, path: str) -> tuple[str, ...]:
        """Return the files in which names of a file are defined without an import: itself, or all of its folder."""
        if not self._rules.joins_files:
            return (path,)
        folder, _, name = path.rpartition("/")
        end = name[name.rfind(".") :]
        return self.library.answers.get(
            ("beside", path), lambda: tuple(each for each in self._paths.in_folder(folder) if each.endswith(end))
        )

    def members(self, owner: Definition, name: str) -> Sequence[Definition]:
        """Return the members of a type that have this name."""
        found = self.library.answers.get(
            ("members", owner.path, owner.qualified_name, name),
            lambda: tuple(
                without_overloads(
                    member_definitions(self.library.store, self.beside(owner.path), owner.qualified_name, name)
                )
            ),
        )
        return [self._numbered(each) for each in found]

    def member_names(self, owner: Definition) -> Sequence[str]:
        """Return the public names of a type's members, in their order."""
        local = owner.symbol_id - self.library.first_number
        found = self.library.answers.get(
            ("member names", local),
            lambda: (
                *(each.name for each in read_members(self.library.store, [local])[local] if may_be_used(each)),
                *self._names_beside(owner),
            ),
        )
        return [name for name in dict.fromkeys(found) if not name.startswith("_") and name != "constructor"]

    def names(self, module: str, paths: tuple[str, ...]) -> Sequence[str]:
        """Return the public names of a module, those too that it has from modules of its package by a star."""
        return self.library.answers.get(("names", paths), lambda: self._names(module, paths))

    def module(self, paths: tuple[str, ...], text: str, name: str) -> Definition:
        """Return a module as something to show: `text` is all of it."""
        number = self.library.first_number + MADE_NUMBERS + len(paths[0])
        return Definition(number, paths[0], self._language, name, name, "module", text, "", (), 0, 1, 2)

    @property
    def _language(self) -> str:
        return self._rules.ecosystem

    def _names(self, module: str, paths: tuple[str, ...]) -> Sequence[str]:
        store, package = self.library.store, self._rules.package_of(module)
        files = list(paths if self._rules.joins_files else paths[:1])
        pending = list(files)
        while pending and len(files) < _MOST_STARS:
            for each in imports_in_files(store, [], [pending.pop(0)]):
                for path in files_of_import(self._paths, each.path, each.language, each.imported)[:1]:
                    if path not in files:
                        files.append(path)
                        pending.append(path)
        return tuple(dict.fromkeys(name for path in files for name in offered_names(store, path, package)))

    def _names_beside(self, owner: Definition) -> Sequence[str]:
        others = [path for path in self.beside(owner.path) if path != owner.path]
        return names_of_members(self.library.store, others, owner.qualified_name) if others else ()

    def _numbered(self, definition: Definition) -> Definition:
        return replace(definition, symbol_id=self.library.first_number + definition.symbol_id)
