"""Chunks of the index: their texts by number, of which files, which hold the words around a cursor, and BM25.

FTS5 could rank too; but it takes twice the time of reading the lists themselves (5.1 against 2.9 ms of processor time
over 100,270 chunks, 2026-11-21), and all other sources would have to ask again which chunk of a file is nearest.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codeassist_indexer.storage.lexical import Collection, match_expression
from codeassist_indexer.storage.store import Store

# Robertson's constants, as FTS5 has them.
_K1 = 1.2
_B = 0.75
_MEAN_CHARS = 700  # of a chunk; only the proportion matters, so a constant does
_NO_CHUNKS: NDArray[np.int64] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk as the index has it; `symbol` is the qualified name of what most of it belongs to, or ""."""

    chunk_id: int
    file_id: int
    path: str
    language: str
    text: str
    start_line: int
    symbol: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file by its number, and the numbers of its chunks, which follow each other."""

    file_id: int
    chunks: range


def stored_chunks(store: Store, chunk_ids: Sequence[int]) -> list[StoredChunk]:
    """Return the chunks with these numbers that there are."""
    rows = store.query(
        "SELECT c.id, c.file_id, f.path, f.language, c.text, c.start_line, c.symbol"
        " FROM chunks c JOIN files f ON f.id = c.file_id WHERE c.id IN (SELECT value FROM json_each(?))",
        (json.dumps(chunk_ids),),
    )
    return [StoredChunk(*row) for row in rows]


def chunk_texts(store: Store, chunk_ids: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Return the number of the file and the text of the chunks with these numbers that there are."""
    rows = store.query(
        "SELECT id, file_id, text FROM chunks WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(chunk_ids)),),
    )
    return {chunk_id: (file_id, text) for chunk_id, file_id, text in rows}


def texts_of_file(store: Store, file_id: int) -> list[str]:
    """Return the texts of a file's chunks in their order."""
    return [text for (text,) in store.query("SELECT text FROM chunks WHERE file_id = ? ORDER BY id", (file_id,))]


def stored_file(store: Store, path: str) -> StoredFile | None:
    """Return the number and the chunks of a file, None where it is not indexed."""
    rows = store.query(
        "SELECT f.id, (SELECT min(id) FROM chunks WHERE file_id = f.id), (SELECT max(id) FROM chunks WHERE file_id"
        " = f.id) FROM files f WHERE f.path = ?",
        (path,),
    )
    return _stored_file(*rows[0]) if rows else None


def stored_files(store: Store, paths: Sequence[str]) -> dict[int, StoredFile]:
    """Return those of `paths` that have chunks, by their place in the list."""
    rows = store.query(
        "SELECT j.key, f.id, (SELECT min(id) FROM chunks WHERE file_id = f.id), (SELECT max(id) FROM chunks WHERE"
        " file_id = f.id) FROM json_each(?) j CROSS JOIN files f ON f.path = j.value",
        (json.dumps(paths),),
    )
    files = {place: _stored_file(*row) for place, *row in rows}
    return {place: file for place, file in files.items() if file.chunks}


def first_named_chunks(store: Store, file_ids: Sequence[int]) -> dict[int, int | None]:
    """Return the first chunk of each file in which a definition stands, None for a file without any."""
    rows = store.query(
        "SELECT j.value, (SELECT id FROM chunks WHERE file_id = j.value AND symbol != '' ORDER BY id LIMIT 1)"
        " FROM json_each(?) j",
        (json.dumps(file_ids),),
    )
    return dict(rows)


def chunks_at(store: Store, places: Sequence[tuple[str, int, int]]) -> list[tuple[int, int]]:
    """Return the chunks that lines of files lie in: (place in the list, chunk), sorted.

    A place is a path and lines from 1, half-open.
    """
    rows = store.query(
        "SELECT j.key, c.id FROM json_each(?) j CROSS JOIN files f ON f.path = json_extract(j.value, '$[0]')"
        " CROSS JOIN chunks c ON c.file_id = f.id AND c.start_line < json_extract(j.value, '$[2]')"
        " AND c.end_line > json_extract(j.value, '$[1]')",
        (json.dumps(places),),
    )
    return sorted((place, chunk_id) for place, chunk_id in rows)


def chunks_with(store: Store, token: str) -> NDArray[np.int64]:
    """Return the chunks that hold a token, in their order in the index: int64 [n]."""
    # As one text: two thousand rows of one number each take Python thirty times as long.
    sql = "SELECT group_concat(rowid) FROM chunk_tokens WHERE chunk_tokens MATCH ?"
    listed: str | None = store.query(sql, (f'"{token}"',))[0][0]
    return np.fromstring(listed, dtype=np.int64, sep=",") if listed else _NO_CHUNKS


