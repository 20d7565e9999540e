"""Definitions as candidates: what the file imports, what is named near the cursor, and what these speak of.

Knows no order among sources. How an import leads to a definition is imported.py's.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codeassist_indexer.retrieval.sources.hits import DefinitionHit, Hit
from codeassist_indexer.retrieval.sources.imported import FAR, Wanted, find_wanted, wanted_imports
from codeassist_indexer.retrieval.sources.paths import folder_of, stem_of
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.storage.lexical import is_keyword

# A name with more definitions says nothing of which one is meant, and those that it would find are seldom right.
MAX_SAME_NAME = 8
_MIN_NAME_CHARS = 3
_MAX_NAMES = 60
_TYPE_NAME = re.compile(r"\b[^\W\da-z_]\w{2,}")  # of at least _MIN_NAME_CHARS
_MAX_SPEAKING = 10  # definitions whose signatures are read for what they speak of
_MAX_SPOKEN_NAMES = 40
_MAX_SPOKEN_SAME_NAME = 3
_MAX_OF_MODULE = 12
_BEFORE_DOT = re.compile(r"([^\W\d]\w*)\s*(?:\.|->|::)\s*(\w*)$")
_MAX_IN_FOLDER = 30
_BASE_DISTANCE = 5  # the supertypes of the class around the cursor count as if named so far away


def imported(context: RetrievalContext) -> Iterator[Hit]:
    """Yield the definitions of what the file imports, those used near the cursor first.

    After the dot of a module these are what the module defines and hands on.
    """
    wanted = [*_of_module_before_dot(context)]
    wanted += wanted_imports(context.request, context.imports, context.distances)
    for found in find_wanted(context.asked, context.request.path, wanted):
        definition, distance = found.definition, found.distance
        context.keep((definition,))
        near = distance if distance < FAR else None
        reason = f"defines {definition.name}, {found.origin}"
        yield DefinitionHit(definition.symbol_id, 1 / (2 + distance), reason, near)
        if context.deadline.cuts_short():
            return


def _of_module_before_dot(context: RetrievalContext) -> Iterator[Wanted]:
    """Yield what can stand at the cursor if it stands after the dot of an imported module."""
    before_dot = _BEFORE_DOT.search(context.around.line_head)
    if before_dot is None:
        return
    module, begun = before_dot[1], before_dot[2]
    for each in context.imports:
        imported, paths = each.imported, each.paths
        if imported.name not in ("", "*"):  # a submodule, if one of the files is it; else a name that a module defines
            paths = tuple(path for path in paths if stem_of(path) == imported.name)
        if not paths or module not in (imported.alias, imported.name, imported.module.rpartition(".")[2]):
            continue
        here = json.dumps(paths)
        rows = context.store.query(
            "SELECT s.name FROM files f JOIN symbols s ON s.file_id = f.id"
            " WHERE f.path IN (SELECT value FROM json_each(?)) AND s.parent = '' AND s.kind != 'module'"
            " UNION ALL SELECT i.alias FROM files f JOIN imports i ON i.file_id = f.id"
            " WHERE f.path IN (SELECT value FROM json_each(?)) AND i.name NOT IN ('', '*')",
            (here, here),
        )
        names = [name for (name,) in rows if name.startswith(begun) and (begun or not name.startswith("_"))]
        for name in list(dict.fromkeys(names))[:_MAX_OF_MODULE]:
            yield Wanted(name, paths, 0, f"of {module}, imported in line {imported.line}")


def named(context: RetrievalContext) -> Iterator[Hit]:
    """Yield definitions anywhere in the repository of names near the cursor, imported or not, if they have few.

    Of a member it is the type that it belongs to. Of a name with many definitions it is those of the same folder.
    """
    distances = dict(context.distances)
    for name in context.enclosing.bases:
        distances[name] = min(distances.get(name, _BASE_DISTANCE), _BASE_DISTANCE)
    wanted = [name for name in distances if len(name) >= _MIN_NAME_CHARS and not is_keyword(name, context.language)]
    wanted = sorted(wanted, key=distances.__getitem__)[:_MAX_NAMES]
    found = _definitions_of(context, wanted, MAX_SAME_NAME)
    known = {each.name for each in found}
    found += _in_same_folder(context, [name for name in wanted if name not in known])
    num_by_name = Counter(each.name for each in found)
    hits: list[DefinitionHit] = []
    for each in found:
        distance = distances[each.name]
        what = f"{each.owner}.{each.name}" if each.owner else each.name
        score = 1 / (2 + distance) / num_by_name[each.name]
        hits.append(DefinitionHit(each.symbol_id, score, f"defines {what}, {_where(distance)}", distance))
    hits.sort(key=lambda hit: (-hit.score, hit.symbol_id))
    yield from hits


def mentioned(context: RetrievalContext, speaking: Sequence[DefinitionHit]) -> Iterator[Hit]:
    """Yield definitions of types that the definitions found so far speak of: what their members give and take."""
    ranks = {hit.symbol_id: rank for rank, hit in enumerate(speaking[:_MAX_SPEAKING])}
    definitions = context.definitions(sorted(ranks, key=ranks.__getitem__))
    members = context.members(definition.symbol_id for definition in definitions)
    speakers: dict[str, tuple[int, str]] = {}
    for definition in definitions:
        said = [each.signature for each in members[definition.symbol_id]]
        starts = [each.start_byte for each in members[definition.symbol_id]]
        said.insert(bisect_left(starts, definition.start_byte), definition.signature)
        for name in _TYPE_NAME.findall("\n".join(said)):
            if name[0].isupper() and name != definition.name:
                speakers.setdefault(name, (ranks[definition.symbol_id], definition.name))
    names = list(speakers)[:_MAX_SPOKEN_NAMES]
    places = {name: place for place, name in enumerate(names)}
    for each in sorted(
        _definitions_of(context, names, _MAX_SPOKEN_SAME_NAME), key=lambda each: (places[each.name], each.symbol_id)
    ):
        rank, speaker = speakers[each.name]
        reason = f"defines {each.name}, which {speaker} speaks of"
        yield DefinitionHit(each.symbol_id, 1 / (1 + rank), reason, context.distances.get(each.name))


@dataclass(frozen=True, slots=True)
class _Defined:
    """A name's definition: the symbol to show, which is the type that it is a member of where `owner` names one."""

    name: str
    symbol_id: int
    owner: str


