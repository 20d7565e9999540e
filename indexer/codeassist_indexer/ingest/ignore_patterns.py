"""Rules of ignore files: which path each of them matches, as git's own `wildmatch.c` and `dir.c` decide it.

Git matches bytes, not characters, and each folder of a path for itself: a rule here matches exactly the path that it is
asked about, never what lies below. What git does where its manual says nothing (a trailing backslash, a class without
end, `**` after letters) is as in git 2.39. Patterns come from strangers: RE2 matches them in time linear in the path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import re2

_MOST_RULES = 4_000  # of one file
_MOST_RULE_BYTES = 512
_PART = 200  # rules that are compiled into one automaton
_SLASH, _STAR, _BACKSLASH, _BRACKET = b"/*\\["
_SPECIAL = re.compile(rb"[*?\[\\]")
_NAME_CLASSES = {
    b"alnum": b"0-9A-Za-z", b"alpha": b"A-Za-z", b"blank": b" \t", b"cntrl": b"\1-\x1f\x7f", b"digit": b"0-9",
    b"graph": b"!-~", b"lower": b"a-z", b"print": b" -~", b"punct": b"!-/:-@[-`{-~", b"space": b" \t\n\r",
    b"upper": b"A-Z", b"xdigit": b"0-9A-Fa-f",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: `regex` must match the whole name, or with `is_path` the whole path from the file's folder on."""

    regex: bytes
    is_path: bool
    is_negated: bool
    is_folder_only: bool


class IgnoreSpec:
    """Rules of one file, of which the last that matches counts. Of one file no more than _MOST_RULES are looked at."""

    def __init__(self, rules: Sequence[Rule], ignores_case: bool = False) -> None:
        self.takes_back = any(rule.is_negated for rule in rules)
        self._rules = rules
        self._ignores_case = ignores_case
        self._parts = [
            part for start in range(0, len(rules), _PART) for part in _compiled(range(start, start + _PART), rules)
        ]

    def verdict(self, path: str, is_folder: bool = False) -> bool | None:
        """Return True for an ignored path, False for one that was taken back, None where no rule says anything.

        `path` is relative to the folder that the rules stand in. Folders above it are not looked at.
        """
        text = os.fsencode(path)
        if self._ignores_case:
            text = text.lower()
        name = text.rpartition(b"/")[2]
        for part in reversed(self._parts):
            found = [*part.names_matching(name), *part.paths_matching(text)]
            for number in sorted(found, reverse=True):
                rule = self._rules[number]
                if is_folder or not rule.is_folder_only:
                    return not rule.is_negated
        return None

    def covers(self, path: str) -> bool:
        """Say whether the rules ignore the file or any folder above it."""
        parts = path.split("/")
        folders = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        return self.verdict(path) is True or any(self.verdict(folder, True) for folder in folders)


def ignore_spec(lines: Iterable[bytes], ignores_case: bool = False) -> IgnoreSpec | None:
    """Return the rules that lines come to, None where there are none. `ignores_case`: as with `core.ignoreCase`."""
    parsed = [rule for rule in (parse_rule(line, ignores_case) for line in lines) if rule is not None]
    return IgnoreSpec(parsed[:_MOST_RULES], ignores_case) if parsed else None


def lines_of(content: bytes) -> list[bytes]:
    """Split an ignore file as git does: at line feeds alone, without a byte order mark."""
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return [line.removesuffix(b"\r") for line in lines[:-1]] + lines[-1:]


def parse_rule(line: bytes, ignores_case: bool = False) -> Rule | None:
    """Return the rule of a line; None for a comment, a line that can match nothing, and one that is too long."""
    line = _without_trailing_spaces(line.partition(b"\0")[0])
    if line.startswith(b"#") or len(line) > _MOST_RULE_BYTES:
        return None
    is_negated = line.startswith(b"!")
    pattern = line[1:] if is_negated else line
    is_folder_only = pattern.endswith(b"/")
    pattern = pattern[:-1] if is_folder_only else pattern
    is_path = b"/" in pattern
    if is_path:
        pattern = pattern.removeprefix(b"/")
    regex = _regex(pattern, is_path, ignores_case) if pattern else None
    return None if regex is None else Rule(regex, is_path, is_negated, is_folder_only)


def _without_trailing_spaces(line: bytes) -> bytes:
    bare = line.rstrip(b" ")
    num_backslashes = len(bare) - len(bare.rstrip(b"\\"))
    return bare + b" " if num_backslashes % 2 and len(bare) < len(line) else bare


