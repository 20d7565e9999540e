"""Which chunks hold the words around the cursor, and BM25 over them.

Knows no request. FTS5 could rank too; but it takes twice the time of reading the lists themselves (5.1 against 2.9 ms
of processor time over 100,270 chunks, 2026-11-21), and all other sources would have to ask again which chunk of a
file is nearest.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codeassist_indexer.retrieval.query.deadline import Deadline
from codeassist_indexer.storage.chunk_reader import NO_CHUNKS, chunks_with
from codeassist_indexer.storage.lexical import Collection
from codeassist_indexer.storage.store import Store

# Robertson's constants, as FTS5 has them.
_K1 = 1.2
_B = 0.75
_MEAN_CHARS = 700  # of a chunk; only the proportion matters, so a constant does


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
            np.concatenate(lists) if lists else NO_CHUNKS, return_index=True, return_inverse=True
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


def bm25(terms: Iterable[tuple[str, float]], text: str) -> float:
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
    store: Store, terms: Sequence[str], collection: Collection, own_chunks: range, deadline: Deadline
) -> Postings:
    """Read the lists of `terms`, which begin with the rarest; stop early when the deadline's part is over."""
    found: list[tuple[str, float, NDArray[np.int64]]] = []
    for term in terms:
        if deadline.cuts_short():
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