# What a member belongs to is found by its plain name, which is what stands after the last dot of `parent`.
_SELECT = (
    "SELECT s.name, coalesce(p.id, s.id), coalesce(p.name, '') FROM {} LEFT JOIN symbols p ON s.parent != ''"
    " AND p.file_id = s.file_id AND p.qualified_name = s.parent"
    " AND p.name = substr(s.parent, length(rtrim(s.parent, replace(s.parent, '.', ''))) + 1)"
    " AND p.kind IN ('class', 'interface', 'enum', 'struct', 'trait') WHERE s.kind != 'module' AND s.file_id IS NOT ?"
)


def _definitions_of(context: RetrievalContext, names: Sequence[str], limit: int) -> list[_Defined]:
    """Return the definitions of `names` in other files, nothing of a name that has more than `limit`."""
    rare = (
        "(SELECT value FROM json_each(?) WHERE NOT EXISTS"
        " (SELECT 1 FROM symbols WHERE name = value AND kind != 'module' LIMIT 1 OFFSET ?)) n"
        " CROSS JOIN symbols s ON s.name = n.value"
    )
    rows = context.store.query(_SELECT.format(rare), (json.dumps(names), limit, context.own_file_id))
    return list(dict.fromkeys(_Defined(*row) for row in rows))


def _in_same_folder(context: RetrievalContext, names: Sequence[str]) -> list[_Defined]:
    folder = folder_of(context.request.path)
    # The plus keeps SQLite from going through all definitions of a common name.
    here = "files f CROSS JOIN symbols s ON s.file_id = f.id AND +s.name IN (SELECT value FROM json_each(?))"
    rows = context.store.query(
        _SELECT.format(here) + " AND f.folder_name = ? AND f.folder = ? ORDER BY s.file_id, s.id LIMIT ?",
        (json.dumps(names), context.own_file_id, folder.rpartition("/")[2], folder, _MAX_IN_FOLDER),
    )
    return list(dict.fromkeys(_Defined(*row) for row in rows))


def _where(distance: int) -> str:
    if distance < 0:
        return "the type of what stands before the dot"
    return "named in the cursor's line" if distance == 0 else f"named {distance} lines from the cursor"