def _regex(pattern: bytes, is_path: bool, ignores_case: bool) -> bytes | None:
    """Return what RE2 matches as wildmatch does; None for what matches nothing. As there, `**` may also stand at the
    pattern's first special character: git compares the letters before it first, and begins anew behind them."""
    special = _SPECIAL.search(pattern)
    begin = at = special.start() if special else len(pattern)
    parts = [_literal(pattern[:begin], ignores_case)]
    while at < len(pattern):
        byte = pattern[at]
        if byte == _BRACKET:
            found = _bracket(pattern, at + 1, ignores_case)
            if found is None:
                return None
            part, at = found
        elif byte == _STAR:
            part, at = _stars(pattern, at, begin, is_path)
        elif byte == _BACKSLASH:
            part, at = _literal(pattern[at + 1 : at + 2], ignores_case), at + 2
            if at > len(pattern):
                return None
        else:
            part, at = (b"[^/]" if byte == ord("?") else _literal(pattern[at : at + 1], ignores_case)), at + 1
        parts.append(part)
    return b"".join(parts)


def _literal(text: bytes, ignores_case: bool) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in (text.lower() if ignores_case else text))


def _stars(pattern: bytes, at: int, begin: int, is_path: bool) -> tuple[bytes, int]:
    end = at
    while pattern[end : end + 1] == b"*":
        end += 1
    is_double = end - at > 1 and is_path
    after = pattern[end : end + 2]
    if is_double and (at == begin or pattern[at - 1] == _SLASH) and (after[:1] in (b"", b"/") or after == b"\\/"):
        return (b"(?:(?s:.*)/)?", end + 1) if after[:1] == b"/" else (b"(?s:.*)", end)
    return b"[^/]*", end


def _bracket(pattern: bytes, at: int, ignores_case: bool) -> tuple[bytes, int] | None:
    """Return a class as RE2 writes it, and where it ends; None for one that matches nothing. `at`: after the `[`."""
    is_negated = pattern[at : at + 1] in (b"!", b"^")
    at += is_negated
    first = at
    members: set[int] = set()
    previous = 0  # the character that a range may begin with
    while at == first or pattern[at : at + 1] != b"]":
        byte = pattern[at] if at < len(pattern) else 0
        if byte == ord("-") and previous and pattern[at + 1 : at + 2] not in (b"", b"]"):
            at += 1 + (pattern[at + 1] == _BACKSLASH)
            if at >= len(pattern):
                return None
            members |= _range(previous, pattern[at], ignores_case)
            previous = 0
        elif byte == _BRACKET and pattern[at + 1 : at + 2] == b":":
            end = pattern.find(b"]", at + 2)
            if end < 0:
                return None
            if pattern[end - 1] == ord(":") and end - 1 >= at + 2:
                ranges = _NAME_CLASSES.get(pattern[at + 2 : end - 1])
                if ranges is None:
                    return None
                members |= _named(ranges, ignores_case)
                previous, at = 0, end
            else:
                members.add(_BRACKET)
                previous = _BRACKET
        else:
            at += byte == _BACKSLASH
            if at >= len(pattern):
                return None
            previous = pattern[at]
            members.add(previous)
        at += 1
    if is_negated:
        members = set(range(1, 256)) - members
    members.discard(_SLASH)
    return (b"[%s]" % b"".join(b"\\x%02x" % member for member in sorted(members)), at + 1) if members else None


def _range(first: int, last: int, ignores_case: bool) -> set[int]:
    members = set(range(first, last + 1))
    return members | {each + 32 for each in members if 65 <= each <= 90} if ignores_case else members


def _named(ranges: bytes, ignores_case: bool) -> set[int]:
    members: set[int] = set()
    for first, last in re.findall(rb"(?s)(.)(?:-(.))?", ranges):
        members |= _range(ord(first), ord(last or first), ignores_case)
    return members


@dataclass(frozen=True, slots=True)
class _Part:
    """Rules as two automata: one for names, one for paths. `names` and `paths` are the rules' places in the file."""

    name_set: re2.Set | None
    path_set: re2.Set | None
    names: Sequence[int]
    paths: Sequence[int]

    def names_matching(self, name: bytes) -> list[int]:
        return [self.names[index] for index in self.name_set.Match(name) or ()] if self.name_set else []

    def paths_matching(self, path: bytes) -> list[int]:
        return [self.paths[index] for index in self.path_set.Match(path) or ()] if self.path_set else []


def _compiled(numbers: Sequence[int], rules: Sequence[Rule]) -> list[_Part]:
    """The rules as sets that RE2's memory holds: halved until it does."""
    numbers = [number for number in numbers if number < len(rules)]
    names = [number for number in numbers if not rules[number].is_path]
    paths = [number for number in numbers if rules[number].is_path]
    try:
        return [_Part(_set([rules[n] for n in names]), _set([rules[n] for n in paths]), names, paths)]
    except re2.error:
        middle = len(numbers) // 2
        return [*_compiled(numbers[:middle], rules), *_compiled(numbers[middle:], rules)] if middle else []


def _set(rules: Sequence[Rule]) -> re2.Set | None:
    if not rules:
        return None
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    made = re2.Set.FullMatchSet(options)
    for rule in rules:
        made.Add(rule.regex)
    made.Compile()
    return made
