"""Extension blocks of C# 14, `extension(Order order) { … }` in a static class, levelled for a grammar without them.

Their members then stand in the class itself, where methods with `this` for their first parameter stand, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from codeassist_indexer.languages.forms.mend import blanked
from codeassist_indexer.languages.forms.signatures import one_line

_HEAD = re.compile(
    rb"^[ \t]*(?P<head>extension\s*(?:<[^(){};]*?>)?\s*\((?:[^(){};]|\([^(){};]*\))*\)(?:\s*where\b[^{};]*)?)\s*\{",
    re.MULTILINE,
)
_BRACE_OR_NO_CODE = re.compile(
    rb"//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)|\"\"\"(?:[^\"]|\"(?!\"\"))*(?:\"\"\"|\Z)|@\$?\"(?:[^\"]|\"\")*(?:\"|\Z)"
    rb"|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|(?P<brace>[{}])"
)


@dataclass(frozen=True, slots=True)
class _Block:
    """Where a block's head begins, its braces stand, and its head as one line."""

    start_byte: int
    opened_byte: int
    closed_byte: int
    head: str


def level_extensions(source: bytes) -> bytes:
    """Return the text, as long as before, without the heads and braces of extension blocks."""
    blocks = _blocks(source)
    if not blocks:
        return source
    parts: list[bytes] = []
    end = 0
    for block in blocks:
        opened = block.opened_byte + 1
        parts += [source[end : block.start_byte], blanked(source[block.start_byte : opened])]
        parts += [source[opened : block.closed_byte], b" "]
        end = block.closed_byte + 1
    return b"".join([*parts, source[end:]])


def extension_head(source: bytes, byte_offset: int) -> str:
    """Return the head of the block that an offset lies in, "" for none."""
    around = (block for block in _blocks(source) if block.opened_byte < byte_offset < block.closed_byte)
    return next((block.head for block in around), "")


@lru_cache(maxsize=2)
def _blocks(source: bytes) -> tuple[_Block, ...]:
    """All blocks of a text whose braces close; none of them holds another."""
    return tuple(_read(source)) if b"extension" in source else ()


def _read(source: bytes) -> Iterator[_Block]:
    end = 0
    while (match := _HEAD.search(source, end)) is not None:
        end = match.end()
        closed = _closing_brace(source, end)
        if closed is None:
            return
        start, last = match.span("head")
        yield _Block(start, end - 1, closed, one_line(source, start, last))
        end = closed + 1


def _closing_brace(source: bytes, start_byte: int) -> int | None:
    depth = 1
    for match in _BRACE_OR_NO_CODE.finditer(source, start_byte):
        brace = match["brace"]
        if brace is not None:
            depth += 1 if brace == b"{" else -1
            if depth == 0:
                return match.start()
    return None
