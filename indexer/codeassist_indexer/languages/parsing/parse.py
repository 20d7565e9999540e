"""One file's text to its symbols, imports and chunks.

The caller reads the text and keeps the result.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache, partial
from time import thread_time

from tree_sitter import Node, Query, QueryCursor

from codeassist_indexer.languages.forms.parsed import Import, ParsedFile
from codeassist_indexer.languages.parsing.chunks import cut_chunks
from codeassist_indexer.languages.parsing.imports import import_patterns, read_imports
from codeassist_indexer.languages.parsing.symbols import read_symbols, symbol_patterns
from codeassist_indexer.languages.parsing.trees import errors_query, read_tree
from codeassist_indexer.languages.registry import grammar, indexed_language_of, language_in, parser, spec_of

PARSE_LIMIT_S = 4.0
"""Processor time for one file. 1 MB of code takes about 0.2 s, of one literal 1.7 s, of `a, a, ...` in a .c file 16 s
(one core of an AMD EPYC, 2026-11)."""

READ_BYTES = 1 << 16
_NO_CODE = ("comment", "string", "text", "content", "fragment")
"""What the names of the grammars' nodes have in them that hold words, not code."""
_KEPT_LINES = 64


@cache
def _query(language: str) -> Query:
    """Symbols and imports in one query: the tree is walked once."""
    return Query(grammar(language), symbol_patterns(language) + "\n" + import_patterns(language))


@cache
def _imports_query(language: str) -> Query:
    return Query(grammar(language), import_patterns(language))


def parse_imports(path: str, text: str, told: str | None = None) -> tuple[Import, ...]:
    """The imports that `parse_file` would find, in a third of the time; of a text in the language `told`, if any."""
    spec = spec_of(language_in(told, path, text))
    language = spec.name if spec is not None and spec.grammar is not None else None
    source = text.encode("utf-8", "surrogatepass")
    root = _mended_tree(language, source) if language is not None else None
    if language is None or root is None:
        return ()
    return read_imports(language, QueryCursor(_imports_query(language)).captures(root), source)


def parse_file(path: str, text: str) -> ParsedFile | None:
    """What the index keeps of a file, or None for one that no index holds. Never raises for any text."""
    language = indexed_language_of(path, text)
    if language is None:
        return None
    # Lone surrogates come from file names and undecodable bytes; their three bytes are an error node to the parser.
    source = text.encode("utf-8", "surrogatepass")
    root = _mended_tree(language, source)
    if root is None:
        return ParsedFile(language, symbols=(), imports=(), chunks=cut_chunks(None, text, ()), has_error=True)
    captures = QueryCursor(_query(language)).captures(root)
    symbols = read_symbols(language, captures, source)
    return ParsedFile(
        language=language,
        symbols=symbols,
        imports=read_imports(language, captures, source),
        chunks=cut_chunks(root, text, symbols),
        has_error=root.has_error,
    )


def num_syntax_errors(path: str, text: str, limit_s: float) -> int | None:
    """How many places of a text do not parse; None where nobody can say, or not within so much processor time."""
    language = indexed_language_of(path, text)
    root = (
        _tree(language, text.encode("utf-8", "surrogatepass"), thread_time() + limit_s)
        if language is not None
        else None
    )
    if language is None or root is None:
        return None
    return len(QueryCursor(errors_query(language)).captures(root).get("error", ())) if root.has_error else 0


@lru_cache(maxsize=_KEPT_LINES)
def code_lines(path: str, text: str, name: str, limit_s: float) -> frozenset[int] | None:
    """The lines, from 0, on which a name stands as code: in no comment, string or prose. None where nobody can say, or
    not within so much processor time. What was asked last is kept."""
    language = indexed_language_of(path, text)
    source = text.encode("utf-8", "surrogatepass")
    root = _tree(language, source, thread_time() + limit_s) if language is not None else None
    if root is None:
        return None
    found: set[int] = set()
    pattern = rb"(?<![\w$])" + re.escape(name.encode("utf-8", "surrogatepass")) + rb"(?![\w$])"
    for match in re.finditer(pattern, source):
        node = root.descendant_for_byte_range(match.start(), match.end())
        if node is not None and not any(kind in node.type for kind in _NO_CODE):
            found.add(source.count(b"\n", 0, match.start()))
    return frozenset(found)


def _mended_tree(language: str, source: bytes) -> Node | None:
    return read_tree(language, source, partial(_tree, language, until_s=thread_time() + PARSE_LIMIT_S))


def _tree(language: str, source: bytes, until_s: float) -> Node | None:
    """The root of the tree, or None where the parser is not done when this thread's time is `until_s`."""
    this_parser = parser(language)
    try:
        return this_parser.parse(
            lambda byte_offset, _: source[byte_offset : byte_offset + READ_BYTES],
            progress_callback=lambda byte_offset, has_error: thread_time() > until_s,
        ).root_node
    except ValueError:  # what the binding raises for a parse that its callback stopped
        this_parser.reset()  # else the next parse would go on with this text
        return None
