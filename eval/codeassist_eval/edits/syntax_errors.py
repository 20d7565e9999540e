"""How many syntax errors a text has, by its grammar."""

from __future__ import annotations

from tree_sitter import Node

from codeassist_indexer.languages.registry import indexed_language_of, parser


def num_errors(path: str, text: str) -> int | None:
    """Count the error nodes and the missing tokens of a text; None for a file without a grammar."""
    language = indexed_language_of(path, text)
    if language is None:
        return None
    root = parser(language).parse(text.encode("utf-8", "surrogatepass")).root_node
    found, todo = 0, [root]
    while todo:
        node: Node = todo.pop()
        if node.is_error or node.is_missing:
            found += 1
        if node.has_error:
            todo += node.children
    return found
