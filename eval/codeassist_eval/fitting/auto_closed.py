"""Places in a line of which the editor has closed what is open at the cursor; the answer is the rest of the line.

Where the line opens what only later ones close, the answer goes on to there in half of the places.
"""

from __future__ import annotations

from random import Random

from codeassist_eval.fitting.auto_closing import Editor, typed_columns
from codeassist_eval.fitting.fit_place import FitPlace
from codeassist_eval.fitting.source_file import SourceFile

_MOST_LINES = 20
_EDITORS: tuple[Editor, ...] = ("vscode", "nvim")


def auto_closed_place(file: SourceFile, rng: Random) -> FitPlace | None:
    """One place in a line drawn at random; None where nothing in it stands open."""
    lines = file.text.split("\n")
    number = rng.randrange(len(lines))
    line = lines[number]
    start = sum(len(each) + 1 for each in lines[:number])
    places = [
        typed
        for typed in typed_columns(file, start, line, rng.choice(_EDITORS))
        if typed.closers and line[typed.col :].strip()
    ]
    if not places:
        return None
    typed = rng.choice(places)
    answer = [line[typed.col :]]
    if rng.random() < 0.5:
        answer += lines[number + 1 : _end_of_block(lines, number)]
    prefix = file.text[: start + typed.col]
    following = lines[number + len(answer) :]
    suffix = "\n".join([typed.closers, *following])
    return FitPlace("auto-closed", file.path, prefix, suffix, "\n".join(answer), (file.text,))


def _end_of_block(lines: list[str], number: int) -> int:
    """The number of the line below what the line opens: deeper lines, and the one that closes them."""
    indent = _indent(lines[number])
    end = number + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > indent):
        end += 1
    is_closed = end < len(lines) and lines[end].lstrip()[0] in ")]}<" and _indent(lines[end]) == indent
    has_block = end > number + 1 and lines[number + 1].strip() and is_closed and end - number < _MOST_LINES
    return end + 1 if has_block else number + 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
