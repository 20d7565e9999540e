"""A notebook as one text around one of its cells: the other cells as the cell's language reads them. Pure.

IPython's magics and shell lines are no Python: what a cell holds of them becomes a comment of as many lines, or the
call that IPython makes of it, so that whoever reads the text as Python can.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from codeassist_indexer.fitting.lexing.scan import scan
from codeassist_indexer.languages.client_ids import language_of_id
from codeassist_indexer.languages.registry import comment_prefix, imports_of_language
from codeassist_lsp.documents.open_document import CursorContext, well_formed, with_newlines

MARKDOWN = "markdown"
_NEAR_CHARS = 4_000  # of the cells before: where there are more, what they import is said again before these
_MOST_CHARS = 400_000  # on each side
_MOST_IMPORT_LINES = 30
_MAGIC = re.compile(r"[ \t]*(?:%{1,2}[A-Za-z_]|!{1,2}|\?{1,2}[\w.]|[\w.]+\?{1,2}[ \t]*$)")
_ASSIGNED = re.compile(r"([ \t]*[A-Za-z_][\w.]*(?:[ \t]*,[ \t]*\w+)*[ \t]*=[ \t]*)([%!])[ \t]*(\S.*)$")
_CELL_MAGIC = re.compile(r"\s*%%(\w+)")
_OF_PYTHON = frozenset({"time", "timeit", "capture", "prun", "debug", "python", "python3", "pypy", "memit", "mprun"})
"""Magics of a whole cell whose other lines are Python all the same."""


@dataclass(frozen=True, slots=True)
class CellText:
    """One cell: its text, whether it is code, and its language as far as that is known."""

    text: str
    is_code: bool
    language: str | None


def in_notebook(own: CursorContext, cells: Sequence[CellText], number: int) -> CursorContext:
    """Where a cursor in the cell `number` stands, with the other cells before and after it, in their order.

    What cells after it import is said before all others. Code of other languages is left out; what a notebook says in
    words is a comment in code, and code is fenced among words.
    """
    cell = cells[number]
    foreign = _foreign_language(own.prefix + own.suffix) if cell.language == "python" else None
    if foreign is not None:
        return replace(own, language=foreign.language, has_names=False)
    before = [_read_as(cell, each) for each in cells[:number]]
    after = [_read_as(cell, each) for each in cells[number + 1 :]]
    prefix, line = own.prefix[: own.prefix.rfind("\n") + 1], own.prefix[own.prefix.rfind("\n") + 1 :]
    rest, newline, suffix = own.suffix.partition("\n")
    has_names = True
    if cell.language == "python":
        has_names = _MAGIC.match(line + rest) is None or _is_inside(prefix)
        prefix, suffix = without_magics(prefix), without_magics(suffix)
    lead = _lead(list(filter(None, before)), list(filter(None, after)), cell.language)
    tail = _joined(after)[:_MOST_CHARS].rstrip("\n")
    end = suffix if not tail else f"{suffix.rstrip(chr(10))}\n\n{tail}\n" if suffix.strip() else f"\n{tail}\n"
    return replace(own, prefix=lead + prefix + line, suffix=rest + (newline or ("\n" if tail else "")) + end,
                   has_names=has_names)  # fmt: skip


def without_magics(text: str) -> str:
    """A cell's text as Python alone; of the same lines."""
    if not any(mark in text for mark in "%!?"):
        return text
    lines = text.split("\n")
    for number, line in enumerate(lines):
        is_magic, assigned = _MAGIC.match(line) is not None, _ASSIGNED.match(line)
        if (not is_magic and assigned is None) or _is_inside("\n".join(lines[:number])):
            continue
        if is_magic or assigned is None:
            lines[number] = f"# {line}"
        else:
            target, mark, said = assigned.groups()
            lines[number] = f"{target}get_ipython().{'run_line_magic' if mark == '%' else 'getoutput'}({said!r})"
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Foreign:
    language: str | None


def _foreign_language(text: str) -> _Foreign | None:
    """What a cell is in that a magic hands to another program; None for Python."""
    found = _CELL_MAGIC.match(text)
    if found is None or found[1] in _OF_PYTHON:
        return None
    return _Foreign({"js": "javascript", "svg": "xml"}.get(found[1]) or language_of_id(found[1]))


def _is_inside(before: str) -> bool:
    """Whether what comes after a text is in a string or brackets of it, where lines may begin with anything."""
    state = scan(before[-8_000:], "python")
    return bool(state.opened) or state.literal in ('"""', "'''")


def _read_as(cell: CellText, other: CellText) -> str:
    """Another cell's text for who is in this one; "" for what says nothing there."""
    text = well_formed(with_newlines(other.text)).strip("\n")
    if not text.strip():
        return ""
    if cell.language == MARKDOWN:
        return text if not other.is_code else f"```{other.language or ''}\n{text}\n```"
    if not other.is_code:
        mark = comment_prefix(cell.language or "")
        return "\n".join(f"{mark} {line}".rstrip() for line in text.split("\n"))
    if other.language != cell.language:
        return ""
    if cell.language != "python":
        return text
    if _foreign_language(text) is not None:
        return "\n".join(f"# {line}" for line in text.split("\n"))
    return without_magics(text)


def _lead(before: list[str], after: list[str], language: str | None) -> str:
    """What stands before a cell: imports of the cells after it, then the cells before it."""
    near: list[str] = []
    while before and (not near or len(before[-1]) + sum(map(len, near)) <= _NEAR_CHARS):
        near.insert(0, before.pop())
    later = _imports(after, language)
    said_again = _imports(before, language) if before else []
    return _joined(["\n".join(later), _joined(before)[-_MOST_CHARS:], "\n".join(said_again), *near])


def _joined(cells: Iterable[str]) -> str:
    return "".join(f"{stripped}\n\n" for each in cells if (stripped := each.strip("\n")))


def _imports(cells: Iterable[str], language: str | None) -> list[str]:
    """The statements of cells that import and are part of no other, each once."""
    return list(dict.fromkeys(each for cell in cells for each in _imports_in(cell, language)))


def _imports_in(text: str, language: str | None) -> Iterator[str]:
    rules = imports_of_language(language)
    lines = iter(text.split("\n") if rules is not None else ())
    for line in lines:
        if line[:1].isspace() or rules is None or rules.line.match(f"\n{line}") is None:
            continue
        statement = [line]
        while _is_open("\n".join(statement)) and len(statement) < _MOST_IMPORT_LINES:
            further = next(lines, None)
            if further is None:
                break
            statement.append(further)
        yield "\n".join(statement)


def _is_open(text: str) -> bool:
    return any(text.count(one) > text.count(other) for one, other in ("()", "[]", "{}"))
