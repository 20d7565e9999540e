"""Keys, tokens and passwords taken out of a text, byte for byte, so that the code around them stays where it is.

Everything runs in time linear in the text: RE2, and looks of bounded length at each place that it finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codeassist_indexer.secrets.assignments import Place, assigned_spans
from codeassist_indexer.secrets.blocks import block_spans, key_spans
from codeassist_indexer.secrets.phrases import phrase_spans
from codeassist_indexer.secrets.token_formats import token_spans

# Languages in which a bare word is a name. Everywhere else (YAML, INI, shell, prose, no suffix) it is a value.
_CODE_SUFFIXES = (
    ".py", ".pyi", ".pyx", ".java", ".kt", ".kts", ".scala", ".groovy", ".gradle", ".ts", ".tsx", ".js", ".jsx",
    ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte", ".cs", ".fs", ".go", ".rs", ".c", ".h", ".cc", ".cpp", ".cxx",
    ".hpp", ".hh", ".m", ".mm", ".swift", ".rb", ".php", ".pl", ".pm", ".lua", ".r", ".jl", ".dart", ".ex", ".exs",
    ".erl", ".hs", ".ml", ".clj", ".zig", ".nim", ".d", ".sql", ".css", ".scss", ".less", ".proto", ".graphql",
    ".json", ".map", ".ipynb",
)  # fmt: skip
_NOT_A_LINE_END = re.compile(rb"[^\n\r]")

Span = tuple[int, int]
"""A half-open range of bytes."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """A text without its secrets, and the lines (from 1) on which one stood. The length in UTF-8 bytes is unchanged."""

    text: str
    lines: tuple[int, ...]


def redact(text: str, path: str = "") -> Redaction:
    """Replace private keys, tokens and passwords by asterisks. `path` says by its end whether bare words are names.

    Only the secret goes, not its line: the code around it still parses and can still be found.
    """
    spans = secret_spans(text, path)
    encoded = text.encode("utf-8", "surrogatepass")
    return Redaction(masked(text, spans), _lines(encoded, spans) if spans else ())


def redact_around(prefix: str, suffix: str, path: str = "") -> tuple[str, str]:
    """Return the texts before and after a cursor without the secrets of both together, also one that it stands in.

    What is being written at the cursor as the value of a secret's name, or behind a service's marker, goes from its
    first character on.
    """
    return masked_around(prefix, suffix, secret_spans(prefix + suffix, path, cursor=len(prefix)))


def secret_spans(text: str, path: str = "", cursor: int | None = None) -> list[Span]:
    """Return where in a text's UTF-8 bytes secrets stand: in order, without overlap, each of whole characters.

    `cursor`: the offset, in characters, at which one may be being written.
    """
    encoded = text.encode("utf-8", "surrogatepass")
    at = None if cursor is None else len(text[:cursor].encode("utf-8", "surrogatepass"))
    return _merged(encoded, _spans(Place(encoded, path.lower().endswith(_CODE_SUFFIXES), cursor=at)))


def masked(text: str, spans: Sequence[Span]) -> str:
    """Return the text with an asterisk for each of its UTF-8 bytes in the spans, but for line ends.

    Raises ValueError for spans that `secret_spans` returns for no text that is encoded as this one.
    """
    if not spans:
        return text
    encoded = text.encode("utf-8", "surrogatepass")
    done = 0
    for start, end in spans:
        if not done <= start < end <= len(encoded):
            raise ValueError(f"no span of this text: {start} to {end}")
        done = end
    return _without(encoded, spans).decode("utf-8", "surrogatepass")


def masked_around(prefix: str, suffix: str, spans: Sequence[Span]) -> tuple[str, str]:
    """As `masked`, for the texts before and after a cursor and the spans of both together."""
    left = masked(prefix + suffix, spans).encode("utf-8", "surrogatepass")
    at = len(prefix.encode("utf-8", "surrogatepass"))
    return left[:at].decode("utf-8", "surrogatepass"), left[at:].decode("utf-8", "surrogatepass")


def _spans(place: Place) -> Iterator[Span]:
    yield from token_spans(place.text, place.cursor)
    yield from key_spans(place.text, place.cursor)
    yield from phrase_spans(place)
    yield from assigned_spans(place)
    if not place.is_code:
        yield from block_spans(place.text)


def _merged(text: bytes, spans: Iterator[Span]) -> list[Span]:
    """The spans in order, without overlap, each of whole characters."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        while start > 0 and text[start] & 0xC0 == 0x80 if start < len(text) else False:
            start -= 1
        while end < len(text) and text[end] & 0xC0 == 0x80:
            end += 1
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif start < end:
            merged.append((start, end))
    return merged


def _without(text: bytes, spans: Sequence[Span]) -> bytes:
    pieces: list[bytes] = []
    done = 0
    for start, end in spans:
        pieces += [text[done:start], _NOT_A_LINE_END.sub(b"*", text[start:end])]
        done = end
    return b"".join([*pieces, text[done:]])


def _lines(text: bytes, spans: Sequence[Span]) -> tuple[int, ...]:
    lines: set[int] = set()
    line, done = 1, 0
    for start, end in spans:
        line += text.count(b"\n", done, start)
        done = start
        lines.update(line + at for at, piece in enumerate(text[start:end].split(b"\n")) if piece.strip())
    return tuple(sorted(lines))
