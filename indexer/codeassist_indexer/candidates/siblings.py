"""Files that belong together: test and tested file, classes with the same supertype, files of one folder.

Knows no order among sources. A file stands for itself with the chunks that fit the cursor's lines best.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codeassist_indexer.candidates.hits import ChunkHit, Hit
from codeassist_indexer.candidates.paths import (
    folder_distance,
    folder_of,
    is_test,
    plain_stem,
    stem_of,
    tested_stem,
)
from codeassist_indexer.candidates.postings import chunks_with
from codeassist_indexer.candidates.situation import Situation
from codeassist_indexer.lexical import identifier_tokens

_MAX_STEM_FILES = 6
_CHUNKS_OF_TEST = 3
_MAX_FOLDER_FILES = 32
_MAX_RELATED = 200
_MAX_CLASSES = 12
_MAX_BASE_CHUNKS = 120
_MAX_BASES = 4
_MAX_BASE_POSTINGS = 3_000
_TEST_FORMS = (
    "test_{}", "{}_test", "{}_tests", "{}_spec", "{}_unittest", "{}Test", "{}Tests", "{}TestCase", "{}Spec", "{}IT",
    "Test{}",
)  # fmt: skip


def tests(situation: Situation) -> Iterator[Hit]:
    """Yield chunks of the files that test the request's, that it tests, or that share its name."""
    path = situation.request.path
    stem = stem_of(path).partition(".")[0]
    plain = (tested_stem(stem_of(path)) or stem).partition(".")[0].lstrip("_")
    forms = {form.format(name) for form in _TEST_FORMS for name in {plain, plain[:1].upper() + plain[1:]}}
    names = sorted({stem, plain, f"_{plain}"} | forms)
    rows = situation.store.query(
        f"SELECT path FROM files WHERE module_name IN ({', '.join('?' * len(names))}) AND language NOT NULL"
        " AND path != ? LIMIT ?",
        (*names, path, _MAX_RELATED),
    )
    # Another `utils.py` elsewhere is no relation: either one is a test, or they differ in kind as `a.h` and `a.c` do.
    related = {
        found
        for (found,) in rows
        if plain_stem(found) == plain_stem(path)
        and (is_test(found) != is_test(path) or found.rpartition(".")[2] != path.rpartition(".")[2])
    }
    if not related and plain:  # test_store_locks.py tests store.py
        related = _by_longer_name(situation, plain, is_test(path))
    nearest = sorted(related, key=lambda found: (is_test(found) == is_test(path), folder_distance(path, found), found))
    for chunk_id, found in _best_chunks(situation, nearest[:_MAX_STEM_FILES], _CHUNKS_OF_TEST):
        if is_test(found) and not is_test(path):
            reason = "tests this file"
        elif is_test(path) and not is_test(found):
            reason = "is tested by this file"
        else:
            reason = "has this file's name"
        yield ChunkHit(chunk_id, situation.postings.rarity_by_chunk.get(chunk_id, 0.0), reason)


def same_base(situation: Situation) -> Iterator[Hit]:
    """Yield classes that extend what the class around the cursor extends: where they define its function, or begin."""
    method = situation.enclosing.function or ""
    num_found = 0
    for base in situation.enclosing.bases[:_MAX_BASES]:
        if situation.deadline.cuts_short():
            return
        tokens = identifier_tokens(base)
        if not tokens or situation.collection.num_chunks_with(tokens[0]) > _MAX_BASE_POSTINGS:
            continue
        rarity = situation.postings.rarity_by_chunk
        holding = chunks_with(situation.store, tokens[0])
        holding.sort(key=lambda chunk: rarity.get(chunk, 0.0), reverse=True)
        for chunk_id in _classes_extending(situation, base, holding[:_MAX_BASE_CHUNKS], method):
            yield ChunkHit(chunk_id, rarity.get(chunk_id, 0.0), f"extends {base} too")
            num_found += 1
            if num_found == _MAX_CLASSES:
                return


def folder(situation: Situation) -> Iterator[Hit]:
    """Yield a chunk of each file of the same folder, then of files further off, the best fitting first."""
    path = situation.request.path
    rarity = situation.postings.rarity_by_chunk
    seen: set[str] = {path}
    base = folder_of(path)
    num_left = _MAX_FOLDER_FILES
    while num_left > 0 and not situation.deadline.cuts_short():
        files = [found for found in _files_below(situation, base, num_left + len(seen)) if found not in seen]
        seen.update(files)
        best = _best_chunks(situation, files[:num_left], 1)
        num_left -= len(files)
        best.sort(key=lambda each: (folder_distance(path, each[1]), -rarity.get(each[0], 0.0), each[1]))
        for chunk_id, found in best:
            distance = folder_distance(path, found)
            reason = "in the same folder" if distance == 0 else f"{distance} folders away"
            yield ChunkHit(chunk_id, rarity.get(chunk_id, 0.0), reason)
        if not base:
            return
        base = folder_of(base)


