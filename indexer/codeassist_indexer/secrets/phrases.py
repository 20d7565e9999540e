"""Secrets known by the words around them: passwords of URLs and commands, headers, web keys, lone random text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import re2

from codeassist_indexer.secrets.assignments import Place
from codeassist_indexer.secrets.literals import line_before
from codeassist_indexer.secrets.plausibility import (
    entropy_bits,
    has_letter_and_digit,
    is_identifier,
    is_placeholder,
    is_random,
)


@dataclass(frozen=True, slots=True)
class _Phrase:
    """The secret is group 1 of `pattern`; one of `words` stands before it on its line; `is_secret` judges it."""

    pattern: object
    is_secret: Callable[[bytes], bool]
    words: tuple[bytes, ...] = ()
    is_open: bool = False  # holds only at the cursor: what closes it is still to come


def _is_chosen(value: bytes) -> bool:
    return len(value) >= 3 and not is_placeholder(value)


def _is_generated(value: bytes) -> bool:
    return len(value) >= 12 and has_letter_and_digit(value) and not is_identifier(value) and not is_placeholder(value)


def _is_dense(value: bytes) -> bool:
    """Lone literals: long, of all kinds of characters, with the entropy of generated text."""
    if value.startswith((b"sha256-", b"sha384-", b"sha512-")):  # of a page's own scripts and styles
        return False
    kinds = (any(c in value for c in b"0123456789"), value.lower() != value, value.upper() != value)
    return all(kinds) and is_random(value, 32) and entropy_bits(value) >= 4.3


_PHRASES = (
    _Phrase(rb"://[^\s:/@'\"{}<>$]{0,64}:([^\s/@'\"{}<>`|\\]{1,200})@", _is_chosen),
    _Phrase(rb"[a-z]://([0-9A-Za-z_.~-]{16,200})@", _is_generated),
    _Phrase(rb"[a-z]://[^\s:/@'\"{}<>$]{0,64}:([^\s:/@'\"{}<>`|\\]{1,200})", _is_chosen, is_open=True),
    _Phrase(rb"(?i)\bbearer[ :]{1,4}[\"']?([^\s\"'`,;<>(){}$\\]{12,})", _is_generated),
    _Phrase(rb"(?i)\bbasic[ :]{1,4}[\"']?([0-9A-Za-z+/=_-]{12,})", _is_generated),
    _Phrase(
        rb"\s(?:-u|--user|--proxy-user)[ =]?[\"']?[^\s:\"'$]{1,64}:([^\s\"'$]{1,128})",
        _is_chosen,
        (b"curl", b"http", b"wget"),
    ),
    _Phrase(
        rb"\s-p[ ]?[\"']?([^\s\"'$-][^\s\"']{0,128})",
        _is_chosen,
        (b"mysql", b"mariadb", b"sshpass", b"docker login", b"podman login", b"helm registry", b"az login", b"kinit"),
    ),
    _Phrase(rb"\s-a[ ]?[\"']?([^\s\"'$-][^\s\"']{0,128})", _is_chosen, (b"redis-cli",)),
    _Phrase(rb"\s-w[ ]?[\"']?([^\s\"'$-][^\s\"']{0,128})", _is_chosen, (b"ldap",)),
    _Phrase(rb"\b(?:pass|-k|passin|passout)[ :=](?:pass:)([^\s\"'$]{1,128})", _is_chosen, (b"openssl",)),
    _Phrase(
        rb"(?i)\bidentified\s{1,4}(?:with\s{1,4}\S{1,40}\s{1,4})?by\s{1,4}(?:password\s)?['\"]([^'\"\n]{1,128})",
        _is_chosen,
    ),
    _Phrase(
        rb"(?i)\bpassword\s{1,4}'([^'\n]{1,128})'", lambda value: _is_chosen(value) and has_letter_and_digit(value)
    ),
    _Phrase(rb"\"(?:d|k|p|q|dp|dq|qi)\"\s{0,4}:\s{0,4}\"([0-9A-Za-z_-]{22,})\"", _is_generated),
    _Phrase(rb"[\"'`]([0-9A-Za-z+/_=-]{32,128})[\"'`]", _is_dense),
    _Phrase(rb"(?m)^[\w.*-]{1,64}:\d{1,5}:[\w*]{1,64}:[\w*]{1,64}:(\S{1,128})$", _is_chosen),  # pgpass
    _Phrase(rb"(?i)\bConvertTo-SecureString\s{1,4}(?:-String\s)?[\"']([^\"'\n]{1,128})", _is_chosen),
)
_WORD, _WORD_BEFORE = re.compile(rb"[0-9A-Za-z+/_=-]*"), re.compile(rb"[0-9A-Za-z+/_=-]*\Z")
_WEB_HOST = re.compile(rb"(?:http|ws)s?://[^/]*\Z")
_MOST_WRITTEN = 256
_COMPILED = tuple((phrase, re2.compile(phrase.pattern)) for phrase in _PHRASES)


def phrase_spans(place: Place) -> Iterator[tuple[int, int]]:
    """Yield where such secrets stand; also random text that is being written, whatever it will be."""
    if place.cursor is not None:
        start, end = _word_around(place.text, place.cursor)
        if is_random(place.text[start:end], 12):
            yield start, end
    for phrase, pattern in _COMPILED:
        if phrase.words and not any(word in place.text for word in phrase.words):
            continue
        for found in pattern.finditer(place.text):
            start, end = found.span(1)
            is_written = place.touches(start, end)
            if phrase.is_open and (not is_written or _is_port(place.text, start, end)):
                continue
            if phrase.words and not any(word in line_before(place.text, start) for word in phrase.words):
                continue
            if is_written or phrase.is_secret(place.text[start:end]):
                yield start, end


def _is_port(text: bytes, start: int, end: int) -> bool:
    return text[start:end].isdigit() and _WEB_HOST.search(text[max(0, start - 80) : start]) is not None


def _word_around(text: bytes, cursor: int) -> tuple[int, int]:
    before = _WORD_BEFORE.search(text[max(0, cursor - _MOST_WRITTEN) : cursor])
    after = _WORD.match(text, cursor, cursor + _MOST_WRITTEN)
    start = cursor - (len(before.group()) if before is not None else 0)
    return start, after.end() if after is not None else cursor
