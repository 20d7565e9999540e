"""One-line text of a definition: its signature, its supertypes, the first line of its documentation.

It is handed a node and the file's bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

SIGNATURE_CHARS = 400
"""A longer head is cut: it would fill the prompt's budget for one definition."""

WHOLE_BINDING_CHARS = 120
"""A variable that fits on one line of this length keeps its value in the signature: `RETRIES = 3` says more."""

DOC_CHARS = 200

MAX_INDENT_BYTES = 400
"""How far back a line's start is looked for: unbounded, each name in a line of a megabyte would cost the whole line."""

_SPACES = re.compile(r"\s+")
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif|else|endif)\b[^\n]*(?:\n|\Z)", re.MULTILINE)
_OPENED = re.compile(r"([(\[<]) ")
_CLOSED = re.compile(r",? ([)\]>])(?=[^=]|$)")
_COMMENT_MARKS = re.compile(r"^\s*(?:/\*+!?|//+!?|#+:?|\*+(?!/)|--+(?:\[=*\[)?)?\s?|\s*\*+/\s*$")
_XML_TAG = re.compile(r"</?\w[^<>]*>")
_GENERIC_TAIL = re.compile(r"[<\[({].*", re.DOTALL)

_ANNOTATIONS = frozenset({"attribute_list", "decorator", "annotation", "marker_annotation", "attribute_declaration"})
_ANNOTATIONS_AMONG_MODIFIERS = _ANNOTATIONS | {"attribute"}
_INITIALIZERS = frozenset({"field_initializer_list", "constructor_initializer"})  # after a C++ or C# constructor
_VALUE_FIELDS = ("value", "right", "default_value", "accessors", "body")
_BASE_CLAUSES = frozenset(
    {
        "superclass", "super_interfaces", "extends_interfaces", "class_heritage", "extends_type_clause",
        "base_list", "base_class_clause", "trait_bounds",
    }
)  # fmt: skip
_BASE_GROUPS = frozenset({"type_list", "extends_clause", "implements_clause", "primary_constructor_base_type"})
_NO_BASE = frozenset(
    {
        "keyword_argument", "access_specifier", "virtual", "type_arguments", "argument_list", "comment",
        "line_comment", "block_comment", "lifetime", "removed_trait_bound", "list_splat", "dictionary_splat",
    }
)  # fmt: skip


def node_text(node: Node, source: bytes) -> str:
    """The node's text; bytes that are no UTF-8 become U+FFFD."""
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def one_line(source: bytes, start_byte: int, end_byte: int) -> str:
    """The bytes as one line of at most SIGNATURE_CHARS, whitespace collapsed, without what opens the body."""
    # A character has at most four bytes, and what is cut off never gets decoded.
    text = source[start_byte : min(end_byte, start_byte + 8 * SIGNATURE_CHARS)].decode("utf-8", "replace").strip()
    over_lines = "\n" in text
    if over_lines:
        text = _DIRECTIVE.sub("", text)
    text = _SPACES.sub(" ", text)
    if over_lines:
        text = _CLOSED.sub(r"\1", _OPENED.sub(r"\1", text))
    text = text.removesuffix("=>").rstrip(" :;,{=")
    return text if len(text) <= SIGNATURE_CHARS else text[: SIGNATURE_CHARS - 1] + "…"


def head_start_byte(node: Node) -> int:
    """Where the head starts once annotations in front of it are left out."""
    first = node.child(0) if node.child_count else None
    start_byte = node.start_byte
    position = 0
    while first is not None and first.type in _ANNOTATIONS:
        start_byte = first.end_byte
        position += 1
        first = node.child(position) if position < node.child_count else None
    if first is not None and first.type == "modifiers":
        words = [word for word in first.children if word.type not in _ANNOTATIONS_AMONG_MODIFIERS]
        return words[0].start_byte if words else first.end_byte
    return start_byte


def definition_head(node: Node, source: bytes) -> str:
    """The head of a type or function: everything in front of its body."""
    body = node.child_by_field_name("body")
    ends = [node.end_byte]
    if body is not None and source[body.start_byte : body.start_byte + 1] != b"(":
        ends.append(body.start_byte)
        ends += [child.start_byte for child in node.children if child.type in _INITIALIZERS]
    if node.has_error:  # half a body is no node: the head ends where the next line is an error
        row = node.start_point.row
        ends += [child.start_byte for child in node.children if child.is_error and child.start_point.row > row]
    end_byte = min(ends)
    return one_line(source, head_start_byte(node), end_byte)


