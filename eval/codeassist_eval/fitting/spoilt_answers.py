"""Places in real code, what was written there, and that spoilt as models spoil it: they go on too long.

A place and its end are found by indentation and brackets alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from codeassist.prompts.templates import special_token_texts

_OPENING = {"(": ")", "[": "]", "{": "}"}
_GOES_ON = (
    "}",
    ")",
    "]",
    "else",
    "elif",
    "except",
    "finally",
    "catch",
    "case",
    "default",
    "*",
    "//",
    "#",
    ".",
    "&&",
    "||",
)
_ONLY_CLOSERS = re.compile(r"[)\]}]+[;,]?")
_MOST_LINES = 20
# "</s>" may be markup, "[PREFIX]" an index, "<filename>" a placeholder.
_TOKENS = sorted(special_token_texts() - {"</s>", "[PREFIX]", "[SUFFIX]", "<filename>", "<reponame>"})


@dataclass(frozen=True, slots=True)
class Case:
    """A cursor, what stood there, and an answer. `spoilt` says with what; None: the answer is the truth."""

    kind: str
    path: str
    prefix: str
    suffix: str
    truth: str
    answer: str
    spoilt: str | None = None


def cases(path: str, source: str, rng: Random) -> Iterator[Case]:
    """The cases around one line of a file, chosen by `rng`; none where the line is blank."""
    lines = source.replace("\r\n", "\n").split("\n")
    number = rng.randrange(len(lines))
    if not lines[number].strip():
        return
    has_crlf = rng.random() < 0.1
    for case in _around(path, lines, number, rng):
        if case.truth.strip():
            yield _with_crlf(case) if has_crlf else case


def _around(path: str, lines: list[str], number: int, rng: Random) -> Iterator[Case]:
    line = lines[number]
    col = rng.randrange(_indent(line), len(line))
    for kind, prefix, truth, following in (
        ("line", [*lines[:number], line[:col]], [line[col:]], lines[number + 1 :]),
        *_statement(lines, number),
        *_cut_off(lines, number, rng),
    ):
        plain = _case(kind, path, prefix, truth, ["", *following])
        yield plain
        yield from _with_next_lines(plain, following, rng)
        yield replace(plain, answer=f"{plain.truth}{rng.choice(_TOKENS)}{plain.truth}", spoilt="a special token")
        if kind == "statement":
            yield from _indented_otherwise(plain)
    yield from _in_brackets(path, lines, number, rng)
    yield from _body(path, lines, number, rng)


def _statement(lines: list[str], number: int) -> Iterator[tuple[str, list[str], list[str], list[str]]]:
    """From a line's indentation to the end of what begins there."""
    line = lines[number]
    if line.lstrip().startswith(_GOES_ON):
        return
    indent = _indent(line)
    end = number + 1
    while end < len(lines):
        other = lines[end]
        if other.strip() and (_indent(other) < indent or (_indent(other) == indent and not _goes_on(other))):
            break
        end += 1
    if end - number <= _MOST_LINES:
        truth = "\n".join(lines[number:end]).rstrip()[indent:]
        yield "statement", [*lines[:number], line[:indent]], [truth], lines[end:]


def _goes_on(line: str) -> bool:
    return line.lstrip().startswith(_GOES_ON) and not line.lstrip().startswith(("#", "//", "case", "default"))


def _cut_off(lines: list[str], number: int, rng: Random) -> Iterator[tuple[str, list[str], list[str], list[str]]]:
    """Any number of lines, as an answer that its length ended: they may begin or leave open what they like."""
    end = number + rng.randrange(2, 8)
    indent = _indent(lines[number])
    truth = [lines[number][indent:], *lines[number + 1 : end]]
    yield "cut off", [*lines[:number], lines[number][:indent]], truth, lines[end:]


def _with_next_lines(plain: Case, following: list[str], rng: Random) -> Iterator[Case]:
    again = "\n".join(following[: rng.randrange(1, 6)])
    if again.strip():
        yield replace(plain, answer=f"{plain.truth}\n{again}", spoilt="the next lines")


def _indented_otherwise(plain: Case) -> Iterator[Case]:
    white = plain.prefix[plain.prefix.rfind("\n") + 1 :]
    if white:
        yield replace(plain, answer=white + plain.truth, spoilt="its indentation again")
    if "\n\t" in plain.truth:
        spaced = re.sub(r"(?<=\n)\t+", lambda tabs: "    " * len(tabs[0]), plain.truth)
        yield replace(plain, answer=spaced, spoilt="spaces for tabs")


def _in_brackets(path: str, lines: list[str], number: int, rng: Random) -> Iterator[Case]:
    """Between two brackets of one line."""
    line = lines[number]
    pairs = [(start, end) for start in range(len(line)) if (end := _end_of_bracket(line, start)) is not None]
    if not pairs:
        return
    start, end = rng.choice(pairs)
    following = lines[number + 1 :]
    plain = _case(
        "brackets", path, [*lines[:number], line[: start + 1]], [line[start + 1 : end]], [line[end:], *following]
    )
    yield plain
    yield replace(plain, answer=plain.truth + line[end], spoilt="the closing bracket")
    if line[end + 1 :].strip():
        yield replace(plain, answer=plain.truth + line[end:], spoilt="the rest of the line")
    if "\n".join(following[:2]).strip():
        answer = "\n".join([plain.truth + line[end:], *following[:2]])
        yield replace(plain, answer=answer, spoilt="the rest and the next lines")


def _end_of_bracket(line: str, start: int) -> int | None:
    if line[start] not in _OPENING:
        return None
    depth = 0
    for at in range(start, len(line)):
        depth += (line[at] in _OPENING) - (line[at] in _OPENING.values())
        if depth == 0:
            return at if line[at] == _OPENING[line[start]] else None
    return None


def _body(path: str, lines: list[str], number: int, rng: Random) -> Iterator[Case]:
    """What a line ends to open, with its closing line after it or without."""
    line = lines[number]
    if not line.rstrip().endswith(("{", ":")):
        return
    indent = _indent(line)
    end = number + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > indent):
        end += 1
    body = lines[number + 1 : end]
    if not body or not body[0].strip() or len(body) > _MOST_LINES:
        return
    inner = body[0][: _indent(body[0])]
    truth = "\n".join(body).rstrip()
    plain = _case("body", path, [*lines[: number + 1], inner], [truth[len(inner) :]], ["", *lines[end:]])
    yield plain
    yield from _with_next_lines(plain, lines[end:], rng)
    if end < len(lines) and line.rstrip().endswith("{") and _ONLY_CLOSERS.fullmatch(lines[end].strip()):
        unclosed = _case("unclosed body", path, lines[: number + 1], ["", truth, lines[end]], ["", *lines[end + 1 :]])
        yield unclosed
        yield from _with_next_lines(unclosed, lines[end + 1 :], rng)


def _case(kind: str, path: str, prefix: list[str], truth: list[str], suffix: list[str]) -> Case:
    text = "\n".join(truth)
    return Case(kind, path, "\n".join(prefix), "\n".join(suffix), text, text)


def _with_crlf(case: Case) -> Case:
    prefix, suffix, truth, answer = (
        text.replace("\n", "\r\n") for text in (case.prefix, case.suffix, case.truth, case.answer)
    )
    return replace(case, prefix=prefix, suffix=suffix, truth=truth, answer=answer)


def is_equal(text: str, truth: str) -> bool:
    """Whether two answers are the same, but for white space at line ends, which trimming takes away."""
    return _tidy(text) == _tidy(truth)


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
