"""The tokens of one text, kept right through edits by tokenising only what stands between two safe cuts around each.

docs/decisions/2026-11-21-incremental-tokenisation.md has the proof.
"""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from codeassist.document import Change
from codeassist.tokenization.tokens import Tokenizer

# A safe cut at `char`, decided by the characters at char - 1 and char alone: for *every* text with these two,
# encode(text) == encode(text[:char]) + encode(text[char:]).
_CutRule = Callable[[str, int], bool]

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


@dataclass(frozen=True, slots=True)
class TokenSplice:
    """The tokens [start_idx, start_idx + num_removed) gave way to `inserted`; equal ends are not counted as changed."""

    start_idx: int
    num_removed: int
    inserted: tuple[int, ...]


class LiveTokens:
    """A text and its tokens; `ids` always equals `tokenizer.encode(text)`. Not safe to share between threads.

    `num_encoded_chars`: how many characters have been given to the tokenizer so far, those of the first text included.
    `is_incremental`: False where no cut can be proved safe for this tokenizer: each edit tokenises the whole text.
    """

    def __init__(self, tokenizer: Tokenizer, text: str = "") -> None:
        self._tokenizer = tokenizer
        self._is_cut = _cut_rule(tokenizer)
        self.is_incremental = self._is_cut is not None
        self.num_encoded_chars = len(text)
        encoded = tokenizer.encode_with_offsets(text)
        self._text = text
        self._ids = encoded.ids
        self._starts = array("q", [start for start, _ in encoded.char_ranges])

    @property
    def text(self) -> str:
        """The text as the last edit left it."""
        return self._text

    @property
    def ids(self) -> Sequence[int]:
        """Every token. A view: the next edit changes it."""
        return self._ids

    @property
    def starts(self) -> Sequence[int]:
        """The offset of each token's first character; tokens that share a character have the same. A view as `ids`."""
        return self._starts

    def replace(self, start_char: int, end_char: int, new_text: str) -> TokenSplice:
        """Put `new_text` in the place of the characters [start_char, end_char). Mutates; returns what `ids` did."""
        text = "".join((self._text[:start_char], new_text, self._text[end_char:]))
        return self.follow(Change(start_char, end_char, len(new_text)), text)

    def follow(self, change: Change, text: str) -> TokenSplice:
        """Become the tokens of `text`, which differs from this one by `change` alone. As `replace`, without a copy."""
        assert 0 <= change.start_char <= change.end_char <= len(self._text), change
        grown = change.num_new_chars - (change.end_char - change.start_char)
        assert len(text) == len(self._text) + grown, "the text is not the one that the change leads to"
        # Both pairs of characters stand in what the change left alone: the cuts are safe in the old and the new text.
        cut = self._last_cut(0, change.start_char)
        old_end_cut = self._first_cut(change.end_char, len(self._text))
        first_idx, end_idx = self._idx_at(cut), self._idx_at(old_end_cut)
        ids, starts = self._encode(text, cut, old_end_cut + grown)
        splice = _splice(first_idx, self._ids[first_idx:end_idx], ids)
        self._ids[first_idx:end_idx] = ids
        self._starts[first_idx:end_idx] = array("q", starts)
        after_idx = first_idx + len(ids)
        if grown and after_idx < len(self._starts):
            np.frombuffer(self._starts, np.int64)[after_idx:] += grown
        self._text = text
        return splice

    def between(self, start_char: int, end_char: int) -> list[int]:
        """`tokenizer.encode(text[start_char:end_char])`, of which only the ends are tokenised.

        With it one LiveTokens serves the text before a cursor and the text after it, wherever the cursor stands.
        """
        assert 0 <= start_char <= end_char <= len(self._text), (start_char, end_char)
        first = 0 if start_char == 0 else self._first_cut(start_char, end_char)
        last = end_char if end_char == len(self._text) else self._last_cut(first, end_char)
        if start_char and first == end_char:
            return self._ids_of(start_char, end_char)
        known = self._ids[self._idx_at(first) : self._idx_at(last)]
        return self._ids_of(start_char, first) + known + self._ids_of(last, end_char)

    def check(self) -> None:
        """Compare with a full tokenisation. Raises AssertionError where they differ."""
        fresh = self._tokenizer.encode_with_offsets(self._text)
        assert self._ids == fresh.ids, "ids differ from a full tokenisation"
        assert list(self._starts) == [start for start, _ in fresh.char_ranges], "starts differ from a full tokenisation"

    def _last_cut(self, start_char: int, end_char: int) -> int:
        """The last safe cut that text[start_char:end_char] alone decides; `start_char`, itself a cut, if none."""
        if self._is_cut is None:
            return start_char
        char = end_char - 1
        while char > start_char and not self._is_cut(self._text, char):
            char -= 1
        return max(char, start_char)

    def _first_cut(self, start_char: int, end_char: int) -> int:
        """The first safe cut that text[start_char:end_char] alone decides; `end_char` if none."""
        if self._is_cut is None:
            return end_char
        char = start_char + 1
        while char < end_char and not self._is_cut(self._text, char):
            char += 1
        return min(char, end_char)

    def _idx_at(self, char: int) -> int:
        return bisect_left(self._starts, char)

    def _ids_of(self, start_char: int, end_char: int) -> list[int]:
        """The tokens of a part of the text by itself."""
        self.num_encoded_chars += end_char - start_char
        return self._tokenizer.encode(self._text[start_char:end_char]) if start_char < end_char else []

    def _encode(self, text: str, start_char: int, end_char: int) -> tuple[list[int], list[int]]:
        self.num_encoded_chars += end_char - start_char
        encoded = self._tokenizer.encode_with_offsets(text[start_char:end_char])
        return encoded.ids, [start_char + start for start, _ in encoded.char_ranges]


def _splice(first_idx: int, removed: list[int], inserted: list[int]) -> TokenSplice:
    shorter = min(len(removed), len(inserted))
    head = 0
    while head < shorter and removed[head] == inserted[head]:
        head += 1
    tail = 0
    while tail < shorter - head and removed[-1 - tail] == inserted[-1 - tail]:
        tail += 1
    return TokenSplice(first_idx + head, len(removed) - head - tail, tuple(inserted[head : len(inserted) - tail]))


@lru_cache(maxsize=2)
def _cut_rule(tokenizer: Tokenizer) -> _CutRule | None:
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
    pair = _pair(tokenizer, "0-9" if _DIGITS in never_left else "")
    return lambda text, char: pair.match(text, char - 1) is not None


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


def _between_tokens(tokenizer: Tokenizer) -> _CutRule | None:
    """Between two characters that no token of the vocabulary holds side by side, no merge can reach across."""
    inside: set[str] = set()
    for token_id in range(tokenizer.vocab_size):
        token = tokenizer.token_bytes(token_id).decode("utf-8", "replace")  # a lone byte of a character is one token
        inside.update(token[char : char + 2] for char in range(len(token) - 1))
    if any("\ufffd" in pair for pair in inside):  # a character that cannot be written is read as this one
        return None
    return lambda text, char: text[char - 1 : char + 1] not in inside
