"""Where the value behind a name begins and ends: a literal in any language's quotes, or bare text as in configuration.

Offsets are bytes. Nothing is looked at further than a fixed distance from where the value begins, so that a text full
of names costs no more than its length: each pattern here is a run of characters, tried at one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MOST = 4_096  # bytes of a value on one line
_MOST_LINES = 16_384  # of one that has several
_QUOTE = re.compile(
    rb"(?:[({\[]\s{0,64}){0,2}(?:[rRbBuUfFlL$@]{1,2}|b?r#{0,3}|&|new String\(|String\.raw|SecretStr\(|Secret\()?"
    rb"(\"\"\"|'''|\\?[\"'`]|&quot;|\[\[)"
)
_IN_QUOTES = {
    b'"': re.compile(rb'[^"\\\n\r]*(?:\\[^\n\r][^"\\\n\r]*)*'),
    b"'": re.compile(rb"[^'\\\n\r]*(?:\\[^\n\r][^'\\\n\r]*)*"),
    b"`": re.compile(rb"(?s)[^`\\]*(?:\\.[^`\\]*)*"),
}
_LINE = re.compile(rb"[^\n\r]*")
_JOINED = re.compile(rb"\s{0,64}(?:\+|\.\.?|&|<>|\\\r?\n)\s{0,64}(?:[rRbBuUfF]{1,2})?([\"'`])")
_JOINED_IN_CODE = re.compile(rb"\s{1,64}(?:[rRbBuUfF]{1,2})?([\"'])")
_MOST_PIECES = 64
_BARE = re.compile(rb"[^\s\"'`,;<>=]*={0,2}(?![\w.-])|[^\s\"'`,;<>=]*")
_BARE_IN_CODE = re.compile(rb"[^\s\"'`,;<>(){}\[\]&|=]*={0,2}(?![\w.-])|[^\s\"'`,;<>(){}\[\]&|=]*")
_RUN = re.compile(rb"[^\s\"'`,;<>]*")
_RUN_IN_CODE = re.compile(rb"[^\s\"'`,;<>(){}\[\]&|]*")
_TRAILING_COMMENT = re.compile(rb"\s(?:#|;|//)")


@dataclass(frozen=True, slots=True)
class Literal:
    """The text between quotes, which `end` may not have closed, and the literals that are joined to it."""

    start: int
    end: int
    after: int  # behind the closing quote


def quoted(text: bytes, at: int) -> Literal | None:
    """Return the literal that begins at `at`, behind brackets and prefixes; None where no quote stands there."""
    opening = _QUOTE.match(text, at, at + 160)
    return None if opening is None else _inside(text, opening.end(), opening.group(1))


def joined(text: bytes, literal: Literal, is_code: bool) -> Iterator[tuple[int, int]]:
    """Yield the literals that are joined to one that is closed, by a sign or, in code, by standing next to it."""
    at = literal.after
    if at == literal.end:
        return
    for _ in range(_MOST_PIECES):
        found = _JOINED.match(text, at, at + 160) or (_JOINED_IN_CODE.match(text, at, at + 80) if is_code else None)
        if found is None:
            return
        piece = _inside(text, found.end(), found.group(1))
        yield piece.start, piece.end
        at = piece.after
        if at == piece.end:
            return


def bare(text: bytes, at: int, is_code: bool) -> int:
    """Return where the word ends that begins at `at`: at white space, a quote, a separator, or another assignment."""
    end = (_BARE_IN_CODE if is_code else _BARE).match(text, at, at + 512).end()  # pyright: ignore[reportOptionalMemberAccess]
    return end - 1 if end > at and text[end - 1] == 0x2E else end


def rest_of_word(text: bytes, at: int, is_code: bool) -> int:
    """As `bare`, over equal signs."""
    return (_RUN_IN_CODE if is_code else _RUN).match(text, at, at + _MOST).end()  # pyright: ignore[reportOptionalMemberAccess]


def rest_of_line(text: bytes, at: int) -> int:
    """Return where the value ends that takes the rest of its line, without a comment behind it."""
    end = _line_end(text, at, at + _MOST)
    comment = _TRAILING_COMMENT.search(text, at, end)
    end = comment.start() if comment is not None else end
    return at + len(text[at:end].rstrip())


def line_before(text: bytes, at: int, most: int = 256) -> bytes:
    """Return what stands before `at` on its line, at most so many bytes of it."""
    piece = text[max(0, at - most) : at]
    return piece[max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1 :]


def _line_end(text: bytes, at: int, limit: int) -> int:
    return _LINE.match(text, at, limit).end()  # pyright: ignore[reportOptionalMemberAccess]


def _inside(text: bytes, start: int, quote: bytes) -> Literal:
    """The text between quotes and where the code goes on. Open ones end with their line."""
    if quote in (b'"""', b"'''", b"[[", b"&quot;"):
        closing = b"]]" if quote == b"[[" else quote
        end = text.find(closing, start, start + _MOST_LINES)
        if end >= 0:
            return Literal(start, end, end + len(closing))
    elif quote.startswith(b"\\"):
        end = text.find(quote, start, _line_end(text, start, start + _MOST))
        if end >= 0:
            return Literal(start, end, end + 2)
    else:
        end = _IN_QUOTES[quote].match(text, start, start + _MOST).end()  # pyright: ignore[reportOptionalMemberAccess]
        if text[end : end + 1] == quote:
            return Literal(start, end, end + 1)
    end = _line_end(text, start, start + _MOST)
    return Literal(start, end, end)