def head_before(node: Node, source: bytes, *kinds: str) -> str:
    """The head of what has no field for its body: everything in front of the first child of one of these types."""
    ends = (child.start_byte for child in node.children if child.type in kinds)
    return one_line(source, head_start_byte(node), next(ends, node.end_byte))


def binding_head(node: Node, source: bytes) -> str:
    """The head of a variable, field or alias: with its value where that is short, else in front of it."""
    start_byte = head_start_byte(node)
    end_byte = node.end_byte
    if end_byte - start_byte > WHOLE_BINDING_CHARS or b"\n" in source[start_byte:end_byte].rstrip():
        values = (node.child_by_field_name(field) for field in _VALUE_FIELDS)
        end_byte = min((value.start_byte for value in values if value is not None), default=end_byte)
    return one_line(source, start_byte, end_byte)


def has_modifiers(node: Node, source: bytes, *words: str) -> bool:
    """Whether the definition's `modifiers` or `modifier` children hold every one of `words`."""
    held: set[str] = set()
    for child in node.children:
        if child.type in ("modifiers", "modifier"):
            held.update(node_text(child, source).split())
    return held.issuperset(words)


def bare_name(text: str) -> str:
    """A type's name without its arguments: `Base<T>`, `Generic[T]`, `make(x)`; whitespace collapsed."""
    return _SPACES.sub(" ", _GENERIC_TAIL.sub("", text)).strip()


def supertypes(node: Node, source: bytes) -> tuple[str, ...]:
    """The names in the clauses of a class head that say what it inherits, in their order, without type arguments."""
    clause = node.child_by_field_name("superclasses")
    waiting = [clause] if clause is not None else [c for c in node.named_children if c.type in _BASE_CLAUSES]
    names: list[str] = []
    while waiting:
        parts: list[Node] = []
        for child in waiting.pop(0).named_children:
            if child.type in _BASE_GROUPS:
                parts.append(child)
            elif child.type not in _NO_BASE:
                names.append(bare_name(node_text(child, source)))
        waiting[:0] = parts
    return tuple(name for name in names if name)


def doc_line(text: str) -> str:
    """The first line of a docstring or comment that says something, without comment marks or XML tags."""
    for line in text.splitlines():
        stripped = line
        while (shorter := _COMMENT_MARKS.sub("", stripped)) != stripped:
            stripped = shorter
        stripped = _XML_TAG.sub("", stripped).strip()
        if any(letter.isalnum() for letter in stripped):
            return stripped[:DOC_CHARS]
    return ""


@dataclass(frozen=True, slots=True)
class CommentAbove:
    """Where a comment stands: 0-based rows (the last one inclusive) and bytes."""

    start_row: int
    start_byte: int
    end_byte: int


def comments_by_last_row(comments: list[Node]) -> dict[int, CommentAbove]:
    """The comments of a file by the row in which they end."""
    found: dict[int, CommentAbove] = {}
    for comment in comments:
        start_row = comment.start_point.row
        end_row, end_column = comment.end_point
        if end_column == 0 and end_row > start_row:  # Rust's doc comments take the newline along
            end_row -= 1
        found[end_row] = CommentAbove(start_row, comment.start_byte, comment.end_byte)
    return found


def doc_comment(row: int, start_byte: int, comments: dict[int, CommentAbove], source: bytes) -> str:
    """The first line of the comment right above what starts at `start_byte`, first in its `row` (0-based), or ""."""
    if row - 1 not in comments or not _first_in_line(start_byte, source):
        return ""
    run: list[CommentAbove] = []
    while (comment := comments.get(row - 1)) is not None:
        if not _first_in_line(comment.start_byte, source):
            break  # it ends a line of code
        run.append(comment)
        row = comment.start_row
        if source.startswith(b"/*", comment.start_byte):
            break
    texts = (source[comment.start_byte : comment.end_byte].decode("utf-8", "replace") for comment in reversed(run))
    return next((line for line in map(doc_line, texts) if line), "")


def _first_in_line(start_byte: int, source: bytes) -> bool:
    """Whether only blanks stand in front of `start_byte` in its line. Looks back no further than an indent reaches."""
    before = source[max(0, start_byte - MAX_INDENT_BYTES) : start_byte]
    line_start = before.rfind(b"\n") + 1
    return not before[line_start:].strip()
