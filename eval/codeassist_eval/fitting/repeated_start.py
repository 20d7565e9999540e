"""Places at which the answer begins again with what stands before the cursor, or only seems to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from codeassist_eval.fitting.fit_place import FitPlace
from codeassist_eval.fitting.source_file import SourceFile

# What ends at the cursor: a word, a dotted name, an attribute or key with its open quote, a tag.
_PIECES = (
    re.compile(r"[^\W\d]\w*\Z"),
    re.compile(r"[^\W\d][\w$]*(?:(?:\.|::|->)[\w$]*)+\Z"),
    re.compile(r"[\w:@-]+=[\"'][^\"'\n]*\Z"),
    re.compile(r"<[A-Za-z][^<>\n]*\Z"),
)


def repeated_start_place(file: SourceFile, rng: Random) -> FitPlace | None:
    """The cursor stands in a line; the answer is the rest of it behind one of the pieces before the cursor, or alone.

    A piece may be missing in the answer's first place only where the file itself is to result; else nothing may be
    shown as well.
    """
    lines = file.text.split("\n")
    number = rng.randrange(len(lines))
    line = lines[number]
    indent = len(line) - len(line.lstrip())
    if len(line) < indent + 2:
        return None
    at = rng.randrange(indent + 1, len(line))
    start = sum(len(each) + 1 for each in lines[:number])
    again = rng.choice(["", *dict.fromkeys(_before(file, line, indent, at, start))])
    prefix, suffix = file.text[: start + at], file.text[start + len(line) :]
    accepted = (file.text, prefix + suffix) if again else (file.text,)
    return FitPlace("repeated-start", file.path, prefix, suffix, again + line[at:], accepted)


def _before(file: SourceFile, line: str, indent: int, at: int, start: int) -> Iterator[str]:
    """The pieces of a line that end at the cursor."""
    typed = line[:at]
    yield typed[indent:]
    yield typed
    for piece in _PIECES:
        if (found := piece.search(typed)) is not None:
            yield found[0]
    opened = max(typed.rfind(quote) for quote in "\"'`")
    if opened > indent and file.token_kind(start + at - 1) == "string" and file.token_kind(start + opened - 1) is None:
        yield typed[opened:]
