"""The tokens of a file's text before and after a cursor: from scratch, or followed from the last request on.

Both ways give the same tokens: the second only tokenises less.
docs/decisions/2026-11-21-incremental-tokenisation.md has the proof.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Protocol

import numpy as np

from codeassist.document import Change, change_between
from codeassist.tokenization.safe_cuts import cut_rule
from codeassist.tokenization.tokens import Tokenizer

_MOST_CHARS = 400_000  # a larger file is cut to a window first, and that is tokenised
_MOST_SNIPPETS = 256


class FileTokens(Protocol):
    """Tokens of parts of one request's text."""

    def before(self, start_char: int) -> list[int]:
        """The tokens of the text from an offset up to the cursor."""
        ...

    def after(self, num_chars: int) -> list[int]:
        """The tokens of the first `num_chars` characters after the cursor."""
        ...

    def other(self, text: str) -> list[int]:
        """The tokens of a text that is not the file's: a snippet, a header."""
        ...


class FreshTokens:
    """Tokenises whatever is asked for."""

    def __init__(self, tokenizer: Tokenizer, prefix: str, suffix: str) -> None:
        self._tokenizer = tokenizer
        self._prefix = prefix
        self._suffix = suffix

    def before(self, start_char: int) -> list[int]:
        """As `FileTokens`."""
        return self._tokenizer.encode(self._prefix[start_char:])

    def after(self, num_chars: int) -> list[int]:
        """As `FileTokens`."""
        return self._tokenizer.encode(self._suffix[:num_chars])

    def other(self, text: str) -> list[int]:
        """As `FileTokens`."""
        return self._tokenizer.encode(text)


class FollowedTokens:
    """Tokenises what changed since the last request, and a few characters on either side of the cursor."""

    def __init__(self, snippet_tokens: SnippetTokens, live: LiveTokens, prefix_end: int, suffix_start: int) -> None:
        self._snippet_tokens = snippet_tokens
        self._live = live
        self._prefix_end = prefix_end
        self._suffix_start = suffix_start

    def before(self, start_char: int) -> list[int]:
        """As `FileTokens`."""
        return self._live.between(start_char, self._prefix_end)

    def after(self, num_chars: int) -> list[int]:
        """As `FileTokens`."""
        return self._live.between(self._suffix_start, min(self._suffix_start + num_chars, len(self._live.text)))

    def other(self, text: str) -> list[int]:
        """As `FileTokens`."""
        return self._snippet_tokens.encode(text)


class SnippetTokens:
    """The tokens of texts that are likely to come again: those of snippets and headers of the last prompts."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

        @lru_cache(maxsize=_MOST_SNIPPETS)
        def encoded(text: str) -> tuple[int, ...]:
            return tuple(tokenizer.encode(text))

        self._encoded = encoded

    def encode(self, text: str) -> list[int]:
        """The tokens of a text."""
        return list(self._encoded(text))


class DocumentTokens:
    """The tokens of one document, from request to request.

    It is followed from its second request on, if its text is still mostly the same: who completes each file once pays
    for no more than a window of it. Who will go on has all of it tokenised by `prepare`, on another thread.
    """

    def __init__(self, snippet_tokens: SnippetTokens) -> None:
        self.snippet_tokens = snippet_tokens
        self._tokenizer = snippet_tokens.tokenizer
        self._lock = Lock()  # over `_last`, and over following it
        self._last: str | LiveTokens | None = None

    def at(self, prefix: str, suffix: str, between: str = "") -> FileTokens:
        """The tokens of the document that now reads `prefix` + `between` + `suffix`, for this one request: of what
        stands before `between` and of what stands after it."""
        text = prefix + between + suffix
        with self._lock:
            if len(text) > _MOST_CHARS:
                self._last = None
                return FreshTokens(self._tokenizer, prefix, suffix)
            live = self._followed(self._last, text)
            self._last = text if live is None else live
        if live is None:
            return FreshTokens(self._tokenizer, prefix, suffix)
        return FollowedTokens(self.snippet_tokens, live, len(prefix), len(prefix) + len(between))

    def prepare(self) -> None:
        """Tokenise whole what was completed once, for the requests to come. A request that comes meanwhile waits."""
        with self._lock:
            if isinstance(self._last, str):
                self._last = LiveTokens(self._tokenizer, self._last)

    def _followed(self, last: str | LiveTokens | None, text: str) -> LiveTokens | None:
        if last is None:
            return None
        old = last if isinstance(last, str) else last.text
        change = change_between(old, text)
        if 2 * max(change.num_new_chars, change.end_char - change.start_char) > len(text):
            return None
        if isinstance(last, str):
            return LiveTokens(self._tokenizer, text)
        if old != text:
            last.follow(change, text)
        return last


@dataclass(frozen=True, slots=True)
class TokenSplice:
    """The tokens [start_idx, start_idx + num_removed) gave way to `inserted`; equal ends are not counted as changed."""

    start_idx: int
    num_removed: int
    inserted: tuple[int, ...]


class LiveTokens:
    """A text and its tokens, kept right through edits by tokenising only between two safe cuts around each.

    `ids` always equals `tokenizer.encode(text)`. Not safe to share between threads.
    `num_encoded_chars`: how many characters have been given to the tokenizer so far, those of the first text included.
    `is_incremental`: False where no cut can be proved safe for this tokenizer: each edit tokenises the whole text.
    """

    def __init__(self, tokenizer: Tokenizer, text: str = "") -> None:
        self._tokenizer = tokenizer
        self._is_cut = cut_rule(tokenizer)
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
        while char > start_char and not self._is_cut(self._text, char - 1):
            char -= 1
        return max(char, start_char)

    def _first_cut(self, start_char: int, end_char: int) -> int:
        """The first safe cut that text[start_char:end_char] alone decides; `end_char` if none."""
        if self._is_cut is None:
            return end_char
        char = start_char + 1
        while char < end_char and not self._is_cut(self._text, char - 1):
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
