"""Half-written text made whole enough to parse: with a name at the place, and the brackets that the rest needs.

The truth after the cursor is not there yet; a brace that it will open is missing until then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from codeassist_indexer.analysis.declared.declared_project import is_script, read_file
from codeassist_indexer.analysis.declared.types import DeclaredFile
from codeassist_indexer.analysis.text.lexer import closed_between, lex_end, open_braces, unopened

PLACEHOLDER = "codeassistName"
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class HalfWritten:
    """A text around a place, parsed twice: whole with a name there, and without its line.

    `file` is read from the text without the line: what a half-written line does to the rest of a class, nobody knows.
    """

    text: str
    before: str
    root: Node
    placeholder: Node | None
    offset: int
    file: DeclaredFile
    file_root: Node
    file_offset: int


def make_whole(language: str, path: str, before: str, suffix: str) -> HalfWritten:
    """Parse the text around a place."""
    line_start = before.rfind("\n") + 1
    rest_of_line, newline, below = suffix.partition("\n")
    closers_below = unopened(language, below)
    needed = closers_below.count("}")
    above = before[:line_start]
    end_above = lex_end(language, above)
    missing_above = max(0, needed - open_braces(above, end_above))
    closed = closed_between(_open_at(above, end_above.brackets), closers_below)
    without_line = above + closed + " {" * missing_above + newline + below
    file, file_root = read_file(path, language, without_line)

    end = lex_end(language, before)
    closers = "" if rest_of_line.strip() else _same_line_closers(before, end.brackets, line_start)
    if closers_below and not rest_of_line.strip() and "}" not in closers:
        closers = closed_between(_open_at(before, end.brackets), closers_below) or closers
    num_open = open_braces(before, end) - closers.count("}")
    missing = max(0, needed - num_open) if not rest_of_line.strip() else 0
    after = closers + (" {" * missing if missing else _terminator(language, before, end.brackets, rest_of_line))
    text = before + PLACEHOLDER + after + suffix
    _, root = read_file(path, language, text)
    offset = len(before.encode("utf-8", "surrogatepass"))
    leaf = root.descendant_for_byte_range(offset, offset + len(PLACEHOLDER))
    is_there = leaf is not None and leaf.text is not None and leaf.text.decode("utf-8", "replace") == PLACEHOLDER
    file_offset = len(above.encode("utf-8", "surrogatepass"))
    return HalfWritten(text, before, root, leaf if is_there else None, offset, file, file_root, file_offset)


def _open_at(text: str, brackets: tuple[int, ...]) -> str:
    return "".join(text[offset] for offset in brackets)


def _same_line_closers(before: str, brackets: tuple[int, ...], line_start: int) -> str:
    """What closes the round and square brackets that the line has opened; the text below closes the earlier ones."""
    closers = ""
    for offset in reversed(brackets):
        if offset < line_start or before[offset] == "{":
            break
        closers += _CLOSERS[before[offset]]
    return closers


def _terminator(language: str, before: str, brackets: tuple[int, ...], rest_of_line: str) -> str:
    if is_script(language) or rest_of_line.strip():
        return ""
    line_start = before.rfind("\n") + 1
    is_in_call = any(offset < line_start and before[offset] in "([" for offset in brackets[-1:])
    if is_in_call or re.search(r"\b(?:case|import)\b[^;{}]*\Z", before[line_start:]):
        return ""
    return ";"
