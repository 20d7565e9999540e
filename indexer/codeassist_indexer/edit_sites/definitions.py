"""Which definition each line stands in, from the syntax trees of the files.

Files are parsed while there is time; a line of one that was not parsed stands in no definition.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cachetools import LRUCache

from codeassist_indexer.languages.forms.parsed import Symbol
from codeassist_indexer.languages.parsing.parse import parse_file

MOST_PARSED_CHARS = 300_000
"""A longer file is not parsed between two keystrokes: it would take over 60 ms."""
_MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class FileDefinitions:
    """The definitions of a file in the order of the text; `innermost`: of each line, the number of the one that it
    stands in, -1 for none; `heads`: the lines, from 0, on which a definition begins, with its number."""

    symbols: tuple[Symbol, ...]
    innermost: tuple[int, ...]
    heads: Mapping[int, int]

    def at(self, line: int) -> Symbol | None:
        """Return the innermost definition around a line, from 0."""
        number = self.innermost[line] if 0 <= line < len(self.innermost) else -1
        return self.symbols[number] if number >= 0 else None


NO_DEFINITIONS = FileDefinitions((), (), {})


class DefinitionReader:
    """Reads definitions, and keeps those of the texts that were read last. May be used by several threads."""

    def __init__(self) -> None:
        self._kept: LRUCache[tuple[str, str], FileDefinitions] = LRUCache(_MOST_KEPT)
        self._lock = threading.Lock()

    def read(self, files: Mapping[str, str], should_stop: Callable[[], bool]) -> dict[str, FileDefinitions]:
        """Return the definitions of each file; none of those for which there was no time, or that are too long."""
        found: dict[str, FileDefinitions] = {}
        for path, text in files.items():
            with self._lock:
                known = self._kept.get((path, text))
            if known is None and len(text) <= MOST_PARSED_CHARS and not should_stop():
                known = file_definitions(path, text)
                with self._lock:
                    self._kept[path, text] = known
            found[path] = known if known is not None else NO_DEFINITIONS
        return found


def file_definitions(path: str, text: str) -> FileDefinitions:
    """Parse one file."""
    parsed = parse_file(path, text)
    if parsed is None:
        return NO_DEFINITIONS
    innermost = [-1] * (text.count("\n") + 1)
    heads: dict[int, int] = {}
    for number, symbol in enumerate(parsed.symbols):  # outer ones come first
        start, end = symbol.start_line - 1, min(symbol.end_line - 1, len(innermost))
        innermost[start:end] = [number] * (end - start)
        heads[start] = number
    return FileDefinitions(parsed.symbols, tuple(innermost), heads)
