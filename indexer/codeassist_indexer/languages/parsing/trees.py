"""A text's tree, by the grammar of its language; what that cannot read is put as it can where its spec says how."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from tree_sitter import Node, Query, QueryCursor

from codeassist_indexer.languages.registry import LANGUAGES, grammar


def read_tree(language: str, source: bytes, parse: Callable[[bytes], Node | None]) -> Node | None:
    """Return the root of the tree of `source`, or None where `parse` gives none.

    Where the language's spec has mends, the tree may be of another text of the same length: if `parse` finds fewer
    errors in it. Names are to be read from `source`.
    """
    mends = LANGUAGES[language].mends
    if mends is None:
        return parse(source)
    tried = source
    for mend in mends.always:
        tried = mend(tried)
    root = parse(tried)
    if root is None or not root.has_error:
        return root
    for mend in mends.errors:
        tried = mend(tried)
    if tried == source:
        return root
    mended = parse(tried)
    if mended is not None and _num_errors(language, mended) < _num_errors(language, root):
        return mended
    return root


def _num_errors(language: str, root: Node) -> int:
    if not root.has_error:
        return 0
    return len(QueryCursor(errors_query(language)).captures(root).get("error", ()))


@cache
def errors_query(language: str) -> Query:
    """The query for what of a text did not parse, as `error`."""
    return Query(grammar(language), "(ERROR) @error (MISSING) @error")
