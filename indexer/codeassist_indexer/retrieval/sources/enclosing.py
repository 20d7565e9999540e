"""The function and the type that a cursor stands in, read from the lines above it by their indentation.

Knows no parser and no index: a statement that is half written, which no parser makes sense of, changes nothing here,
and neither does an index that is a moment behind. Code without indentation has no enclosing anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from codeassist_indexer.languages.registry import blocks_of
from codeassist_indexer.languages.spec import IndentedBlocks, WordBlocks
from codeassist_indexer.retrieval.query.cursor_query import IDENTIFIER

_MAX_LINES_UP = 2_000
_TYPE = re.compile(
    r"^[^()=\"']*?\b(?:class|interface|struct|enum|trait|record|impl|object|protocol|extension|actor|module)\b(?:\s*<[^<>]*>)?\s+([^\W\d]\w*)([^{]*)"
)
_IMPL_FOR = re.compile(r"^(?:unsafe\s+)?impl\b(?:\s*<[^<>]*>)?\s+([^\W\d][\w:]*)(?:<[^<>]*>)?\s+for\s+([^\W\d]\w*)")
# What stands in front tells a definition from a call; a method of JavaScript has nothing there, but a brace after it.
_FUNCTION = re.compile(r"([^=.(]*?)\b([^\W\d]\w*)\s*(?:<[^<>()]*>)?\s*(=\s*(?:async\s*)?)?\((?![\"'`])")
_GO_RECEIVER = re.compile(r"^func\s*\([^()]*\)\s*")
_FIRST_WORD = re.compile(r"\w+")
_NO_BASE_TEXT = re.compile(r"\w+\s*=[^,)]*|<[^<>]*>|\[[^\[\]]*\]")
_NO_FUNCTION = frozenset({
    "if", "for", "foreach", "while", "switch", "catch", "elif", "else", "return", "with", "match", "new", "await",
    "using", "lock", "synchronized", "try", "except", "do", "when", "case", "yield", "throw", "super", "this",
})  # fmt: skip
_NO_BASE = frozenset({
    "extends", "implements", "permits", "public", "protected", "private", "virtual", "final", "where", "object", "for",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Enclosing:
    """`function` and `type` are plain names, None where there is none; `bases` are the names in the type's head."""

    function: str | None
    type: str | None
    bases: tuple[str, ...]


def enclosing(prefix: str, line_head: str, language: str) -> Enclosing:
    """Return what is around the end of `prefix`, whose last line is `line_head`."""
    function: str | None = None
    for line in _opening_lines(prefix, line_head):
        declared = _type_of(line)
        if declared is not None:
            return Enclosing(function, *declared)
        if function is None:
            function = _function_of(line, language)
    return Enclosing(function, None, ())


def _opening_lines(prefix: str, line_head: str) -> Iterator[str]:
    """Yield the lines above the cursor's that stand further left than all below them, from the innermost out."""
    lines = prefix.splitlines()
    if prefix and not prefix.endswith(("\n", "\r")):
        lines.pop()
    limit = _indent(line_head) if line_head.strip() else len(line_head.expandtabs(4))
    for line in reversed(lines[-_MAX_LINES_UP:]):
        text = line.strip()
        if limit == 0:
            return
        if not text or text.startswith(("#", "//", "*", "/*", "@")):
            continue
        indent = _indent(line)
        if indent >= limit:
            continue
        # The last line of a head that goes over several: what it belongs to begins at the same column.
        is_tail = text[0] in ")}]{" or text.startswith(("->", "throws "))
        limit = indent + 1 if is_tail else indent
        if not is_tail:
            yield text


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())


def _type_of(line: str) -> tuple[str, tuple[str, ...]] | None:
    implemented = _IMPL_FOR.search(line)
    if implemented is not None:
        return implemented[2], (implemented[1].rpartition(":")[2],)
    declared = _TYPE.search(line)
    if declared is None or line.startswith(("return ", "import ", "from ")):
        return None
    named = IDENTIFIER.findall(_NO_BASE_TEXT.sub("", declared[2]))
    return declared[1], tuple(name for name in dict.fromkeys(named) if name not in _NO_BASE)


def _function_of(line: str, language: str) -> str | None:
    blocks = blocks_of(language)
    if isinstance(blocks, IndentedBlocks | WordBlocks):
        defined = blocks.function.match(line)
        return defined[1] if defined is not None else None
    first = _FIRST_WORD.match(line)
    if first is not None and first[0] in _NO_FUNCTION:
        return None
    found = _FUNCTION.match(_GO_RECEIVER.sub("func ", line))
    is_definition = found is not None and (found[1].strip() or found[3] or line.endswith(("{", "=>")))
    return found[2] if found is not None and is_definition and found[2] not in _NO_FUNCTION else None