def paths_of_chunks(store: Store, chunk_ids: Sequence[int]) -> set[str]:
    """Return the files that the chunks with these numbers are of."""
    rows = store.query(
        "SELECT DISTINCT f.path FROM chunks c JOIN files f ON f.id = c.file_id"
        " WHERE c.id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(chunk_ids)),),
    )
    return {path for (path,) in rows}


def best_chunks(store: Store, terms: Sequence[str], without_file: str, limit: int) -> dict[int, float]:
    """Return the chunks of other files than `without_file` that fit the terms best, each with its rank of FTS5.

    The best, which is the lowest, comes first.
    """
    own = store.query(
        "SELECT min(c.id), max(c.id) FROM files f JOIN chunks c ON c.file_id = f.id WHERE f.path = ?", (without_file,)
    )
    first_own, last_own = own[0] if own and own[0][0] is not None else (0, 0)
    rows = store.query(
        "SELECT rowid, rank FROM chunk_tokens WHERE chunk_tokens MATCH ? AND rowid NOT BETWEEN ? AND ?"
        " ORDER BY rank LIMIT ?",
        (match_expression(terms), first_own, last_own, limit),
    )
    return dict(rows)


def files_of_modules(store: Store, names: Sequence[str], without: str, limit: int) -> list[str]:
    """Return files of a language whose module has one of these names, but not the file `without`."""
    return _paths(
        store,
        "SELECT path FROM files WHERE module_name IN (SELECT value FROM json_each(?)) AND language NOT NULL"
        " AND path != ? LIMIT ?",
        json.dumps(names),
        without,
        limit,
    )


def files_of_modules_between(store: Store, after: str, before: str, limit: int) -> list[str]:
    """Return files of a language whose module's name sorts between two others."""
    return _paths(
        store,
        "SELECT path FROM files WHERE module_name > ? AND module_name < ? AND language NOT NULL LIMIT ?",
        after,
        before,
        limit,
    )


def files_below(store: Store, folder: str, limit: int) -> list[str]:
    """Return files of a language in a folder ("" for the root) and below it, those right in it first, then by path."""
    in_folder = _paths(
        store,
        "SELECT path FROM files WHERE folder_name = ? AND folder = ? AND language NOT NULL ORDER BY path LIMIT ?",
        folder.rpartition("/")[2],
        folder,
        limit,
    )
    below = _paths(
        store,
        "SELECT path FROM files WHERE path > ? AND path < ? AND language NOT NULL ORDER BY path LIMIT ?",
        f"{folder}/" if folder else "",
        f"{folder}0" if folder else "\U0010ffff",  # "0" is the character after "/"
        limit,
    )
    return list(dict.fromkeys((*in_folder, *below)))[:limit]


def paths_of_language(store: Store) -> list[str]:
    """Return all files of a language, sorted."""
    return _paths(store, "SELECT path FROM files WHERE language NOT NULL ORDER BY path")


def files_beside(store: Store, path: str) -> list[str]:
    """Return the other files of a file's folder, sorted."""
    folder = path.rpartition("/")[0]
    sql = "SELECT path FROM files WHERE folder_name = ? AND folder = ? AND path != ? ORDER BY path"
    return _paths(store, sql, folder.rpartition("/")[2], folder, path)


