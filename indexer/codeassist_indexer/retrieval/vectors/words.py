"""The words that a static encoder sees: of a text, and of the lines around a cursor with how they lie to it.

Knows no vectors. Training and use read words here and nowhere else, so that both see the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from codeassist.request import CompletionRequest
from codeassist_indexer.retrieval.query.cursor_query import IDENTIFIER, LINES_AFTER, LINES_BEFORE, cursor_query
from codeassist_indexer.storage.lexical import identifier_tokens, is_keyword

WORDS_VERSION = 1
"""Bump when other words come of the same text: encoders of another version are then refused."""

# The cursor's line, the lines before it, those after it, and last the name that stands right before the cursor.
NUM_SLOTS = LINES_BEFORE + LINES_AFTER + 1
_LAST_NAME_SLOT = NUM_SLOTS - 1

# Splitting bytes by a table takes a quarter of a regular expression's time (0.3 against 1.1 ms of 48 texts, 2026-11).
_SEPARATORS = bytes(code if code > 127 or chr(code).isalnum() or code == ord("_") else 32 for code in range(256))


def words_of(text: str) -> list[bytes]:
    """Return the different words of a text, in the order in which they first stand there; numbers too."""
    return list(dict.fromkeys(_split(text)))


def token_rows(word: bytes, language: str, num_rows: int) -> tuple[int, ...]:
    """Return the rows of a table that a word stands for: itself and its parts; none of a keyword or a number."""
    identifier = word.decode("utf-8", "replace")
    if identifier[0].isdigit() or is_keyword(identifier, language):
        return ()
    return tuple(zlib.crc32(token.encode()) % num_rows for token in identifier_tokens(identifier))


def slots_around(request: CompletionRequest) -> Mapping[bytes, int]:
    """Return the words around a request's cursor, each with the slot of the nearest line that holds it.

    A slot is a line's place: 0 the cursor's up to it, then those before it, then those after it, the nearest first.
    """
    around = cursor_query(request)
    slots: dict[bytes, int] = {}
    names = IDENTIFIER.findall(around.line_head)
    if names:
        slots[names[-1].encode("utf-8", "replace")] = _LAST_NAME_SLOT
    lines = [(0, around.line_head)]
    for number in range(max(len(around.before), len(around.after))):
        if number < len(around.before):
            lines.append((1 + number, around.before[number]))
        if number < len(around.after):
            lines.append((LINES_BEFORE + number, around.after[number]))
    for slot, line in lines:
        for word in _split(line):
            slots.setdefault(word, slot)
    return slots


def _split(text: str) -> list[bytes]:
    return text.encode("utf-8", "replace").translate(_SEPARATORS).split()
