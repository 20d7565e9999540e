"""Code tokens, and the FTS5 query made from the lines around a cursor.

Knows no database: what it is told of the collection is a count of chunks and how many chunks hold each common term.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

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

_C_FAMILY = """auto break case char const continue default do double else enum extern float for goto if inline int long
register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool NULL
true false include define ifdef ifndef endif pragma"""

_KEYWORDS_BY_LANGUAGE: dict[str, str] = {
    "python": """False None True and as assert async await break class continue def del elif else except finally for
        from global if import in is lambda nonlocal not or pass raise return try while with yield self cls""",
    "java": """abstract assert boolean break byte case catch char class const continue default do double else enum
        extends final finally float for goto if implements import instanceof int interface long native new package
        private protected public return short static strictfp super switch synchronized this throw throws transient
        try void volatile while true false null var record""",
    "javascript": """async await break case catch class const continue debugger default delete do else export extends
        false finally for from function if import in instanceof let new null of return static super switch this throw
        true try typeof undefined var void while with yield""",
    "typescript": """any abstract as boolean declare enum implements interface keyof namespace never number private
        protected public readonly string type unknown""",
    "csharp": """abstract as async await base bool break byte case catch char class const continue decimal default
        delegate do double else enum event explicit extern false finally fixed float for foreach get goto if implicit
        in int interface internal is lock long namespace new null object operator out override params private protected
        public readonly ref return sbyte sealed set short sizeof static string struct switch this throw true try typeof
        uint ulong unsafe ushort using var virtual void volatile while""",
    "go": """break case chan const continue default defer else fallthrough for func go goto if import interface map
        package range return select struct switch type var nil true false string int error bool byte""",
    "rust": """as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod
        move mut pub ref return self Self static struct super trait true type unsafe use where while""",
    "c": _C_FAMILY,
    "cpp": _C_FAMILY
    + """ catch class constexpr delete explicit export final friend mutable namespace new noexcept nullptr
        operator override private protected public template this throw try typename using virtual std""",
}
_KEYWORDS_BY_LANGUAGE["typescript"] += " " + _KEYWORDS_BY_LANGUAGE["javascript"]
_KEYWORDS_BY_LANGUAGE["tsx"] = _KEYWORDS_BY_LANGUAGE["typescript"]
_KEYWORDS = {language: frozenset(words.split()) for language, words in _KEYWORDS_BY_LANGUAGE.items()}


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
    keywords = _KEYWORDS.get(language, frozenset[str]())
    tokens: list[str] = []
    for identifier in _IDENTIFIER.findall(text):
        if identifier not in keywords:
            tokens.extend(identifier_tokens(identifier))
    return tokens


def is_keyword(name: str, language: str) -> bool:
    """Say whether a name is a keyword of the language, or a built-in one that counts as such."""
    return name in _KEYWORDS.get(language, frozenset[str]())


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
