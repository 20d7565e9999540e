"""What passes between this process and one that parses files: lines of JSON.

Each side reads only values of the types that it expects: a parser that hostile text has taken over can lie about a
file, and nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from codeassist_indexer.languages.forms.parsed import Chunk, Import, ParsedFile, Symbol


@dataclass(frozen=True, slots=True)
class ParsedText:
    """What parsing yields: `parsed` with each chunk's code tokens joined by spaces, or why there is nothing."""

    parsed: ParsedFile | None
    tokens_by_chunk: tuple[str, ...] = ()
    num_redacted_lines: int = 0
    skip_reason: str | None = None


def question_line(path: str, text: str) -> str:
    """Return the line that asks for a file's text to be parsed."""
    return json.dumps([path, text])


def read_question(line: str) -> tuple[str, str]:
    """Return the path and text of a question."""
    path, text = json.loads(line)
    return path, text


def answer_line(found: ParsedText) -> str:
    """Return the line that answers."""
    parsed = found.parsed
    content: list[Any] | None = None
    if parsed is not None:
        content = [
            parsed.language,
            parsed.has_error,
            [[getattr(symbol, name) for name in _SYMBOL] for symbol in parsed.symbols],
            [[each.module, each.name, each.alias, each.line] for each in parsed.imports],
            [[each.text, each.start_line, each.end_line, each.symbol] for each in parsed.chunks],
            found.tokens_by_chunk,
        ]
    return json.dumps([content, found.num_redacted_lines, found.skip_reason])


def read_answer(line: str) -> ParsedText:
    """Return what a line says. Raises ValueError for anything that `answer_line` does not write."""
    try:
        content, num_redacted_lines, skip_reason = json.loads(line)
        _expect(int, num_redacted_lines)
        if content is None:
            _expect(str, skip_reason)
            return ParsedText(None, (), num_redacted_lines, skip_reason)
        language, has_error, symbols, imports, chunks, tokens = content
        _expect(str, language, *tokens)
        _expect(bool, has_error)
        parsed = ParsedFile(
            language,
            tuple(_symbol(row) for row in symbols),
            tuple(_import(row) for row in imports),
            tuple(_chunk(row) for row in chunks),
            has_error,
        )
    except (TypeError, LookupError, RecursionError) as error:
        raise ValueError(f"no answer of a parser: {error}") from error
    if len(tokens) != len(parsed.chunks):
        raise ValueError(f"{len(tokens)} rows of tokens for {len(parsed.chunks)} chunks")
    return ParsedText(parsed, tuple(tokens), num_redacted_lines)


_SYMBOL = ("name", "qualified_name", "kind", "signature", "doc", "parent", "bases",
           "start_byte", "end_byte", "start_line", "end_line", "name_line")  # fmt: skip
_NUM_SYMBOL_TEXTS = 6


def _symbol(row: list[Any]) -> Symbol:
    texts, bases, numbers = row[:_NUM_SYMBOL_TEXTS], row[_NUM_SYMBOL_TEXTS], row[_NUM_SYMBOL_TEXTS + 1 :]
    _expect(str, *texts, *bases)
    _expect(int, *numbers)
    name, qualified_name, kind, signature, doc, parent = texts
    return Symbol(name, qualified_name, kind, signature, doc, parent, tuple(bases), *numbers)


def _import(row: list[Any]) -> Import:
    module, name, alias, line = row
    _expect(str, module, name, alias)
    _expect(int, line)
    return Import(module, name, alias, line)


def _chunk(row: list[Any]) -> Chunk:
    text, start_line, end_line, symbol = row
    _expect(str, text, symbol)
    _expect(int, start_line, end_line)
    return Chunk(text, start_line, end_line, symbol)


def _expect(kind: type, *values: object) -> None:
    for value in values:
        if type(value) is not kind:
            raise TypeError(f"{type(value).__name__} where {kind.__name__} should be")
