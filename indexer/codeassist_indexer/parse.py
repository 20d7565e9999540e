"""One file's text to its symbols, imports and chunks.

Knows nothing about files, hashes or databases: the caller reads the text and keeps the result.
"""

from __future__ import annotations

from functools import cache

from tree_sitter import Query, QueryCursor

from codeassist_indexer.chunks import cut_chunks
from codeassist_indexer.imports import import_patterns, read_imports
from codeassist_indexer.languages import grammar, language_of, parser
from codeassist_indexer.parsed import ParsedFile
from codeassist_indexer.symbols import read_symbols, symbol_patterns


@cache
def _query(language: str) -> Query:
    """Symbols and imports in one query: the tree is walked once."""
    return Query(grammar(language), symbol_patterns(language) + "\n" + import_patterns(language))


def parse_file(path: str, text: str) -> ParsedFile | None:
    """What the index keeps of a file, or None where no grammar reads its path. Never raises for any text."""
    language = language_of(path, text)
    if language is None:
        return None
    # Lone surrogates come from file names and undecodable bytes; their three bytes are an error node to the parser.
    source = text.encode("utf-8", "surrogatepass")
    root = parser(language).parse(source).root_node
    captures = QueryCursor(_query(language)).captures(root)
    symbols = read_symbols(language, captures, source)
    return ParsedFile(
        language=language,
        symbols=symbols,
        imports=read_imports(language, captures, source),
        chunks=cut_chunks(root, text, symbols),
        has_error=root.has_error,
    )
