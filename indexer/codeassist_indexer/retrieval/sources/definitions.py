"""Definitions as candidates: what the file imports, what is named near the cursor, and what these speak of.

Knows no order among sources. How an import leads to a definition is imported.py's.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from codeassist_indexer.retrieval.sources.hits import DefinitionHit, Hit
from codeassist_indexer.retrieval.sources.imported import FAR, Wanted, find_wanted, wanted_imports
from codeassist_indexer.retrieval.sources.paths import folder_of, stem_of
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.storage.lexical import is_keyword
from codeassist_indexer.storage.symbol_reader import names_of_files, symbols_in_folder, symbols_named

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
    for found in find_wanted(context.store, context.paths, context.request.path, wanted):
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
        names = names_of_files(context.store, paths)
        names = [name for name in names if name.startswith(begun) and (begun or not name.startswith("_"))]
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
    found = symbols_named(context.store, wanted, MAX_SAME_NAME, context.own_file_id)
    known = {each.name for each in found}
    unknown, folder = [name for name in wanted if name not in known], folder_of(context.request.path)
    found += symbols_in_folder(context.store, unknown, folder, _MAX_IN_FOLDER, context.own_file_id)
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
    found = symbols_named(context.store, names, _MAX_SPOKEN_SAME_NAME, context.own_file_id)
    for each in sorted(found, key=lambda each: (places[each.name], each.symbol_id)):
        rank, speaker = speakers[each.name]
        reason = f"defines {each.name}, which {speaker} speaks of"
        yield DefinitionHit(each.symbol_id, 1 / (1 + rank), reason, context.distances.get(each.name))


def _where(distance: int) -> str:
    if distance < 0:
        return "the type of what stands before the dot"
    return "named in the cursor's line" if distance == 0 else f"named {distance} lines from the cursor"
