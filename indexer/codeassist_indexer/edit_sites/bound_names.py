"""Names that mean something at a line: parameters around it, what was bound above it, what the file defines or imports.

Read from the text by what bindings look like in the languages together: names of blocks that have ended count too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from codeassist.edits.proposals.replacement import NAME
from codeassist_indexer.edit_sites.call_lists import own_name, parameters
from codeassist_indexer.edit_sites.definitions import FileDefinitions
from codeassist_indexer.edit_sites.outdated_uses import HEAD_LINES
from codeassist_indexer.languages.parsing.symbols import FUNCTION_KINDS

_BINDING = re.compile(
    r"\b(?:let|const|var|val|auto|for|as|def|class|func|fn|function|struct|enum|interface|trait|type)\s+"
    r"(?:mut\s+|\(\s*)?(?P<word>[^\W\d]\w*)"
    r"|\b(?P<short>[^\W\d]\w*)\s*:="
    r"|^\s*(?P<plain>[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*)\s*(?::[^=\n]+)?=(?![=>])"
    r"|\b(?P<type>[^\W\d][\w.]*)(?:<[^<>\n]*>)?(?:\[\])?[*&\s]+(?P<typed>[^\W\d]\w*)\s*(?:=(?![=>])|;|:\s)"
)
_NO_TYPE = frozenset({"return", "throw", "new", "delete", "yield", "await", "case", "goto", "else", "in", "not", "del"})
_IMPORT = re.compile(r"^\s*(?:import|from|use|using|#include)\b")


def bound_names(lines: Sequence[str], definitions: FileDefinitions, line: int, language: str | None) -> set[str]:
    """Return the names that are bound at a line (from 0) of a file."""
    found: set[str] = set()
    start = line
    for symbol in definitions.symbols:  # outer ones come first
        if symbol.kind in FUNCTION_KINDS and symbol.start_line - 1 <= line < symbol.end_line - 1:
            head = parameters(lines[symbol.start_line - 1 : symbol.start_line - 1 + HEAD_LINES], symbol.name)
            entries = () if head is None else head.entries
            found |= {name for entry in entries if (name := own_name(entry, language)) is not None}
            start = min(start, symbol.start_line)
    for number, text in enumerate(lines):
        is_around = start <= number < line
        if is_around or not text[:1].isspace():
            found |= _bound_in(text)
        if _IMPORT.match(text):
            found |= set(NAME.findall(text))
    return found


def _bound_in(line: str) -> set[str]:
    found: set[str] = set()
    for match in _BINDING.finditer(line):
        if match["typed"] is not None and match["type"] in _NO_TYPE:
            continue
        for group in ("word", "short", "plain", "typed"):
            if match[group] is not None:
                found |= set(NAME.findall(match[group]))
    return found
