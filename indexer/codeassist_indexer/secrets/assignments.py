"""Secrets that are known by the name they are given: assignments, keys of maps, arguments, headers, options, elements.

A value is judged by how much its name says (`names`), by how it stands there (a literal, bare text of a configuration,
or a bare word of code, which is mostly a variable), and by what it looks like (`plausibility`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import re2

from codeassist_indexer.secrets import names
from codeassist_indexer.secrets.literals import bare, joined, line_before, quoted, rest_of_line, rest_of_word
from codeassist_indexer.secrets.names import Strength, strength_of
from codeassist_indexer.secrets.plausibility import has_letter_and_digit, is_identifier, is_placeholder, is_random

_CLOSED_NAME = rb"(?i)(?:" + names.BEGINNING + rb")[\w.-]*(?:\[\w{0,8}\]|[\"'`\\\])}]){0,4}"
# A name and what says that a value follows, with the space before it.
_ASSIGNED = re2.compile(
    _CLOSED_NAME
    + rb"(?:\s{0,16}(?:=>|->|<-|===?|!==?|[:?+]?=|\|\||::?)\s{0,64}|</(?:key|name)>\s{0,32}<(?:string|value)>|>"
    rb"|,?\s{0,32}[\"']?\b(?:value|content)[\"']?\s{0,4}[=:]\s{0,4})"
)
# A name and a literal behind a bracket, a comma or white space: an argument, an entry, a definition.
_BESIDE_LITERAL = re2.compile(
    _CLOSED_NAME + rb"(?:[ \t]{0,4}[,({][ \t]{0,8}|[ \t]{1,16})[rRbBuUfFlL$@]{0,2}#{0,3}[\"'`]"
)
# Words of a command line: `--password …`, `ENV DB_PASS …`, `#define TOKEN …`, `login me password …`.
_OPTION = re2.compile(
    rb"(?i)(?:(?:^|[\s\"'])--?[\w-]*|\b(?:ENV|ARG|export|set|setx|setenv|define|config set|login\s{1,4}\S{1,64})"
    rb"\s{1,16}(?:--?\w{1,16}\s{1,4})?[\w.-]*)"
    rb"(?:" + names.BEGINNING + rb")[\w.-]*[ \t]{1,16}"
)
_ENTRY = re2.compile(
    rb"(?im)^[ \t]*[\w-]*(?:pass|pwd|auth)[\w-]*[ \t]{1,16}"
)  # `requirepass …`, with nothing behind it
_NAME_AT_END = re.compile(rb"[\w.-]*\Z")
_NAME_RUN = re.compile(rb"[\w.-]*")
_MOST_NAME = 64
_PAIR = re.compile(rb"(?i)\b(?:value|content)\b")
_ANNOTATION = re.compile(rb"[A-Za-z_&<>\[\]., |?*']{1,48}=\s{0,16}(?:[rbufRBUF@$&]{0,2}#{0,2}[\"'`])")
_SCHEME = re.compile(rb"(?i)(?:bearer|basic|token|digest|apikey|api-key|negotiate|bot|sso-key|splunk|flyv1)\s{1,4}")
_COMMENT = re.compile(rb"#|//|/\*|<!--|;;|--\s|\"\"\"|^\s*[*;%]|\bREM\b")
_CONNECTION = re.compile(rb"(?i)(?:host|server|user|username|uid|user id|dbname|database|data source) ?=[^=]*\Z")
_NO_VALUE = re.compile(
    rb"(?i)true|false|yes|no|on|off|null|none|nil|undefined|required|optional|hidden|string|str|text|int|integer|number|bool|boolean|object|array"
    rb"|strict|lax|auto|manual|basic|bearer|plain|enabled?|disabled?|always|never|prompt|ask|sensitive|confidential|encrypted|forgot|forgotten"
    rb"|varchar|char|md5|sha-?\d+|utf-?8|base64|hex|rs256|hs256|es256|oauth2?|v\d+|file|env|generated?|write|read|repo|inherit"
)
_LIKE_CODE = re.compile(
    rb"[a-z]://|^[./~]|^\w+(?:\.\w+)+$|^\w+[(\[]|\\[dwsSWDb]|\(\?|\[\^|^[\w-]+/[\w.+-]+$|[=<>]=|::|^@|^#[0-9a-fA-F]{3,8}$|^--|^\w*%"
    rb"|^[\w.-]+\.\w+:\d+$|\barn:"
)
_ENDS_WITH_NUMBER = re.compile(rb"[A-Za-z_-]+[0-9]{1,3}")
_REFERENCE_START = frozenset(b"$<{[*&!|>%(@?")
_MOST_JUDGED = 512


@dataclass(frozen=True, slots=True)
class Place:
    """The text that is searched. `cursor`: where the user may be writing a value, which is then one from the start."""

    text: bytes
    is_code: bool  # a programming language, where a bare word is a name; otherwise bare words are values
    cursor: int | None = None

    def touches(self, start: int, end: int) -> bool:
        """Say whether the cursor stands in it or at one of its ends."""
        return self.cursor is not None and start <= self.cursor <= end


def assigned_spans(place: Place) -> Iterator[tuple[int, int]]:
    """Yield where values stand whose names say that they are secrets, without their quotes."""
    text = place.text
    done = 0
    for found in _ASSIGNED.finditer(text):
        start, at = found.span()
        if start < done:
            continue
        name_start, name_end, strength = _name(text, start)
        if strength:
            for span in _assigned(place, name_start, text[name_end:at], at, strength):
                yield span
                done = span[1]
    for found in _BESIDE_LITERAL.finditer(text):
        start, at = found.span()
        name_start, name_end, strength = _name(text, start)
        between = text[name_end:at].strip(b" \t")
        is_word = text[name_start:name_end].lower() == b"pass" and between[:1] in b"rRbBuUfF\"'`"  # Python's, English
        is_loose_pair = b"," in between and between[:1] not in b"\"'`"  # not both of them literals: `f(token, "…")`
        literal = quoted(text, at - 1)
        if strength and literal is not None and not is_word and not is_loose_pair:
            start = _behind_scheme(text, literal.start, literal.end)
            if _is_secret(place, start, literal.end, min(strength, Strength.NAMED)):
                yield start, literal.end
                yield from joined(text, literal, place.is_code)
    yield from _words_of_commands(place)


def _name(text: bytes, found_at: int) -> tuple[int, int, Strength]:
    """The whole name around a beginning that was found, and what it says."""
    head = _NAME_AT_END.search(text[max(0, found_at - _MOST_NAME) : found_at])
    start = found_at - (len(head.group()) if head is not None else 0)
    end = _NAME_RUN.match(text, found_at).end()  # pyright: ignore[reportOptionalMemberAccess]
    return start, end, strength_of(text[start:end][-2 * _MOST_NAME :])


def _assigned(place: Place, name_start: int, operator: bytes, at: int, strength: Strength) -> Iterator[tuple[int, int]]:
    text, sign = place.text, operator.strip(b"\"'`\\])} \t\r\n")
    if sign.endswith(b">") and sign not in (b"=>", b"->"):
        end = text.find(b"<", at, at + _MOST_JUDGED)
        end = rest_of_word(text, at, False) if end < 0 else end  # it may be being written
        if end > at and _is_secret(place, at, end, strength):
            yield at, end
        return
    if sign in (b":", b"::"):
        annotation = _ANNOTATION.match(text, at, at + 96)
        at = at if annotation is None else annotation.end() - 1
    literal = quoted(text, at)
    if literal is not None:
        start = _behind_scheme(text, literal.start, literal.end)
        is_phrase = text[name_start:at].rstrip().lower().rstrip(b"=: \"'").endswith((b"phrase", b"mnemonic"))
        if _is_secret(place, start, literal.end, strength, is_phrase=is_phrase):
            yield start, literal.end
            yield from joined(text, literal, place.is_code)
        return
    is_pair = _PAIR.search(operator) is not None
    if sign in (b"=>", b"->", b"<-", b"==", b"===", b"!=", b"!==") or (b"\n" in operator and not is_pair):
        return
    for start, end in _bare_span(place, name_start, at, strength, is_command=False):
        takes_line = not place.is_code and (sign == b":" or b" " in operator) and _starts_line(text, name_start)
        yield start, max(end, rest_of_line(text, start)) if takes_line else end


def _words_of_commands(place: Place) -> Iterator[tuple[int, int]]:
    text = place.text
    for found in _OPTION.finditer(text):
        at = found.end()
        name_end = at - len(text[found.start() : at]) + len(text[found.start() : at].rstrip(b" \t"))
        name_start, _, strength = _name(text, name_end)
        if strength >= Strength.NAMED:
            yield from _bare_span(place, name_start, at, strength, is_command=True)
    if place.is_code:
        return
    for found in _ENTRY.finditer(text):
        at = found.end()
        if strength_of(text[found.start() : at].strip()) is Strength.PASSWORD:
            end = bare(text, at, False)
            if text[end : end + 1] in (b"", b"\n", b"\r") and _is_secret(place, at, end, Strength.NAMED):
                yield at, end


def _bare_span(
    place: Place, name_start: int, at: int, strength: Strength, *, is_command: bool
) -> Iterator[tuple[int, int]]:
    """Judge the bare word at `at`, where it can be a value and no variable."""
    text = place.text
    start = _behind_scheme(text, at, at + 64)
    end = bare(text, start, place.is_code)
    if start == end or (text[start] in _REFERENCE_START and not place.touches(start, end)):
        return
    before = line_before(text, name_start)
    if place.is_code and not is_command and not _is_configuration_inside(before):
        if _is_bare_in_code(place, start, end, strength, before):
            yield start, rest_of_word(text, start, True)
    elif _is_secret(place, start, end, min(strength, Strength.NAMED) if is_command else strength, is_bare=True):
        yield start, rest_of_word(text, start, place.is_code)


def _starts_line(text: bytes, at: int) -> bool:
    return not line_before(text, at).strip(b" \t-\"'")


def _behind_scheme(text: bytes, start: int, end: int) -> int:
    scheme = _SCHEME.match(text, start, max(end, start))
    return start if scheme is None else scheme.end()


def _is_configuration_inside(before: bytes) -> bool:
    """Say whether the name stands in a connection string or a query, though the file is code."""
    if before[-1:] in (b"?", b"&", b";"):
        return True
    is_in_literal = any(before.count(quote) % 2 for quote in (b'"', b"'", b"`"))
    return is_in_literal and _CONNECTION.search(before) is not None


def _is_bare_in_code(place: Place, start: int, end: int, strength: Strength, before: bytes) -> bool:
    value = place.text[start:end]
    if place.touches(start, end) and strength >= Strength.NAMED and _COMMENT.search(before):
        return True
    if len(value) < 8 or not has_letter_and_digit(value) or place.text[end : end + 1] in (b"(", b"[", b"{"):
        return False
    if _COMMENT.search(before):
        is_one = strength is Strength.PASSWORD or is_random(value, 12)
    else:
        is_one = strength >= Strength.NAMED and is_random(value, 16)
    return is_one and not _LIKE_CODE.search(value) and not is_placeholder(value)


def _is_secret(
    place: Place, start: int, end: int, strength: Strength, *, is_bare: bool = False, is_phrase: bool = False
) -> bool:
    value = place.text[start : min(end, start + _MOST_JUDGED)]
    is_written = place.touches(start, end)
    if is_written and strength >= Strength.NAMED and start < end:
        return True
    if strength is Strength.WEAK:
        is_one = is_random(value, 8 if is_written else 20) and not _LIKE_CODE.search(value)
    elif strength is Strength.PASSWORD:
        is_one = _is_password(value, is_bare, is_phrase)
    else:
        is_one = _is_token(value)
    return is_one and not _NO_VALUE.fullmatch(value) and value[-1:] != b":" and not is_placeholder(value)


def _is_token(value: bytes) -> bool:
    if len(value) < 8 or _has_space(value):
        return False
    if not has_letter_and_digit(value):
        return len(value) >= 24 and value.isalpha() and len(re.findall(rb"[a-z]+|[A-Z]+", value)) >= 0.4 * len(value)
    if _LIKE_CODE.search(value):
        return is_random(value.lstrip(b"./~"), 20)
    return not is_identifier(value) and (len(value) >= 16 or _ENDS_WITH_NUMBER.fullmatch(value) is None)


def _is_password(value: bytes, is_bare: bool, is_phrase: bool) -> bool:
    if len(value) < 4:
        return False
    if _has_space(value):
        return is_phrase and 2 <= value.count(b" ") <= 31 and not value[:1].isupper()
    if _LIKE_CODE.search(value) and not (has_letter_and_digit(value) and re.search(rb"[!@#$^&*]", value)):
        return is_random(value.lstrip(b"./~"), 20)
    if has_letter_and_digit(value):
        return len(value) >= 6
    if value.isdigit():
        return True
    return len(value) >= 8 and (
        re.search(rb"[!@#$%^&*+?~]", value) is not None or (value.islower() and (is_bare or value.isalpha()))
    )


def _has_space(value: bytes) -> bool:
    return b" " in value or b"\n" in value or b"\t" in value or b"\r" in value
