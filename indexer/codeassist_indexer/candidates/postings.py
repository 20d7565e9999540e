"""Which chunks hold the words around the cursor, and BM25 over them.

Knows no request. FTS5 could rank too; but it takes twice the time of reading the lists themselves (5.1 against 2.9 ms
of processor time over 100,270 chunks, 2026-11-21), and all other sources would have to ask again which chunk of a
file is nearest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from codeassist_indexer.deadline import Deadline
from codeassist_indexer.lexical import Collection
from codeassist_indexer.store import Store

# Robertson's constants, as FTS5 has them.
_K1 = 1.2
_B = 0.75
_MEAN_CHARS = 700  # of a chunk; only the proportion matters, so a constant does


@dataclass(slots=True)
class Postings:
    """The chunks that hold each term, and each term's weight; `rarity_by_chunk` sums those that a chunk holds."""

    chunks_by_term: dict[str, frozenset[int]] = field(default_factory=dict[str, frozenset[int]])
    weight_by_term: dict[str, float] = field(default_factory=dict[str, float])
    rarity_by_chunk: dict[int, float] = field(default_factory=dict[int, float])

    def best(self, limit: int) -> list[int]:
        """Return the chunks whose terms weigh most, at most `limit`; among equals those with the rarest term."""
        return sorted(self.rarity_by_chunk, key=self.rarity_by_chunk.__getitem__, reverse=True)[:limit]

    def terms_of(self, chunk_id: int) -> list[str]:
        """Return the terms that a chunk holds, the rarest first."""
        return [term for term, chunks in self.chunks_by_term.items() if chunk_id in chunks]

    def bm25(self, chunk_id: int, text: str) -> float:
        """Return the score of a chunk with its text: how often a term stands there counts, and how long it is."""
        lowered = text.lower()
        length = _K1 * (1 - _B + _B * len(text) / _MEAN_CHARS)
        score = 0.0
        for term in self.terms_of(chunk_id):
            # As a part of a longer word it counts too: splitting into words would take ten times as long.
            frequency = max(1, lowered.count(term))
            score += self.weight_by_term[term] * frequency * (_K1 + 1) / (frequency + length)
        return score


def read_postings(
    store: Store, terms: Sequence[str], collection: Collection, own_chunks: range, deadline: Deadline
) -> Postings:
    """Read the lists of `terms`, which begin with the rarest; stop early when the deadline's part is over."""
    postings = Postings()
    for term in terms:
        if deadline.cuts_short():
            break
        listed = chunks_with(store, term)
        chunks = frozenset(listed).difference(own_chunks)
        if not chunks:
            continue
        weight = math.log(1 + (max(collection.num_chunks, len(chunks)) - len(chunks) + 0.5) / (len(chunks) + 0.5))
        postings.chunks_by_term[term] = chunks
        postings.weight_by_term[term] = weight
        rarity = postings.rarity_by_chunk
        for chunk in listed:
            rarity[chunk] = rarity.get(chunk, 0.0) + weight
    for chunk in own_chunks:
        postings.rarity_by_chunk.pop(chunk, None)
    return postings


def chunks_with(store: Store, token: str) -> list[int]:
    """Return the chunks that hold a token, in their order in the index."""
    # As one text: two thousand rows of one number each take Python twice as long.
    sql = "SELECT group_concat(rowid) FROM chunk_tokens WHERE chunk_tokens MATCH ?"
    listed: str | None = store.query(sql, (f'"{token}"',))[0][0]
    return [int(chunk) for chunk in listed.split(",")] if listed else []
