"""Definitions of installed packages that the file imports, as candidates: what it names near the cursor, and what is
called there.

A package is asked only for what its import names; what it hands on from another one is looked up there. Which packages
there are, the repository's index says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.registry import comment_prefix, imports_of_language
from codeassist_indexer.languages.spec import LibraryImports
from codeassist_indexer.retrieval.sources.candidate import Hit
from codeassist_indexer.retrieval.sources.definitions import has_members
from codeassist_indexer.retrieval.sources.imported import FAR, ResolvedImport, Wanted, wanted_imports
from codeassist_indexer.retrieval.sources.library_reader import LibraryReader
from codeassist_indexer.retrieval.sources.receivers import Place, Receivers
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.storage.library_stores import Library
from codeassist_indexer.storage.symbol_reader import Definition

_MOST_WANTED = 60
_MOST_STEPS = 3  # from package to package that hands a name on
_MOST_FAR = 6  # imported by name, and not named near the cursor
_MOST_TYPES = 8  # whose members are looked through
_MOST_NAMES_OF_MODULE = 60
_CHAIN = r"((?:[^\W\d]\w*\s*(?:\.|::)\s*)*[^\W\d]\w*)"
_CALL = re.compile(rf"(?:(?<![\w.)\]])(?<!::){_CHAIN}\s*(?:\.|::)\s*)?([^\W\d]\w*)\s*\((?:[^()]|\([^()]*\))*$")
_AFTER_DOT = re.compile(rf"(?<![\w.)\]])(?<!::){_CHAIN}\s*(?:\.|::)\s*\w*$")
_MOST_TEXT_CHARS = 6_000  # before the cursor, in which packages are named without an import
_MOST_HEAD_CHARS = 300  # of the cursor's line: a pattern that begins with a chain tries each of its names


@dataclass(frozen=True, slots=True)
class _Found:
    reader: LibraryReader
    definition: Definition
    distance: int
    origin: str


def definitions_of_libraries(context: RetrievalContext) -> Iterator[Hit]:
    """Yield definitions of packages that the file imports, those used near the cursor first."""
    imports = imports_of_language(context.language)
    rules = None if imports is None else imports.libraries
    if rules is None or not context.libraries.by_number:
        return
    search = _Search(context, rules)
    nearest = sorted(search.found(), key=lambda each: each.distance)
    for each in [*search.at_receiver(nearest), *search.module_before_dot(), *nearest]:
        context.keep((each.definition,))
        near = each.distance if each.distance < FAR else None
        reason = f"defines {each.definition.qualified_name}, {each.origin}"
        yield Hit("skeleton", each.definition.symbol_id, 1 / (2 + each.distance), reason, near)


class _Search:
    """What one request asks of the packages that its file imports."""

    def __init__(self, context: RetrievalContext, rules: LibraryImports) -> None:
        self._context = context
        self._rules = rules
        self._readers: dict[int, LibraryReader] = {}
        self._head = context.around.line_head[-_MOST_HEAD_CHARS:]
        self._called = _CALL.search(self._head)
        self._resolved = self._resolve()

    def found(self) -> Iterator[_Found]:
        """Yield what the imports name, and what the file takes of modules; of what is far only some."""
        asked = self._asked()
        seen: set[int] = set()
        num_far = 0
        for _ in range(_MOST_STEPS):
            elsewhere: list[tuple[LibraryReader, list[Wanted]]] = []
            for reader, wanted in asked:
                if self._context.deadline.cuts_short():
                    return
                with self._context.deadline.stops_queries(reader.library.store):
                    definitions = reader.definitions((want.name, want.paths) for want in wanted)
                    for want in wanted:
                        found = definitions[want.name, want.paths]
                        if not found and want.distance < FAR:
                            elsewhere += self._handed_on(reader, want)
                        for each in found:
                            num_far += want.distance >= FAR
                            if each.symbol_id not in seen and (want.distance < FAR or num_far <= _MOST_FAR):
                                seen.add(each.symbol_id)
                                yield _Found(reader, each, want.distance, f"of {reader.library.label}, {want.origin}")
            asked = elsewhere

    def at_receiver(self, found: Sequence[_Found]) -> Iterator[_Found]:
        """Yield the type of what stands before the dot at the cursor, or the member of it that is called there.

        Where that is not known, the members of the called name that types have which were found.
        """
        after = _AFTER_DOT.search(self._head)
        chain = after[1] if after is not None else self._called[1] if self._called is not None else None
        if chain is None or chain in ("self", "cls", "this"):
            return
        text = self._context.request.prefix
        receivers = Receivers(text, self._imported, self._defined, self._rules.is_typed_before)
        receiver = receivers.type_of(chain)
        if receiver is None:
            yield from self.called_members(found)
        elif after is not None:
            self._context.offered[receiver.definition.symbol_id] = receivers.member_names(receiver)
            yield self._of_receiver(receiver, -1, f"the type of {chain}")
        elif self._called is not None:
            member = receivers.member(receiver, self._called[2])
            if member is not None:
                yield self._of_receiver(member, 0, "called here")

    def _of_receiver(self, place: Place, distance: int, what: str) -> _Found:
        return _Found(place.reader, place.definition, distance, f"{what}, of {place.reader.library.label}")

    def _imported(self, parts: Sequence[str]) -> tuple[Place | None, int]:
        """Return what the beginning of a chain means by the file's imports, and how many of its parts that took."""
        for reader, resolved in self._resolved:
            for each in resolved:
                imported = each.imported
                if imported.alias == parts[0] and imported.name not in ("", "*"):
                    # A default export is usually imported by the name that it has at home.
                    name = imported.alias if imported.name == "default" else imported.name
                    found = self._defined(reader, name, each.paths)
                    if found:
                        return found[0], 1
                bound = imported.alias or imported.module
                module = [bound] if bound == imported.alias else bound.split(".")
                is_module = imported.name == "" or _is_submodule(imported, each.paths)
                if is_module and list(parts[: len(module)]) == module and len(parts) > len(module):
                    paths = each.paths[-1:] if imported.name else each.paths
                    found = self._defined(reader, parts[len(module)], paths)
                    if found:
                        return found[0], len(module) + 1
        return None, 0

    def _defined(self, reader: LibraryReader, name: str, paths: tuple[str, ...]) -> list[Place]:
        """Return what a name means in files of a package, or in the one that they have it from."""
        step = [(reader, name, paths)]
        for _ in range(_MOST_STEPS):
            further: list[tuple[LibraryReader, str, tuple[str, ...]]] = []
            for here, wanted, files in step:
                with self._context.deadline.stops_queries(here.library.store):
                    found = here.definitions([(wanted, files)])[wanted, files]
                    if found:
                        return [Place(here, each) for each in found]
                    want = Wanted(wanted, files, 0, "")
                    further += [(other, w.name, w.paths) for other, ws in self._handed_on(here, want) for w in ws]
            step = further
        return []

    def called_members(self, found: Sequence[_Found]) -> Iterator[_Found]:
        """Yield the members that may be what is called at the cursor, of any type that was found."""
        if self._called is None or not self._called[1]:
            return
        types = [each for each in found if has_members(each.definition)]
        known = [each for each in types if each.distance < 0]
        for each in (known or types)[:_MOST_TYPES]:
            with self._context.deadline.stops_queries(each.reader.library.store):
                for member in each.reader.members(each.definition, self._called[2]):
                    yield _Found(each.reader, member, 0, f"called here, of {each.reader.library.label}")

    def module_before_dot(self) -> Iterator[_Found]:
        """Yield what a module offers if the cursor stands after its dot: names, which take less than what they are."""
        after = _AFTER_DOT.search(self._head)
        if after is None:
            return
        for reader, resolved in self._resolved:
            for each in resolved:
                imported = each.imported
                is_module = imported.name == "" or _is_submodule(imported, each.paths)
                bound = imported.alias or imported.module.rpartition(".")[2]
                if is_module and after[1] in (bound, imported.module.rpartition(".")[2]):
                    yield from self._names(reader, imported, each.paths)

    def _names(self, reader: LibraryReader, imported: Import, paths: tuple[str, ...]) -> Iterator[_Found]:
        paths = paths[-1:] if imported.name else paths
        with self._context.deadline.stops_queries(reader.library.store):
            names = reader.names(imported.module, paths)
        known = self._context.distances
        listed = sorted(names, key=lambda name: name not in known)[:_MOST_NAMES_OF_MODULE]
        if listed:
            module = f"{imported.module}.{imported.name}" if imported.name else imported.module
            text = f"{comment_prefix(self._context.language)} {module} has {', '.join(listed)}"
            origin = f"of {reader.library.label}, imported in line {imported.line}"
            yield _Found(reader, reader.module(paths, text, module), 0, origin)

    def _asked(self) -> list[tuple[LibraryReader, list[Wanted]]]:
        context = self._context
        distances = context.distances
        asked: list[tuple[LibraryReader, list[Wanted]]] = []
        for reader, resolved in self._resolved:
            wanted = sorted(wanted_imports(context.request, resolved, distances), key=lambda want: want.distance)
            asked.append((reader, wanted[:_MOST_WANTED]))
        return asked

    def _resolve(self) -> list[tuple[LibraryReader, list[ResolvedImport]]]:
        """Return each package that the file imports, with these imports and the package's files that they mean."""
        resolved: dict[int, list[ResolvedImport]] = {}
        imports = [each.imported for each in self._context.imports]
        if self._rules.named_by_path is not None:
            imports += self._rules.named_by_path(self._context.request.prefix[-_MOST_TEXT_CHARS:])
        for imported in imports:
            for library in self._libraries(imported.module):
                reader = self._reader(library)
                with self._context.deadline.stops_queries(library.store):
                    paths = reader.files(imported)
                if paths:
                    resolved.setdefault(library.first_number, []).append(ResolvedImport(imported, paths))
        return [(self._readers[number], imports) for number, imports in resolved.items()]

    def _handed_on(self, reader: LibraryReader, want: Wanted) -> Iterator[tuple[LibraryReader, list[Wanted]]]:
        """Yield what a package only hands on, as questions to the packages that define it."""
        for module, name in reader.ways_out(want.name, want.paths):
            for library in self._libraries(module):
                if library is not reader.library:
                    other = self._reader(library)
                    paths = other.files(Import(module, name, name, 0))
                    if paths:
                        yield other, [Wanted(name, paths, want.distance, want.origin)]

    def _libraries(self, module: str) -> Sequence[Library]:
        key = (self._rules.ecosystem, self._rules.package_of(module))
        return self._context.libraries.by_module.get(key, ())

    def _reader(self, library: Library) -> LibraryReader:
        reader = self._readers.get(library.first_number)
        if reader is None:
            reader = self._readers[library.first_number] = LibraryReader(library, self._rules)
        return reader


def _is_submodule(imported: Import, paths: Sequence[str]) -> bool:
    if imported.name == "*" or not paths:
        return False
    return f"/{imported.name}." in f"/{paths[-1]}".replace("/__init__.", ".").replace("/mod.rs", ".")
