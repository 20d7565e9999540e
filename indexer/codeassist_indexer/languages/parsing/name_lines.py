"""The line on which a definition's name stands: not always the one on which the definition begins."""

from __future__ import annotations

import re

from tree_sitter import Node

from codeassist_indexer.languages.forms.signatures import head_start_byte

_NAME_FIELDS = ("name", "key")
_LAST_WORD = re.compile(r"[^\W\d][\w$]*\Z|\S+\Z")


def name_line(node: Node, name: str, source: bytes) -> int:
    """Return the line, from 1, of the name that a definition's node binds: its own field, else where it stands first.

    Of a name in several words (`operator bool`) the last one is looked for. Where it stands nowhere in the node (it
    was made up, as `default`), it is the line on which the head begins.
    """
    for field in _NAME_FIELDS:
        named = node.child_by_field_name(field)
        if named is not None:
            return named.start_point.row + 1
    start = head_start_byte(node)
    word = _LAST_WORD.search(name)
    found = None
    if word is not None:
        pattern = rb"(?<![\w$])" + re.escape(word[0].encode("utf-8", "surrogatepass")) + rb"(?![\w$])"
        found = re.compile(pattern).search(source, start, node.end_byte)
    reached = found.start() if found is not None else start
    return node.start_point.row + source.count(b"\n", node.start_byte, reached) + 1
