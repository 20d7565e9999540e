"""jedi's own annotated tests as an oracle: what its authors say can stand at a place, or what type an expression has.

Read from `test/completion` of its source distribution. `#? ['name', …]` names completions of the next line, `#? int()`
its type: whatever `dir()` lists for a built-in one may follow a dot after it. A number says the column.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from codeassist.request import CompletionRequest
from codeassist_eval.analysis.places import AskedPlace
from codeassist_eval.errors import EvaluationError
from codeassist_indexer.analysis.text.name_positions import NamePositions

_MARK = re.compile(r"^[ \t]*#\?[ \t]+(?:(?P<column>\d+)[ \t]+)?(?P<says>\S.*)$")
_INSTANCE = re.compile(r"(?<![\w.])(\w+)\(\)(?![\w.(\[])")
_PROBE = re.compile(r"\s*[\w.()\[\]\"', ]+")
_BEGUN = re.compile(r"\w*\Z")
_EXPRESSION = re.compile(
    r"\s*(?!(?:async|def|class|for|with|while|if|elif|else|try|import|from|return|yield|del)\b)[\w\"'(\[{].*[\w)\]]"
)


def annotated_names(folder: Path) -> Mapping[AskedPlace, frozenset[str]]:
    """The places of all files in `folder`, by files and lines, each with names that can stand there.

    Raises EvaluationError where no file has one.
    """
    found = {place: names for path in sorted(folder.glob("*.py")) for place, names in _in_file(folder, path)}
    if not found:
        raise EvaluationError(f"{folder}: no annotated places; give `test/completion` of jedi's source distribution")
    return found


def _in_file(folder: Path, path: Path) -> Iterator[tuple[AskedPlace, frozenset[str]]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    others = [*lines[:1], *(_without_probe(*each) for each in pairwise(lines))]
    for number, (marked, line) in enumerate(pairwise(lines)):
        mark = _MARK.match(marked)
        if mark is None:
            continue
        if mark["says"].startswith("["):
            names = _listed(mark["says"])
            before = line if mark["column"] is None else line[: int(mark["column"])]
            before = before[: _BEGUN.search(before).start()]  # type: ignore[union-attr]
        elif mark["column"] is None and _EXPRESSION.fullmatch(line.rstrip()):
            names = _members(mark["says"])
            before = line.rstrip() + "."
        else:
            continue
        text = "\n".join([*others[: number + 1], before])
        place = NamePositions("python").at_end(text)
        if not names or place is None or place.kind == "keyword" or place.start != len(text):
            continue
        request = CompletionRequest(path.name, text, "\n".join(["", *others[number + 2 :], ""]))
        yield AskedPlace(folder, "python", request, text, place, min(names), False), names


def _without_probe(marked: str, line: str) -> str:
    """The line, or `pass` where it only begins a name for others to complete: nobody would keep it in a file."""
    mark = _MARK.match(marked)
    is_probe = mark is not None and mark["says"].startswith("[") and _PROBE.fullmatch(line)
    return line[: len(line) - len(line.lstrip())] + "pass" if is_probe else line


def _listed(says: str) -> frozenset[str]:
    try:
        listed = ast.literal_eval(says)
    except (ValueError, SyntaxError):
        return frozenset()
    return frozenset(name for name in listed if isinstance(name, str) and name.isidentifier())


def _members(says: str) -> frozenset[str]:
    types = [getattr(builtins, name, None) for name in _INSTANCE.findall(says)]
    return frozenset(name for each in types if isinstance(each, type) for name in dir(each) if name[0] != "_")
