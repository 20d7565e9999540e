"""What parsing one file yields: symbols, imports, chunks. Values only; knows no parser and no database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named definition. Offsets are bytes of the UTF-8 text, lines count from 1; both half-open.

    `kind`: "module", "class", "interface", "enum", "struct", "trait", "function", "method", "constructor",
    "field", "constant", "type". `qualified_name` is dotted inside the file (`Outer.Inner.method`). `signature` is the
    definition's head on one line with no body (`def f(a: int) -> str`, `class A(Base)`). `doc` is the first line of
    its documentation or "". `parent` is the enclosing symbol's qualified name or "". `bases` are the names of the
    supertypes as written. `name_line` is the line that the name stands on.
    """

    name: str
    qualified_name: str
    kind: str
    signature: str
    doc: str
    parent: str
    bases: tuple[str, ...]
    start_byte: int
    end_byte: int
    start_line: int
    end_line: int
    name_line: int


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name. `from pkg.mod import a as b` gives module "pkg.mod", name "a", alias "b".

    `module` is as written (leading dots and "./" kept); `name` is "" for a whole module and "*" for all of it;
    `alias` is the name bound in this file.
    """

    module: str
    name: str
    alias: str
    line: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of whole lines cut at syntax boundaries; the chunks of a file cover it without overlap.

    Lines count from 1, half-open. A line too long for one chunk is cut into pieces that share its number.
    """

    text: str
    start_line: int
    end_line: int
    symbol: str  # qualified name of the symbol that the chunk belongs to, or ""


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """All that the index keeps of one file. `has_error`: the tree holds error nodes (what parsed still counts)."""

    language: str
    symbols: tuple[Symbol, ...]
    imports: tuple[Import, ...]
    chunks: tuple[Chunk, ...]
    has_error: bool
