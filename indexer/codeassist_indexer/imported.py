"""Definitions of what the current file imports and names: signatures and class skeletons, the used ones first.

Knows no ranking model and no budget; how an import leads to a file is resolve.py's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codeassist.request import CompletionRequest, Snippet
from codeassist_indexer.around import Surroundings
from codeassist_indexer.languages import language_of
from codeassist_indexer.parse import parse_file
from codeassist_indexer.parsed import Import
from codeassist_indexer.resolve import files_of_import
from codeassist_indexer.skeleton import Definition, render
from codeassist_indexer.store import Store

_MAX_REEXPORTS = 4
_IMPORT_LINE = re.compile(
    r"^[ \t]*(?:(?:pub(?:\([^)\n]*\))?[ \t]+)?use|import|from|using|global using|export|mod|#[ \t]*include)\b"
    r"|\brequire\(",
    re.MULTILINE,
)
_IMPORT_TAIL_LINES = 60
_MAX_DEFINITIONS = 40
# Languages in which a file sees the other files of its folder without an import.
_SAME_FOLDER_LANGUAGES = frozenset({"java", "go", "csharp"})
_FAR = 1_000
_RECEIVER = re.compile(r"([^\W\d]\w*)\s*(?:\.|->|::|\?\.)\s*\w*$")
_COLUMNS = (
    "s.id, f.path, f.language, s.name, s.qualified_name, s.kind, s.signature, s.doc, s.bases, s.start_line, s.end_line"
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A name to look up in some files. A lower `distance` is nearer to the cursor; `origin` is for people."""

    name: str
    paths: tuple[str, ...]
    distance: int
    origin: str


def imported_definitions(store: Store, request: CompletionRequest, around: Surroundings) -> list[Snippet]:
    """Return definitions in other files of names that the request's file imports, those used near the cursor first."""
    language = language_of(request.path) or ""
    imports = _imports(request)
    distances = dict(around.distance_by_name())
    receiver_type = _receiver_type(request.prefix, around.line_head)
    if receiver_type is not None:
        distances[receiver_type] = -1
    wanted = [*_wanted_imports(store, request, language, imports, distances)]
    if language in _SAME_FOLDER_LANGUAGES:
        wanted += _wanted_from_folder(store, request.path, distances, {imported.alias for imported in imports})
    found: dict[int, tuple[_Wanted, Definition]] = {}
    for want in sorted(wanted, key=lambda want: want.distance):
        for definition in _look_up(store, want.name, want.paths, request.path, _MAX_REEXPORTS):
            found.setdefault(definition.symbol_id, (want, definition))
        if len(found) >= _MAX_DEFINITIONS:
            break
    return [_snippet(store, want, definition) for want, definition in found.values()]


def _imports(request: CompletionRequest) -> Sequence[Import]:
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
    parsed = parse_file(request.path, text[:end] if end > 0 else text)
    return parsed.imports if parsed is not None else ()


def _wanted_imports(
    store: Store, request: CompletionRequest, language: str, imports: Sequence[Import], distances: Mapping[str, int]
) -> Iterator[_Wanted]:
    text = request.prefix + request.suffix
    for imported in imports:
        paths = tuple(files_of_import(store, request.path, language, imported))
        if not paths:
            continue
        origin = f"imported in line {imported.line}"
        bound = imported.alias or imported.name
        if imported.name not in ("", "*"):
            distance = distances.get(bound, _FAR + imported.line)
            # A default export is usually imported by the name that it has at home.
            yield _Wanted(bound if imported.name == "default" else imported.name, paths, distance, origin)
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
                yield _Wanted(name, paths, distance, origin)


def _wanted_members(
    module: str, paths: tuple[str, ...], distances: Mapping[str, int], text: str, origin: str
) -> Iterator[_Wanted]:
    """What the file takes from a module by `module.name`."""
    for name in dict.fromkeys(re.findall(rf"\b{re.escape(module)}(?:\.|::|->)([^\W\d]\w*)", text)):
        yield _Wanted(name, paths, distances.get(name, _FAR), origin)


def _wanted_from_folder(store: Store, path: str, distances: Mapping[str, int], imported: set[str]) -> Iterator[_Wanted]:
    folder = path.rpartition("/")[0]
    rows = store.query(
        "SELECT path FROM files WHERE folder_name = ? AND folder = ? AND path != ? ORDER BY path",
        (folder.rpartition("/")[2], folder, path),
    )
    paths = tuple(row[0] for row in rows)
    for name, distance in distances.items():
        if paths and name not in imported:
            yield _Wanted(name, paths, distance, "in the same package")


def _look_up(store: Store, name: str, paths: Sequence[str], own_path: str, depth: int) -> list[Definition]:
    """Return the top-level definitions of `name` in `paths`, or where these import it from."""
    if not paths:
        return []
    places = ", ".join("?" * len(paths))
    rows = store.query(
        f"SELECT {_COLUMNS} FROM symbols s JOIN files f ON f.id = s.file_id"
        f" WHERE s.name = ? AND f.path IN ({places}) AND f.path != ? AND s.kind != 'module'"
        " AND (s.parent = '' OR s.kind IN ('class', 'interface', 'enum', 'struct', 'trait', 'type')"
        " OR s.parent IN (SELECT qualified_name FROM symbols m WHERE m.file_id = s.file_id AND m.kind = 'module'))"
        " ORDER BY f.path, s.start_byte",
        (name, *paths, own_path),
    )
    if rows:
        return [_definition(*row) for row in rows]
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


def _definition(symbol_id: int, *columns: Any) -> Definition:
    path, language, name, qualified_name, kind, signature, doc, bases, start_line, end_line = columns
    return Definition(
        symbol_id, path, language, name, qualified_name, kind, signature, doc, tuple(json.loads(bases)), start_line,
        end_line,
    )  # fmt: skip


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


def _snippet(store: Store, want: _Wanted, definition: Definition) -> Snippet:
    return Snippet(
        path=definition.path,
        text=render(store, definition),
        start_line=definition.start_line,
        end_line=definition.end_line,
        source="definition",
        score=1 / (2 + min(want.distance, _FAR)),
        reason=f"defines {definition.name}, {want.origin}",
    )
