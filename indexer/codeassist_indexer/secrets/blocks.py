"""Secrets of several lines: private keys in armour, Kubernetes Secrets, block scalars behind a secret's name.

A key whose end is missing, as while it is pasted or cut, ends with the last line that can belong to one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import re2

from codeassist_indexer.secrets.names import Strength, strength_of

_BEGIN = re2.compile(
    rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?(?:-----|--?-?-?)?|PuTTY-User-Key-File-\d"
    rb"|-----BEGIN AGE ENCRYPTED FILE-----|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"
)
_END = re2.compile(
    rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|Private-MAC: ?[0-9a-f]*|-----END AGE ENCRYPTED FILE-----"
    rb"|---- END SSH2 ENCRYPTED PRIVATE KEY ----"
)
# Quotes, signs of comments and of joined literals may stand around a key's line; one line may hold several, escaped.
_KEY_LINE = re2.compile(
    rb"[\s\"'`+\\|>#*/;,().-]*(?:(?:[0-9A-Za-z+/_-]|\\[nr])*={0,2}(?:\\[nr])*|[A-Z][\w-]{1,24}: [\w ,./@()+=-]{0,120}"
    rb"|(?:[0-9A-Za-z+/=]{40,} )+[0-9A-Za-z+/=]*)[\s\"'`+\\;,().]*(?:\\[nr])?[\s\"'`+\\;,().]*"
)
_MOST_BYTES = 65_536
_MOST_LINES = 2_000

_KIND_SECRET = re2.compile(rb"(?m)^\s{0,8}[\"']?kind[\"']?\s{0,4}:\s{0,4}[\"']?Secret\b")
_SECRET_DATA = re2.compile(rb"(?m)^([ \t]*)[\"']?(?:data|stringData)[\"']?[ \t]*:[ \t]*[{]?[ \t]*\r?$")
_ENTRY = re2.compile(rb"^[ \t]+[\"']?[\w.-]{1,128}[\"']?[ \t]*:[ \t]*[\"']?([^\s\"'{}#][^\n\r\"']*)")
_BLOCK_SCALAR = re2.compile(
    rb"(?m)^([ \t]*(?:- )?)[\"']?([\w.-]{1,128})[\"']?[ \t]*:[ \t]*(?:![\w/]+[ \t]+)?"
    rb"[|>][+-]?\d?[+-]?[ \t]*(?:#[^\n]*)?\r?$"
)


def key_spans(text: bytes, cursor: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield where private keys stand, between their first and last line; also what is left of one without either.

    A line of one in which `cursor` stands is being written, and belongs to it however short it is.
    """
    if b"-----" not in text and b"PuTTY" not in text and b"---- BEGIN" not in text:
        return
    ends = [found.span() for found in _END.finditer(text)]
    starts_of_ends = [start for start, _ in ends]
    done = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() >= done:
            start = begin.end()
            next_end = bisect_left(starts_of_ends, start)
            is_closed = next_end < len(ends) and starts_of_ends[next_end] - start <= _MOST_BYTES
            done = _last_key_line(text, start, starts_of_ends[next_end] if is_closed else None, cursor)
            if text[start:done].strip(b"\"'`;,)\r\n "):
                yield start, done
    done = 0
    for start_of_end, end in ends:
        start = _first_key_line(text, start_of_end, done)
        if start < start_of_end:
            yield start, start_of_end
        done = end


def block_spans(text: bytes) -> Iterator[tuple[int, int]]:
    """Yield the values of YAML's block scalars that are named like secrets, and those of Kubernetes Secrets."""
    done = 0
    for found in _BLOCK_SCALAR.finditer(text):
        if found.start() >= done and strength_of(text[slice(*found.span(2))]) >= Strength.NAMED:
            for start, done in _deeper_lines(text, found.end(), found.end(1) - found.start(1)):
                yield start, done
    if _KIND_SECRET.search(text) is None:
        return
    for found in _SECRET_DATA.finditer(text):
        for start, end in _deeper_lines(text, found.end(), found.end(1) - found.start(1)):
            entry = _ENTRY.match(text[start:end])
            yield (start, end) if entry is None else (start + entry.start(1), start + entry.end(1))


def _deeper_lines(text: bytes, at: int, indentation: int) -> Iterator[tuple[int, int]]:
    for _ in range(_MOST_LINES):
        start = text.find(b"\n", at) + 1
        if not start:
            return
        end = text.find(b"\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end]
        if line.strip():
            if len(line) - len(line.lstrip(b" \t")) <= indentation:
                return
            yield start, end
        at = end


def _last_key_line(text: bytes, start: int, closed_at: int | None, cursor: int | None) -> int:
    """Return where a key ends that begins at `start`: before the first line that cannot belong to one."""
    end, limit = start, min(len(text), start + _MOST_BYTES) if closed_at is None else closed_at
    while end < limit:
        line_end = text.find(b"\n", end, limit)
        line_end = limit if line_end < 0 else line_end
        line = text[end:line_end]
        is_surely = closed_at is not None or (cursor is not None and end <= cursor <= line_end)
        if _KEY_LINE.fullmatch(line) is None or (not is_surely and _is_word(line)):
            break
        end = min(limit, line_end + 1)
    return end


def _first_key_line(text: bytes, end: int, least: int) -> int:
    start = end
    while start > max(least, end - _MOST_BYTES):
        line_start = text.rfind(b"\n", max(0, start - 1_000), max(0, start - 1)) + 1
        line = text[line_start:start].rstrip(b"\r\n")
        if line_start < least or _KEY_LINE.fullmatch(line) is None or _is_word(line):
            break
        start = line_start
        if not line_start:
            break
    return start


def _is_word(line: bytes) -> bool:
    """Say whether a line that could stand in a key is rather a word of code: `else`, `end`."""
    core = line.replace(b"\\n", b"").strip(b" \t\r\"'`+\\;,().")
    return 0 < len(core) < 16 and core.isalpha()
