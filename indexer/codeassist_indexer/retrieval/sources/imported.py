"""Definitions of what the current file imports and names: signatures and class skeletons, the used ones first.

Knows no ranking model and no budget; how an import leads to a file is its language's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from codeassist.request import CompletionRequest, Snippet
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.parsing.identifier_search import places_of, taken_of
from codeassist_indexer.languages.registry import imports_of_language, language_of
from codeassist_indexer.open_document.reader import READER
from codeassist_indexer.retrieval.query.cursor_query import CursorQuery
from codeassist_indexer.retrieval.sources.definition_lookup import DefinitionLookup
from codeassist_indexer.retrieval.sources.skeleton import render
from codeassist_indexer.storage.path_reader import PathReader, files_beside
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import Definition

_IMPORT_TAIL_LINES = 60
_MAX_DEFINITIONS = 40
FAR = 1_000
"""The distance of what is not named near the cursor; what stands further down in the file is further still."""

_RECEIVER_CHARS = 60_000
_TYPE_CHARS = 200
_MADE_OF = re.compile(r"\s*=\s*(?:await\s+|new\s+|&)?(?:[\w.]+\.)?([A-Z]\w*)\s*[({<]")
_DECLARED_AS = re.compile(r"\s*:\s*&?(?:mut\s+)?[\"']?(?:Optional\[)?(?:[\w.]+\.)?([A-Z]\w*)")
_TYPE_BEFORE = re.compile(r"\b([A-Z]\w*)(?:<[^<>\n]*>)?\s+\Z")
_AFTER_DECLARED = re.compile(r"\s*[=;,)]")
_RECEIVER = re.compile(r"([^\W\d]\w*)\s*(?:\.|->|::|\?\.)\s*\w*$")


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


def imported_definitions(store: Store, request: CompletionRequest, around: CursorQuery) -> list[Snippet]:
    """Return definitions in other files of names that the request's file imports, those used near the cursor first."""
    language = language_of(request.path) or ""
    distances = distances_near(request, around)
    paths = PathReader(store)
    imports = resolved_imports(paths, request.path, language, imports_of(request))
    wanted = [*wanted_imports(request, imports, distances)]
    rules = imports_of_language(language)
    if rules is not None and rules.sees_folder:
        wanted += _wanted_from_folder(store, request.path, distances, {each.imported.alias for each in imports})
    return [_snippet(store, found) for found in find_wanted(store, paths, request.path, wanted)]


def distances_near(request: CompletionRequest, around: CursorQuery) -> dict[str, int]:
    """Return each name near the cursor with its distance, as `FoundDefinition` has it."""
    distances = dict(around.distance_by_name())
    receiver_type = _receiver_type(request.prefix, around.line_head)
    if receiver_type is not None:
        distances[receiver_type] = -1
    return distances


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
    rules = imports_of_language(language_of(request.path))
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
    return READER.imports(request.path, text[:end] if end > 0 else text) or ()


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
            stem = f"/{imported.name}."
            if any(stem in f"/{path}" for path in paths):  # a submodule: what is taken from it
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


def _wanted_from_folder(store: Store, path: str, distances: Mapping[str, int], imported: set[str]) -> Iterator[Wanted]:
    paths = tuple(files_beside(store, path))
    for name, distance in distances.items():
        if paths and name not in imported:
            yield Wanted(name, paths, distance, "in the same package")


def _receiver_type(prefix: str, line_head: str) -> str | None:
    """Return the name of what stands before the dot at the cursor: the type it was made of or declared with."""
    match = _RECEIVER.search(line_head)
    if match is None:
        return None
    name, text = match.group(1), prefix[-_RECEIVER_CHARS:]
    found: dict[int, str] = {}
    for at in places_of(text, name):
        end = at + len(name)
        made = _MADE_OF.match(text, end) or _DECLARED_AS.match(text, end)
        if made is not None:
            found[at] = made.group(1)
        elif at and text[at - 1].isspace() and _AFTER_DECLARED.match(text, end):
            declared = _TYPE_BEFORE.search(text, max(0, at - _TYPE_CHARS), at)
            if declared is not None:
                found[declared.start()] = declared.group(1)
    return found[max(found)] if found else None


def _snippet(store: Store, found: FoundDefinition) -> Snippet:
    definition = found.definition
    return Snippet(
        path=definition.path,
        text=render(store, definition),
        start_line=definition.start_line,
        end_line=definition.end_line,
        source="definition",
        score=1 / (2 + min(found.distance, FAR)),
        reason=f"defines {definition.name}, {found.origin}",
    )
