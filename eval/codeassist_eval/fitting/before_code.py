"""Places directly before code: the answer is the line above it, with its line end and the next indentation or without.

Without them showing nothing is right too.
"""

from __future__ import annotations

from random import Random

from codeassist_eval.fitting.fit_place import FitPlace
from codeassist_eval.fitting.source_file import SourceFile


def before_code_place(file: SourceFile, rng: Random) -> FitPlace | None:
    """Of two lines below each other that are indented alike the first is not there yet."""
    lines = file.text.split("\n")
    number = rng.randrange(len(lines))
    line, below = lines[number], lines[number + 1] if number + 1 < len(lines) else ""
    white = line[: len(line) - len(line.lstrip())]
    if not line.strip() or not below.strip() or below[: len(below) - len(below.lstrip())] != white:
        return None
    prefix = "".join(f"{each}\n" for each in lines[:number]) + white
    suffix = "\n".join([below[len(white) :], *lines[number + 2 :]])
    answer, accepted = line[len(white) :], (file.text, prefix + suffix)
    if rng.random() < 0.5:
        answer, accepted = f"{answer}\n{white}", (file.text,)
    return FitPlace("before-code", file.path, prefix, suffix, answer, accepted)