class Postings:
    """The chunks that hold each term. A chunk's *rarity* is the sum of the weights of the terms that it holds.

    `chunks_by_term`: int64 [n], the numbers of the chunks that hold a term, each once.
    """

    def __init__(self, chunks_by_term: Sequence[tuple[str, float, NDArray[np.int64]]] = ()) -> None:
        self._terms = [(term, weight) for term, weight, _ in chunks_by_term]
        lists = [chunks for _, _, chunks in chunks_by_term]
        lengths = [len(chunks) for chunks in lists]
        self._term_idxs = np.repeat(np.arange(len(lists)), lengths)
        # `first`: where a chunk is named first, so by its rarest term; `places`: where the listed chunks are in `ids`.
        self._ids, self._first, self._places = np.unique(
            np.concatenate(lists) if lists else _NO_CHUNKS, return_index=True, return_inverse=True
        )
        # Added up in the order of the terms, so that equal sums are equal to the last bit.
        weights = np.repeat(np.array([weight for _, weight in self._terms]), lengths)
        self._rarities = np.bincount(self._places, weights, len(self._ids))

    @cached_property
    def _listed_ids(self) -> list[int]:
        return self._ids.tolist()

    def rarity(self, chunk_id: int) -> float:
        """Return the rarity of a chunk, 0 for one that holds none of the terms."""
        place = bisect_left(self._listed_ids, chunk_id)
        is_there = place < len(self._listed_ids) and self._listed_ids[place] == chunk_id
        return float(self._rarities[place]) if is_there else 0.0

    def best(self, limit: int) -> list[int]:
        """Return the rarest chunks, at most `limit`; among equals those with the rarest term."""
        cost = -self._rarities
        places = np.arange(len(cost))
        if len(cost) > limit:  # sorting a few takes a tenth of the time of sorting all
            places = np.flatnonzero(cost <= np.partition(cost, limit - 1)[limit - 1])
        order = np.lexsort((self._first[places], cost[places]))[:limit]
        return self._ids[places[order]].tolist()

    def rarest(self, chunk_ids: NDArray[np.int64], limit: int) -> list[int]:
        """Return the rarest of some chunks, at most `limit`; among equals those that stand first."""
        if not len(self._ids):
            return chunk_ids[:limit].tolist()
        places = np.minimum(np.searchsorted(self._ids, chunk_ids), len(self._ids) - 1)
        cost = np.where(self._ids[places] == chunk_ids, -self._rarities[places], 0.0)
        return chunk_ids[np.argsort(cost, kind="stable")[:limit]].tolist()

    def best_between(self, chunk_ids: range, limit: int) -> list[int]:
        """Return the rarest chunks with such a number, at most `limit`; among equals the first."""
        begin, end = bisect_left(self._listed_ids, chunk_ids.start), bisect_left(self._listed_ids, chunk_ids.stop)
        rarities = self._rarities[begin:end].tolist()
        order = sorted(range(end - begin), key=rarities.__getitem__, reverse=True)
        return [self._listed_ids[begin + place] for place in order[:limit]]

    def terms_of(self, chunk_ids: Iterable[int]) -> dict[int, list[tuple[str, float]]]:
        """Return the terms that chunks hold, the rarest first, each with its weight. Each chunk holds one at least."""
        terms: dict[int, list[tuple[str, float]]] = {chunk_id: [] for chunk_id in chunk_ids}
        is_asked = np.zeros(len(self._ids), dtype=np.bool_)
        is_asked[np.searchsorted(self._ids, list(terms))] = True
        asked = np.flatnonzero(is_asked[self._places])
        holding = self._ids[self._places[asked]].tolist()
        for chunk_id, term_idx in zip(holding, self._term_idxs[asked].tolist(), strict=True):
            terms[chunk_id].append(self._terms[term_idx])
        return terms


def bm25_score(terms: Iterable[tuple[str, float]], text: str) -> float:
    """Return the score of a chunk that holds `terms`: how often they stand in its text counts, and how long it is."""
    lowered = text.lower()
    length = _K1 * (1 - _B + _B * len(text) / _MEAN_CHARS)
    score = 0.0
    for term, weight in terms:
        # As a part of a longer word it counts too: splitting into words would take ten times as long.
        frequency = lowered.count(term) or 1
        score += weight * frequency * (_K1 + 1) / (frequency + length)
    return score


def read_postings(
    store: Store, terms: Sequence[str], collection: Collection, own_chunks: range, is_over: Callable[[], bool]
) -> Postings:
    """Read the lists of `terms`, which begin with the rarest; stop early when it `is_over`."""
    found: list[tuple[str, float, NDArray[np.int64]]] = []
    for term in terms:
        if is_over():
            break
        chunks = outside(chunks_with(store, term), own_chunks)
        if len(chunks):
            num_without = max(collection.num_chunks, len(chunks)) - len(chunks)
            found.append((term, math.log(1 + (num_without + 0.5) / (len(chunks) + 0.5)), chunks))
    return Postings(found)


def outside(chunk_ids: NDArray[np.int64], own: range) -> NDArray[np.int64]:
    """Return those that are not of the request's own file. They must be in ascending order."""
    if not own:
        return chunk_ids
    begin, end = np.searchsorted(chunk_ids, (own.start, own.stop)).tolist()
    return chunk_ids if begin == end else np.delete(chunk_ids, slice(begin, end))


def _paths(store: Store, sql: str, *parameters: object) -> list[str]:
    return [path for (path,) in store.query(sql, parameters)]


def _stored_file(file_id: int, first: int | None, last: int | None) -> StoredFile:
    return StoredFile(file_id, range(first, last + 1) if first is not None and last is not None else range(0))
