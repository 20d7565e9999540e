"""Where a text may be cut so that its parts have the tokens of the whole: what is proved of a tokenizer.

A cut is safe between two characters if for *every* text with these two, encode(text) is what encode gives for the text
before it and the text after it. docs/decisions/2026-11-21-incremental-tokenisation.md has the proof.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from codeassist.tokenization.tokens import Tokenizer

CutRule = Callable[[str, int], object]
"""Says whether a cut after the character at an offset is safe: something true. That one and the next decide alone."""

# A cut stands after a letter or digit, before ASCII or a full-width mark that is neither. The letters are letters in
# every version of Unicode (Latin, Greek, Cyrillic, Hebrew, Arabic, kana, Han, Hangul), in ranges without a gap.
_ASCII_LETTERS = "A-Za-z"
_OTHER_LETTERS = (
    r"\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u021f\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9\u0410-\u044f\u0401\u0451"
    r"\u05d0-\u05ea\u0621-\u063a\u0641-\u064a\u3041-\u3094\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3"
)
_ASCII_AFTER = r"\t\n\r -/:-@\[-`{-~"
_OTHERS_AFTER = r"\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f"
# Has every byte that UTF-8 spells those characters with.
_OTHERS_SAMPLE = "".join(
    map(chr, (*range(0x80, 0xC0), *range(0x80, 0x800, 0x40), *range(0x800, 0xD800, 0x400), 0xFF00))
)

# Alternatives of splitting expressions in which nothing that takes the first character of such a pair looks at the
# second one and goes on, and whether they leave no letter (no digit) unmatched.
_LETTERS, _DIGITS = "letters", "digits"
_ALTERNATIVES: dict[str, frozenset[str]] = {
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)": frozenset(),
    "'s|'t|'re|'ve|'m|'ll|'d": frozenset(),
    r"[^\r\n\p{L}\p{N}]?\p{L}+": frozenset({_LETTERS}),
    r" ?\p{L}+": frozenset({_LETTERS}),
    r"\s?\p{L}+": frozenset({_LETTERS}),
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*": frozenset({_LETTERS}),
    r"\p{N}": frozenset({_DIGITS}),
    r"\p{N}{1,3}": frozenset({_DIGITS}),
    r" ?\p{N}+": frozenset({_DIGITS}),
    r" ?[^\s\p{L}\p{N}]+": frozenset(),
    r" ?[^\s\p{L}\p{N}]+[\r\n]*": frozenset(),
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*": frozenset(),
    r"\s?\p{P}+": frozenset(),
    "[一-龥ࠀ-一가-퟿]+": frozenset(),
    r"[\r\n]": frozenset(),
    "[\r\n]": frozenset(),
    r"\s*[\r\n]+": frozenset(),
    r"\s+(?!\S)": frozenset(),
    r"\s+": frozenset(),
}


@lru_cache(maxsize=2)
def cut_rule(tokenizer: Tokenizer) -> CutRule | None:
    """The rule that is proved for a tokenizer; None where none is."""
    library: Any = tokenizer._tokenizer  # pyright: ignore[reportPrivateUsage]  # the splitting steps are not public
    steps = list(_flat(json.loads(library.pre_tokenizer.__getstate__()))) if library.pre_tokenizer else []
    if all(step["type"] == "Metaspace" and step["prepend_scheme"] == "never" for step in steps):
        # Merges are all that joins characters. A word taken whole (`ignore_merges`) would ask for more than that.
        return None if library.model.ignore_merges else _between_tokens(tokenizer)
    split = [_never_left(step) for step in steps]
    known = [kinds for kinds in split if kinds is not None]
    never_left = frozenset[str]().union(*known)
    if len(known) < len(split) or _LETTERS not in never_left:
        return None
    return _pair(tokenizer, "0-9" if _DIGITS in never_left else "").match


def _pair(tokenizer: Tokenizer, digits: str) -> re.Pattern[str]:
    before, after = _ASCII_LETTERS + digits, _ASCII_AFTER
    if tokenizer.decode_bytes(tokenizer.encode(_OTHERS_SAMPLE)) == _OTHERS_SAMPLE.encode():
        before, after = before + _OTHER_LETTERS, after + _OTHERS_AFTER
    # else some of them would be read as U+FFFD, which is no letter
    return re.compile(f"[{before}][{after}]")


def _flat(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node["type"] == "Sequence":
        for child in node["pretokenizers"]:
            yield from _flat(child)
    else:
        yield node


def _never_left(step: dict[str, Any]) -> frozenset[str] | None:
    """Which characters a step never leaves unmatched; None for a step of which nothing is proved."""
    match step:
        case {"type": "ByteLevel", "add_prefix_space": False, "use_regex": use_regex}:
            return frozenset({_LETTERS, _DIGITS}) if use_regex else frozenset()
        case {"type": "Digits"}:
            return frozenset({_DIGITS})
        case {"type": "Split", "behavior": "Isolated", "invert": False, "pattern": {"Regex": regex}}:
            return _never_left_by(str(regex))
        case _:
            return None


def _never_left_by(regex: str) -> frozenset[str] | None:
    kinds = frozenset[str]()
    rest = regex + "|"
    while rest:
        known = next((alternative for alternative in _ALTERNATIVES if rest.startswith(alternative + "|")), None)
        if known is None:
            return None
        kinds |= _ALTERNATIVES[known]
        rest = rest[len(known) + 1 :]
    return kinds


def _between_tokens(tokenizer: Tokenizer) -> CutRule | None:
    """Between two characters that no token of the vocabulary holds side by side, no merge can reach across."""
    inside: set[str] = set()
    for token_id in range(tokenizer.vocab_size):
        token = tokenizer.token_bytes(token_id).decode("utf-8", "replace")  # a lone byte of a character is one token
        inside.update(token[char : char + 2] for char in range(len(token) - 1))
    if any("\ufffd" in pair for pair in inside):  # a character that cannot be written is read as this one
        return None
    return lambda text, char: text[char : char + 2] not in inside
