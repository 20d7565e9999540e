"""Definitions of what the current file imports and names: signatures and class skeletons, the used ones first.

Knows no ranking model and no budget; how an import leads to a file is resolve.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from codeassist.request import CompletionRequest, Snippet
from codeassist_indexer.around import Surroundings
from codeassist_indexer.languages import language_of
from codeassist_indexer.parse import parse_imports
from codeassist_indexer.parsed import Import
from codeassist_indexer.resolve import Remembering, files_of_import
from codeassist_indexer.skeleton import COLUMNS, Definition, definition_of, render
from codeassist_indexer.store import Store

_MAX_REEXPORTS = 4
_IMPORT_LINE = re.compile(
    r"^[ \t]*(?:(?:pub(?:\([^)\n]*\))?[ \t]+)?use|import|from|using|global using|export|mod|#[ \t]*include)\b"
    r"|\brequire\(",
    re.MULTILINE,
)
_IMPORT_TAIL_LINES = 60
_KEPT_IMPORTS = 8  # files whose imports, which seldom change from keystroke to keystroke, are not parsed again
_MAX_DEFINITIONS = 40
# Languages in which a file sees the other files of its folder without an import.
_SAME_FOLDER_LANGUAGES = frozenset({"java", "go", "csharp"})
FAR = 1_000
"""The distance of what is not named near the cursor; what stands further down in the file is further still."""

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


def imported_definitions(store: Store, request: CompletionRequest, around: Surroundings) -> list[Snippet]:
    """Return definitions in other files of names that the request's file imports, those used near the cursor first."""
    language = language_of(request.path) or ""
    distances = distances_near(request, around)
    imports = resolved_imports(store, request.path, language, imports_of(request))
    wanted = [*wanted_imports(request, imports, distances)]
    if language in _SAME_FOLDER_LANGUAGES:
        wanted += _wanted_from_folder(store, request.path, distances, {each.imported.alias for each in imports})
    return [_snippet(store, found) for found in find_wanted(store, request.path, wanted)]


def distances_near(request: CompletionRequest, around: Surroundings) -> dict[str, int]:
    """Return each name near the cursor with its distance, as `FoundDefinition` has it."""
    distances = dict(around.distance_by_name())
    receiver_type = _receiver_type(request.prefix, around.line_head)
    if receiver_type is not None:
        distances[receiver_type] = -1
    return distances


def resolved_imports(store: Store, path: str, language: str, imports: Sequence[Import]) -> tuple[ResolvedImport, ...]:
    """Return what the file `path` imports, in its order, with the files that each import means here."""
    asked = Remembering(store)
    return tuple(ResolvedImport(each, tuple(files_of_import(asked, path, language, each))) for each in imports)


def find_wanted(store: Store, own_path: str, wanted: Iterable[Wanted]) -> Iterator[FoundDefinition]:
    """Yield the definitions of what is wanted, the nearest first, each once; none from `own_path`."""
    found: set[int] = set()
    for want in sorted(wanted, key=lambda want: want.distance):
        for definition in _look_up(store, want.name, want.paths, own_path, _MAX_REEXPORTS):
            if definition.symbol_id not in found:
                found.add(definition.symbol_id)
                yield FoundDefinition(definition, want.distance, want.origin)
        if len(found) >= _MAX_DEFINITIONS:
            break


def imports_of(request: CompletionRequest) -> Sequence[Import]:
    """Return the imports of the text as it is now, without the line under the cursor: it is not finished."""
    text = request.prefix.rpartition("\n")[0] + "\n" + request.suffix.partition("\n")[2]
    last = max((match.end() for match in _IMPORT_LINE.finditer(text)), default=None)
    if last is None:
        return ()
    # An import may go on over several lines. What stands below need not be parsed at every keystroke.
    end = last
    for _ in range(_IMPORT_TAIL_LINES):
        end = text.find("\n", end + 1)
        if end < 0:
            break
    return _parsed_imports(request.path, text[:end] if end > 0 else text)


@lru_cache(maxsize=_KEPT_IMPORTS)
def _parsed_imports(path: str, text: str) -> Sequence[Import]:
    return parse_imports(path, text)


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
    for name in dict.fromkeys(re.findall(rf"\b{re.escape(module)}(?:\.|::|->)([^\W\d]\w*)", text)):
        yield Wanted(name, paths, distances.get(name, FAR), origin)


def _wanted_from_folder(store: Store, path: str, distances: Mapping[str, int], imported: set[str]) -> Iterator[Wanted]:
    folder = path.rpartition("/")[0]
    rows = store.query(
        "SELECT path FROM files WHERE folder_name = ? AND folder = ? AND path != ? ORDER BY path",
        (folder.rpartition("/")[2], folder, path),
    )
    paths = tuple(row[0] for row in rows)
    for name, distance in distances.items():
        if paths and name not in imported:
            yield Wanted(name, paths, distance, "in the same package")


def _look_up(store: Store, name: str, paths: Sequence[str], own_path: str, depth: int) -> list[Definition]:
    """Return the top-level definitions of `name` in `paths`, or where these import it from."""
    if not paths:
        return []
    places = ", ".join("?" * len(paths))
    rows = store.query(
        f"SELECT {COLUMNS} FROM symbols s JOIN files f ON f.id = s.file_id"
        f" WHERE s.name = ? AND f.path IN ({places}) AND f.path != ? AND s.kind != 'module'"
        " AND (s.parent = '' OR s.kind IN ('class', 'interface', 'enum', 'struct', 'trait', 'type')"
        " OR s.parent IN (SELECT qualified_name FROM symbols m WHERE m.file_id = s.file_id AND m.kind = 'module'))"
        " ORDER BY f.path, s.start_byte",
        (name, *paths, own_path),
    )
    if rows:
        return [definition_of(*row) for row in rows]
    if depth == 0:
        return []
    reexports = store.query(
        "SELECT f.path, f.language, i.module, i.name, i.alias, i.line FROM imports i JOIN files f ON f.id = i.file_id"
        f" WHERE f.path IN ({places}) AND (i.alias = ? OR i.name = '*') ORDER BY i.id",
        (*paths, name),
    )
    for path, language, *columns in reexports:
        imported = Import(*columns)
        origin_name = name if imported.name == "*" else imported.name
        sources = [p for p in files_of_import(store, path, language, imported) if p not in paths]
        found = _look_up(store, origin_name, sources, own_path, depth - 1) if origin_name else []
        if found:
            return found
    return []


def _receiver_type(prefix: str, line_head: str) -> str | None:
    """Return the name of what stands before the dot at the cursor: the type it was made of or declared with."""
    match = _RECEIVER.search(line_head)
    if match is None:
        return None
    name = re.escape(match.group(1))
    patterns = (
        rf"\b{name}\s*=\s*(?:await\s+|new\s+|&)?(?:[\w.]+\.)?([A-Z]\w*)\s*[({{<]",
        rf"\b{name}\s*:\s*&?(?:mut\s+)?[\"']?(?:Optional\[)?(?:[\w.]+\.)?([A-Z]\w*)",
        rf"\b([A-Z]\w*)(?:<[^<>\n]*>)?\s+{name}\s*[=;,)]",
    )
    found = [hit for pattern in patterns for hit in re.finditer(pattern, prefix[-60_000:])]
    last = max(found, key=lambda hit: hit.start(), default=None)
    return last.group(1) if last is not None else None


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
