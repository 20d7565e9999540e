"""The tokens of a file's text before and after a cursor: from scratch, or followed from the last request on.

Both ways give the same tokens: the second only tokenises less.
"""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import Protocol

from codeassist.document import change_between
from codeassist.tokenization.live_tokens import LiveTokens
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

    def __init__(self, snippet_tokens: SnippetTokens, live: LiveTokens, cursor: int) -> None:
        self._snippet_tokens = snippet_tokens
        self._live = live
        self._cursor = cursor

    def before(self, start_char: int) -> list[int]:
        """As `FileTokens`."""
        return self._live.between(start_char, self._cursor)

    def after(self, num_chars: int) -> list[int]:
        """As `FileTokens`."""
        return self._live.between(self._cursor, min(self._cursor + num_chars, len(self._live.text)))

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

    def at(self, prefix: str, suffix: str) -> FileTokens:
        """The tokens of the document that now reads `prefix` + `suffix`, for this one request."""
        text = prefix + suffix
        with self._lock:
            if len(text) > _MOST_CHARS:
                self._last = None
                return FreshTokens(self._tokenizer, prefix, suffix)
            live = self._followed(self._last, text)
            self._last = text if live is None else live
        if live is None:
            return FreshTokens(self._tokenizer, prefix, suffix)
        return FollowedTokens(self.snippet_tokens, live, len(prefix))

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
