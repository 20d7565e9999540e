"""A cursor in the middle of a word: what an answer does with the rest of it. Pure.

Words are told by their characters, in style sheets and markup with the hyphens in them.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from codeassist_indexer.fitting.fitted import Fitted
from codeassist_indexer.fitting.place import FitContext
from codeassist_indexer.languages.client_ids import named_for

_HYPHENATED = frozenset((".css", ".scss", ".less", ".html", ".htm", ".xml", ".vue", ".svelte", ".yaml", ".yml"))
_WORD = re.compile(r"\w+")
_HYPHENATED_WORD = re.compile(r"-?\w[\w-]*")
_WORD_AT_END = re.compile(r"\w+\Z")
_NEARBY_CHARS = 20_000


def is_in_word(prefix: str, suffix: str, path: str, told: str | None = None) -> bool:
    """Whether a cursor stands in the middle of a word: nothing comes by itself there."""
    return bool(_rest_of_word(prefix[-2:], suffix[:2], named_for(told, path)))


def rest_of_word(place: FitContext) -> str:
    """What the word at the cursor goes on with; empty at its end, and where none stands."""
    return _rest_of_word(place.line, place.rest, place.path)


def says_nothing_new(text: str, place: FitContext) -> bool:
    """Whether an answer in a word is what the cursor's line goes on with, or the beginning of that."""
    return place.rest.startswith(text.partition("\n")[0].rstrip())


def up_to_rest(text: str, word: str, place: FitContext) -> str | None:
    """The answer where its first word holds the rest of the one at the cursor, and so can take its place; else None.

    Without what comes after that word, where it is what the line goes on with: brackets are not opened twice.
    """
    said = _word_at(text, place.path)
    behind = place.rest[len(word) :]
    if not (said.startswith(word) or said.endswith(word)):
        return None
    return said if behind[:1] and text.startswith(behind[0], len(said)) else text


def is_glued(fitted: Fitted, place: FitContext) -> bool:
    """Whether an answer in a word would become one word with its rest that nobody has written."""
    rest = place.rest[fitted.num_replaced :]
    word = _rest_of_word(fitted.text, rest, place.path)
    if not word or not rest_of_word(place):
        return False
    is_piece = word[0] in "_-" or word[0].isupper() or fitted.text[-1] in "_-"
    if is_piece and _word_at(fitted.text, place.path) == fitted.text:
        return False  # names are put together of such
    whole = _word_at_end(place.line + fitted.text) + word
    nearby = f"{place.prefix[-_NEARBY_CHARS:]}\n{place.suffix[:_NEARBY_CHARS]}"
    return re.search(rf"\b{re.escape(whole)}\b", nearby) is None


def _rest_of_word(before: str, behind: str, path: str) -> str:
    has_hyphens = PurePosixPath(path).suffix.lower() in _HYPHENATED
    last = before[-1:]
    if not (last.isalnum() or last == "_" or (has_hyphens and last == "-" and before[-2:-1].isalnum())):
        return ""
    return _word_at(behind, path)


def _word_at(text: str, path: str) -> str:
    """The word that a text begins with."""
    pattern = _HYPHENATED_WORD if PurePosixPath(path).suffix.lower() in _HYPHENATED else _WORD
    found = pattern.match(text)
    return "" if found is None else found[0]


def _word_at_end(text: str) -> str:
    found = _WORD_AT_END.search(text)
    return "" if found is None else found[0]
