"""Places below a line that opens a block: the answer is its body, as it stands in the file or indented otherwise."""

from __future__ import annotations

import textwrap
from random import Random

from codeassist_eval.fitting.fit_place import FitPlace
from codeassist_eval.fitting.source_file import SourceFile

_MOST_LINES = 20
_ONLY_CLOSERS = frozenset(")]};,")


def block_place(file: SourceFile, rng: Random) -> FitPlace | None:
    """One block drawn at random; None where the line drawn opens none."""
    lines = file.text.split("\n")
    number = rng.randrange(len(lines))
    header = lines[number].rstrip()
    end = number + 1
    while end < len(lines) and (not lines[end].strip() or _white(lines[end]) > _white(header)):
        end += 1
    while end > number + 1 and not lines[end - 1].strip():
        end -= 1
    body = lines[number + 1 : end]
    if not header.endswith(("{", ":", "=>", "->", "do", "then")) or not 0 < len(body) <= _MOST_LINES:
        return None
    white = body[0][: len(body[0]) - len(body[0].lstrip())]
    if not body[0].strip() or any(each.strip() and not each.startswith(white) for each in body):
        return None
    prefix = "".join(f"{each}\n" for each in lines[: number + 1]) + white
    suffix = "".join(f"\n{each}" for each in lines[end:])
    text = "\n".join(body)
    answer = rng.choice(
        [
            text[len(white) :],  # as it stands there
            text,  # with the indentation that stands before the cursor
            textwrap.dedent(text),  # from the margin on
            f"\n\n\n{text}",  # lines below the cursor's own
        ]
    )
    return FitPlace("block", file.path, prefix, suffix, answer, (file.text,))


def _white(line: str) -> int:
    return len(line) - len(line.lstrip())
