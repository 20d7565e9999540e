"""Definitions as candidates: what the file imports, what is named near the cursor, and what these speak of.

Knows no order among sources. How an import leads to a definition is imported.py's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from codeassist_indexer.around import IDENTIFIER
from codeassist_indexer.candidates.hits import DefinitionHit, Hit
from codeassist_indexer.candidates.situation import Situation
from codeassist_indexer.imported import FAR, found_definitions
from codeassist_indexer.lexical import is_keyword

# A name with more definitions says nothing of which one is meant, and those that it would find are seldom right.
MAX_SAME_NAME = 8
_MIN_NAME_CHARS = 3
_MAX_NAMES = 60
_MAX_SPEAKING = 10  # definitions whose signatures are read for what they speak of
_MAX_SPOKEN_NAMES = 40
_MAX_SPOKEN_SAME_NAME = 3
_BASE_DISTANCE = 5  # the supertypes of the class around the cursor count as if named so far away


def imported(situation: Situation) -> Iterator[Hit]:
    """Yield the definitions of what the file imports, those used near the cursor first."""
    found = found_definitions(
        situation.store, situation.request, situation.around, situation.language, situation.imports
    )
    for each in found:
        yield DefinitionHit(
            each.definition.symbol_id,
            1 / (2 + each.distance),
            f"defines {each.definition.name}, {each.origin}",
            each.distance if each.distance < FAR else None,
        )


def named(situation: Situation) -> Iterator[Hit]:
    """Yield definitions anywhere in the repository of names near the cursor, imported or not, if they have few.

    Of a member it is the type that it belongs to.
    """
    distances = dict(situation.distances)
    enclosing = situation.enclosing_type
    if enclosing is not None:
        for name in IDENTIFIER.findall(enclosing.bases):
            distances[name] = min(distances.get(name, _BASE_DISTANCE), _BASE_DISTANCE)
    wanted = [name for name in distances if len(name) >= _MIN_NAME_CHARS and not is_keyword(name, situation.language)]
    wanted.sort(key=lambda name: distances[name])
    hits: list[DefinitionHit] = []
    for name in wanted[:_MAX_NAMES]:
        if situation.deadline.is_part_over():
            break
        distance = distances[name]
        found = _definitions_of(situation, name, MAX_SAME_NAME)
        for symbol_id, owner in found:
            what = f"{owner}.{name}" if owner else name
            reason = f"defines {what}, {_where(distance)}"
            hits.append(DefinitionHit(symbol_id, 1 / (2 + distance) / len(found), reason, distance))
    hits.sort(key=lambda hit: (-hit.score, hit.symbol_id))
    yield from hits


def mentioned(situation: Situation, speaking: Sequence[DefinitionHit]) -> Iterator[Hit]:
    """Yield definitions of types that the definitions found so far speak of: what their members give and take."""
    names: dict[str, tuple[int, str]] = {}
    for rank, hit in enumerate(speaking[:_MAX_SPEAKING]):
        rows = situation.store.query(
            "SELECT s.name, m.signature FROM symbols s JOIN symbols m ON m.file_id = s.file_id"
            " AND (m.parent = s.qualified_name OR m.id = s.id) WHERE s.id = ?",
            (hit.symbol_id,),
        )
        for speaker, signature in rows:
            for name in IDENTIFIER.findall(signature):
                if name[:1].isupper() and name != speaker and len(name) >= _MIN_NAME_CHARS:
                    names.setdefault(name, (rank, speaker))
    for name, (rank, speaker) in list(names.items())[:_MAX_SPOKEN_NAMES]:
        for symbol_id, _ in _definitions_of(situation, name, _MAX_SPOKEN_SAME_NAME):
            reason = f"defines {name}, which {speaker} speaks of"
            yield DefinitionHit(symbol_id, 1 / (1 + rank), reason, situation.distances.get(name))


def _definitions_of(situation: Situation, name: str, limit: int) -> list[tuple[int, str]]:
    """Return the definitions of `name` in other files, none if there are more than `limit`.

    Each as the symbol to show, and the type that the name is a member of ("" for none), which is then what is shown.
    """
    # In the order of the name's index, which is that of the numbers: an ORDER BY would read all of a common name first.
    rows = situation.store.query(
        "SELECT s.id, s.file_id, s.parent FROM symbols s WHERE s.name = ? AND s.kind != 'module'"
        " AND s.file_id IS NOT ? LIMIT ?",
        (name, situation.own_file_id, limit + 1),
    )
    if len(rows) > limit:
        return []
    found: dict[int, str] = {}
    for symbol_id, file_id, parent in rows:
        owner = _owner(situation, file_id, parent) if parent else None
        if owner is None:
            found.setdefault(symbol_id, "")
        else:
            found.setdefault(*owner)
    return list(found.items())


def _owner(situation: Situation, file_id: int, qualified_name: str) -> tuple[int, str] | None:
    rows = situation.store.query(
        "SELECT id, name FROM symbols WHERE file_id = ? AND qualified_name = ?"
        " AND kind IN ('class', 'interface', 'enum', 'struct', 'trait') LIMIT 1",
        (file_id, qualified_name),
    )
    return rows[0] if rows else None


def _where(distance: int) -> str:
    if distance < 0:
        return "the type of what stands before the dot"
    return "named in the cursor's line" if distance == 0 else f"named {distance} lines from the cursor"
