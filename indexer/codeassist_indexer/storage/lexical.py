"""Code tokens, and the FTS5 query made from the lines around a cursor.

What it is told of the collection is a count of chunks and how many chunks hold each common term.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from codeassist_indexer.languages.registry import spec_of

# Bump when `code_tokens` gives other tokens for the same text: stored indexes are then rebuilt.
LEXER_VERSION = 1

# A term in fewer chunks than this is not listed as common; the query planner takes it for this frequent.
COMMON_TERM_MIN_CHUNKS = 64

_IDENTIFIER = re.compile(r"\b[^\W\d]\w*")  # the boundary leaves out the e3 of 1.5e3
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\dA-Za-z_]+|\d\d+")

_STOP_PARTS = frozenset({
    "get", "set", "is", "to", "of", "in", "on", "an", "the", "and", "or", "for", "by", "with", "from", "as", "it", "if",
    "at", "be",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Collection:
    """What a query needs to know of the indexed chunks: how many there are, and the frequent terms' chunk counts."""

    num_chunks: int
    common_terms: Mapping[str, int]

    def num_chunks_with(self, term: str) -> int:
        """Return how many chunks hold `term`; of a term that is not common, the most that it can be."""
        return self.common_terms.get(term, min(COMMON_TERM_MIN_CHUNKS, self.num_chunks))


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """How much a query may cost. FTS5 scores every chunk that holds any term, so postings are what takes the time.

    Over 103,641 chunks on one core, median and 95th percentile: 8,000 postings 22 and 30 ms, 4,000 postings 8 and
    12 ms, 3,000 postings 7 and 10 ms (2026-11).
    """

    max_terms: int = 40
    max_postings: int = 3_000


@lru_cache(maxsize=1 << 16)
def identifier_tokens(identifier: str) -> tuple[str, ...]:
    """Return the identifier whole, then its camelCase, snake_case and digit parts if it has several; all lowercase."""
    whole = identifier.strip("_").lower()
    if len(whole) < 2:
        return ()
    parts = [part.lower() for part in _PART.findall(identifier)]
    kept = [part for part in parts if len(part) > 1 and part not in _STOP_PARTS]
    if len(parts) < 2:
        return (whole,)
    return (whole, *(part for part in kept if part != whole))


def code_tokens(text: str, language: str) -> list[str]:
    """Return the tokens of `text` in order, repeats kept: identifiers whole and split, keywords of `language` left out.

    Words in strings and comments count too; numbers do not.
    """
    keywords = keywords_of(language)
    tokens: list[str] = []
    for identifier in _IDENTIFIER.findall(text):
        if identifier not in keywords:
            tokens.extend(identifier_tokens(identifier))
    return tokens


def is_keyword(name: str, language: str) -> bool:
    """Say whether a name is a keyword of the language, or a built-in one that counts as such."""
    return name in keywords_of(language)


def keywords_of(language: str) -> frozenset[str]:
    """Return the keywords of a language, and the built-in names that count as such."""
    spec = spec_of(language)
    return spec.keywords if spec is not None and spec.keywords is not None else frozenset()


def query_terms(
    lines_by_distance: Sequence[str], language: str, collection: Collection, limits: QueryLimits | None = None
) -> tuple[str, ...]:
    """Choose the terms to search for, rarest first and among equals the nearest to the cursor first.

    `lines_by_distance` are the lines around the cursor, the nearest first. Terms in more than half of the chunks are
    left out: BM25 gives them no weight. The chosen terms' postings together stay within `limits`.
    """
    limits = limits or QueryLimits()
    distance_by_term: dict[str, int] = {}
    for distance, line in enumerate(lines_by_distance):
        for token in code_tokens(line, language):
            distance_by_term.setdefault(token, distance)
    by_rarity = sorted(distance_by_term, key=lambda term: (collection.num_chunks_with(term), distance_by_term[term]))
    chosen: list[str] = []
    num_postings = 0
    for term in by_rarity:
        num_with = collection.num_chunks_with(term)
        too_common = term in collection.common_terms and num_with * 2 > collection.num_chunks
        num_postings += num_with
        if too_common or len(chosen) >= limits.max_terms or (chosen and num_postings > limits.max_postings):
            break
        chosen.append(term)
    return tuple(chosen)


def match_expression(terms: Iterable[str]) -> str:
    """Return the FTS5 MATCH expression for any of `terms`. Tokens hold no quotes, so quoting needs no escapes."""
    return " OR ".join(f'"{term}"' for term in terms)
