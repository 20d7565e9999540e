"""How much a place asks for: the rest of a line, or a block. Pure.

It looks at the lines around the cursor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from codeassist_indexer.fitting.indentation import leading, width
from codeassist_indexer.fitting.lexing.scan import LINE_COMMENT, scan
from codeassist_indexer.languages.registry import blocks_of, language_in, line_comments
from codeassist_indexer.languages.spec import BracedBlocks, IndentedBlocks, WordBlocks

_SCANNED_CHARS = 8_000
_REST_OF_OPENED = re.compile(r"[\s)\]}\"'`;,]*")
_OPENER = re.compile(r"(\{|=>|->|\b(case\b.*|default\s*|public|private|protected):)$")
_COMMENT = re.compile(
    r"\s*(//|#(?!\s*(include|define|if|ifdef|ifndef|else|elif|endif|pragma|region|endregion)\b)|\*|/\*|--)"
)
_ANNOTATION = re.compile(r"\s*(@\w|\[\w[\w.]*(\(.*\))?\]$)")
# `int size(...)` and `if (...)`, but no call: the brackets of these belong to a body that follows.
_SIGNATURE = re.compile(
    r"\s*((if|for|foreach|while|switch|using|lock|fixed)\b|(?!return\b|new\b|throw\b|await\b)[\w<>\[\]?,.*&: ]+[ *&]~?\w+\s*\().*\)(\s*(const|override|noexcept|throws [\w., ]+))*$"  # noqa: E501
)


def lines_wanted(prefix: str, suffix: str, path: str, told: str | None = None) -> Literal["line", "block"]:
    """Say what is worth suggesting at the cursor of a file, or of a text in the language `told`.

    A block after or below what opens one (`:`, `{`, an arrow), as long as it is empty, and on an empty line below a
    comment, docstring, signature or annotation, where a body or a statement begins. Else a line.
    """
    language = language_in(told, path, prefix)
    prefix = prefix[-_SCANNED_CHARS:].replace("\r\n", "\n")
    before, _, line = prefix.rpartition("\n")
    rest, _, below = suffix[:_SCANNED_CHARS].replace("\r\n", "\n").partition("\n")
    if not _REST_OF_OPENED.fullmatch(rest):
        return "line"
    above = line if line.strip() else before.rstrip().rpartition("\n")[2]
    behind_code = bool(line.strip())
    if rest.strip() and not behind_code:
        return "line"
    if behind_code and _is_comment(line, language):
        return "line"
    if not above.strip() or not _asks_for_block(above, rest, below, prefix, language, behind_code):
        return "line"
    return "block" if scan(prefix, language).literal is None else "line"  # last: it takes the most time


def _asks_for_block(above: str, rest: str, below: str, prefix: str, language: str | None, behind_code: bool) -> bool:
    """Whether a block belongs below the line `above`, if that is code and no text in a string or comment."""
    following = next((each for each in below.split("\n", 50)[:50] if each.strip()), None)
    if _opens(above, prefix, language):
        return _is_empty(above, rest, following)
    if behind_code:
        return False
    if _is_docstring_end(above, language):
        return following is None or _indent(following) < _indent(above)
    if _is_comment(above, language) or _ANNOTATION.match(above):
        return True
    if isinstance(blocks_of(language), BracedBlocks) and _SIGNATURE.match(above):
        return following is None or not following.lstrip().startswith("{")
    return False


def _opens(header: str, prefix: str, language: str | None) -> bool:
    """Whether the line opens a block at its end."""
    header = _without_comment(header, language)
    blocks = blocks_of(language)
    if isinstance(blocks, WordBlocks):
        return blocks.header.match(header) is not None
    if isinstance(blocks, IndentedBlocks):
        # Within brackets a colon belongs to a dictionary, a slice or an annotation.
        return blocks.header.match(header) is not None and not scan(prefix, language).opened
    return _OPENER.search(header) is not None


def _without_comment(line: str, language: str | None) -> str:
    comment = scan(line, language)
    if comment.literal != LINE_COMMENT:
        return line.rstrip()
    marks = (found for mark in line_comments(language) for found in _places(line, mark))
    begun = (at for at, end in sorted(marks) if scan(line[:end], language).literal == LINE_COMMENT)
    return line[: next(begun, len(line))].rstrip()


def _places(line: str, mark: str) -> Iterator[tuple[int, int]]:
    at = line.find(mark)
    while at >= 0:
        yield at, at + len(mark)
        at = line.find(mark, at + 1)


def _is_empty(header: str, rest: str, following: str | None) -> bool:
    """Whether nothing stands in the block yet."""
    if following is None or rest.strip():
        return True
    return _indent(following) <= _indent(header)


def _is_comment(line: str, language: str | None) -> bool:
    found = _COMMENT.match(line)
    if found is None:
        return False
    marks = line_comments(language)
    return found[1] in marks or (found[1] != "#" and marks != ("#",))


def _is_docstring_end(line: str, language: str | None) -> bool:
    blocks = blocks_of(language)
    return isinstance(blocks, IndentedBlocks) and line.rstrip().endswith(blocks.doc_quotes)


def _indent(line: str) -> int:
    return width(leading(line))
