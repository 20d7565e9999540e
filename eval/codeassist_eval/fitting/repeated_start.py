"""Places at which the answer begins again with what stands before the cursor: the word, or the line."""

from __future__ import annotations

from random import Random

from codeassist_eval.fitting.fit_place import FitPlace
from codeassist_eval.fitting.source_file import SourceFile


def repeated_start_place(file: SourceFile, rng: Random) -> FitPlace | None:
    """The cursor stands in a line, and the answer is that line from its first character on."""
    lines = file.text.split("\n")
    number = rng.randrange(len(lines))
    line = lines[number]
    indent = len(line) - len(line.lstrip())
    if len(line) < indent + 2:
        return None
    at = rng.randrange(indent + 1, len(line))
    prefix = "".join(f"{each}\n" for each in lines[:number]) + line[:at]
    suffix = "".join(f"\n{each}" for each in lines[number + 1 :])
    return FitPlace("repeated-start", file.path, prefix, suffix, line[indent:], (file.text, prefix + suffix))
