"""What passes between this process and the one that reads open documents: lines of JSON.

Each side reads only values of the types that it expects: a process that hostile text has taken over can lie about that
text, and nothing else.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from codeassist_indexer.fitting.trim import Fitted
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.secrets.redaction import Span

Kind = Literal["imports", "extent", "place", "fit", "secrets"]
Extent = Literal["line", "block"]

_WORD = re.compile(r"\w+")

GONE: Literal["gone"] = "gone"
"""The answer about a place that the process does not have, or no longer."""


def question_line(kind: Kind, *values: str | int | bool | None) -> str:
    """Return the line that asks something."""
    return json.dumps([kind, *values])


def read_question(line: str) -> tuple[Kind, list[Any]]:
    """Return what is asked, of what."""
    kind, *values = json.loads(line)
    return kind, values


def answer_line(answer: object) -> str:
    """Return the line that answers."""
    return json.dumps({"answer": answer})


def failure_line(why: str) -> str:
    """Return the line that says that there is no answer."""
    return json.dumps({"failed": why})


def read_answer(line: str) -> object:
    """Return what a line answers. Raises ValueError for a failure, and for a line that nobody here writes."""
    try:
        said = json.loads(line)
    except RecursionError as error:
        raise ValueError("an answer that is nested too deeply") from error
    if isinstance(said, dict) and "answer" in said:
        return said["answer"]
    why = said.get("failed") if isinstance(said, dict) else None
    raise ValueError(f"it failed: {why[:4_000]}" if isinstance(why, str) else "no answer of a reader")


def imports_as_json(found: tuple[Import, ...]) -> list[list[str | int]]:
    """Return imports as what `imports_of_json` reads."""
    return [[each.module, each.name, each.alias, each.line] for each in found]


def imports_of_json(value: object) -> tuple[Import, ...]:
    """Return the imports of an answer. Raises ValueError."""
    found: list[Import] = []
    for row in value if isinstance(value, list) else [None]:
        match row:
            case [str(module), str(name), str(alias), int(line)]:
                found.append(Import(module, name, alias, line))
            case _:
                raise ValueError("no imports")
    return tuple(found)


def extent_of_json(value: object) -> Extent:
    """Return how much is to be suggested. Raises ValueError."""
    if value not in ("line", "block"):
        raise ValueError("no extent")
    return "block" if value == "block" else "line"


def spans_of_json(value: object) -> list[Span]:
    """Return where secrets stand. Raises ValueError; `masked` does for what does not fit the text."""
    found: list[Span] = []
    for row in value if isinstance(value, list) else [None]:
        match row:
            case [int(start), int(end)]:
                found.append((start, end))
            case _:
                raise ValueError("no spans")
    return found


def nothing_of_json(value: object) -> bool:
    """Return that something was done. Raises ValueError."""
    if value is not True:
        raise ValueError("not done")
    return True


def fitted_of_json(value: object, answer: str, around: tuple[str, str]) -> Fitted | Literal["gone"]:
    """Return a model's answer as it was fitted between two texts, or GONE. Raises ValueError.

    It brings no word that neither the answer nor one of the texts `around` the cursor has, and takes the place of
    nothing but some of what the cursor's line goes on with.
    """
    before, behind = around
    match value:
        case "gone":
            return GONE
        case [str(text), int(num_replaced)] if 0 <= num_replaced <= len(behind.partition("\n")[0]):
            if all(word in answer or word in before or word in behind for word in _WORD.findall(text)):
                return Fitted(text, num_replaced)
        case _:
            pass
    raise ValueError("no answer of a model, fitted")
