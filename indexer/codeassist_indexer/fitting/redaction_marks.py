"""The asterisks that stand for a secret in what a model reads of a repository: nobody wants them in a file. Pure."""

from __future__ import annotations

import re

# Four or more of them as a value or a part of one; pointers to pointers stand elsewhere, and rules are longer.
_MARK = re.compile(r"(?<=[\w\"'`=:@])[ \t]?\*{4,16}(?![*/\w])")


def without_redaction(text: str, line: str) -> str:
    """The answer up to the first line that holds such a mark; `line` is what stands before it on the cursor's line."""
    found = _MARK.search(line + text)
    return text if found is None else text[: text.rfind("\n", 0, max(0, found.start() - len(line))) + 1].rstrip("\n")