@dataclass(frozen=True, slots=True)
class _FileChunks:
    path: str
    chunks: list[int]
    first_named: int


def _best_chunks(situation: Situation, paths: Sequence[str], num_each: int) -> list[tuple[int, str]]:
    """Return the chunks of each file that fit the cursor's lines best, with the path; files in the given order.

    Where none shares a word it is the one with the first definition.
    """
    rarity = situation.postings.rarity_by_chunk
    found: list[tuple[int, str]] = []
    for file in _chunks_of(situation, paths):
        fitting = [chunk_id for chunk_id in file.chunks if chunk_id in rarity]
        fitting.sort(key=rarity.__getitem__, reverse=True)
        found += [(chunk_id, file.path) for chunk_id in fitting[:num_each] or [file.first_named]]
    return found


def _chunks_of(situation: Situation, paths: Sequence[str]) -> list[_FileChunks]:
    if not paths:
        return []
    rows = situation.store.query(
        "SELECT f.path, c.id, c.symbol != '' FROM files f JOIN chunks c ON c.file_id = f.id"
        f" WHERE f.path IN ({', '.join('?' * len(paths))}) ORDER BY f.path, c.id",
        paths,
    )
    chunks: dict[str, list[int]] = {}
    first_named: dict[str, int] = {}
    for path, chunk_id, is_named in rows:
        chunks.setdefault(path, []).append(chunk_id)
        if is_named:
            first_named.setdefault(path, chunk_id)
    return [_FileChunks(path, chunks[path], first_named.get(path, chunks[path][0])) for path in paths if path in chunks]


def _files_below(situation: Situation, base: str, limit: int) -> list[str]:
    """Return files in a folder and below it, those right in it first, then by path."""
    in_folder = situation.store.query(
        "SELECT path FROM files WHERE folder_name = ? AND folder = ? AND language NOT NULL ORDER BY path LIMIT ?",
        (base.rpartition("/")[2], base, limit),
    )
    below = situation.store.query(
        "SELECT path FROM files WHERE path > ? AND path < ? AND language NOT NULL ORDER BY path LIMIT ?",
        (f"{base}/" if base else "", f"{base}0" if base else "\U0010ffff", limit),
    )
    return list(dict.fromkeys(path for (path,) in (*in_folder, *below)))[:limit]


def _by_longer_name(situation: Situation, plain: str, is_test_itself: bool) -> set[str]:
    """Return the tested files whose name begins a test's, or the tests whose name goes on behind a tested file's."""
    if is_test_itself:
        parts = plain.split("_")
        shorter = ["_".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]
        for name in shorter:
            rows = situation.store.query(
                "SELECT path FROM files WHERE module_name = ? AND language NOT NULL LIMIT ?", (name, _MAX_RELATED)
            )
            found = {path for (path,) in rows if not is_test(path)}
            if found:
                return found
        return set()
    rows = situation.store.query(
        "SELECT path FROM files WHERE module_name > ? AND module_name < ? AND language NOT NULL LIMIT ?",
        (f"test_{plain}_", f"test_{plain}`", _MAX_RELATED),  # the character behind "_"
    )
    return {path for (path,) in rows if is_test(path)}


def _classes_extending(situation: Situation, base: str, chunk_ids: Sequence[int], method: str) -> list[int]:
    """Return chunks of other files with classes whose supertypes name `base`, each class once."""
    if not chunk_ids:
        return []
    numbers = ", ".join("?" * len(chunk_ids))
    rows = situation.store.query(
        "SELECT s.file_id, s.qualified_name, s.bases, c.id FROM chunks c JOIN symbols s ON s.file_id = c.file_id"
        f" AND s.start_line >= c.start_line AND s.start_line < c.end_line WHERE c.id IN ({numbers})"
        " AND s.bases != '[]'",
        chunk_ids,
    )
    places = {chunk_id: place for place, chunk_id in enumerate(chunk_ids)}
    is_base = re.compile(rf"\b{re.escape(base)}\b")
    classes = [row for row in rows if is_base.search(row[2]) and row[3] not in situation.own_chunks]
    classes.sort(key=lambda row: places[row[3]])
    found: dict[int, None] = {}
    for file_id, qualified_name, _, chunk_id in classes[:_MAX_CLASSES]:
        found.setdefault(_method_chunk(situation, file_id, qualified_name, method) or chunk_id)
    return list(found)


def _method_chunk(situation: Situation, file_id: int, type_name: str, method: str) -> int | None:
    if not method:
        return None
    # The plus keeps SQLite from going through all definitions of a common name.
    rows = situation.store.query(
        "SELECT c.id FROM symbols s JOIN chunks c ON c.file_id = s.file_id AND s.start_line >= c.start_line"
        " AND s.start_line < c.end_line WHERE s.file_id = ? AND s.parent = ? AND +s.name = ? LIMIT 1",
        (file_id, type_name, method),
    )
    return rows[0][0] if rows else None
