"""What an import looks like: a query pattern and what reads the imports from a node; and what the readers share.

Names are as written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.signatures import node_text

ImportReader = Callable[[Node, bytes], list[Import]]


@dataclass(frozen=True, slots=True)
class ImportForm:
    """A tree-sitter pattern (no capture) and what reads the imports from a node that it finds."""

    pattern: str
    read: ImportReader


def line_of(node: Node) -> int:
    """The line that a node begins in, from 1."""
    return node.start_point.row + 1


def field_text(node: Node, name: str, source: bytes) -> str:
    """The text of a node's field without its spaces, or ""."""
    found = node.child_by_field_name(name)
    return compact(found, source) if found is not None else ""


def compact(node: Node, source: bytes) -> str:
    """The node's text without the spaces and line ends that a path may hold."""
    return "".join(node_text(node, source).split())


def unquoted(node: Node | None, source: bytes) -> str:
    """The node's text without the quotes around it, or ""."""
    return node_text(node, source).strip("\"'`") if node is not None else ""
