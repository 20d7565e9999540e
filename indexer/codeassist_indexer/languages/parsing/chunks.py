"""A file cut into chunks of whole lines at syntax boundaries; together they are the file, without overlap or gap."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from tree_sitter import Node

from codeassist_indexer.languages.forms.parsed import Chunk, Symbol

TARGET_LINES = 20
"""What the BM25 windows held that raised exact match from 23 to 33 of 60 tasks: a definition and what surrounds it."""

MIN_LINES = 12
"""Shorter chunks are joined with their neighbour where that fits: a lone three-line function says little by itself."""

MAX_LINES = 30
"""A definition up to this size is never split; a longer one would push others out of the prompt's budget."""

MAX_CHARS = 6_000
"""MAX_LINES of 200 characters. Longer lines (minified, data) are cut inside, so that no chunk is without bound."""

LEVEL_COST = 4
"""How many lines off the target a cut one level further out is worth."""

TAIL_COST = 6
"""Added for a cut after a definition, in front of the blank lines: for one that fills a chunk without them."""

GLUE_COST = 1_000
"""Added for a cut between a comment and what it explains: only where the two together are too long for a chunk."""

_BODY_ENDINGS = ("block", "body", "_list", "compound_statement", "body_statement", "statements")
_BRANCHES = ("else_clause", "elif_clause", "else")
_ANNOTATING = frozenset({
    "comment", "line_comment", "block_comment", "multiline_comment", "marginalia", "attribute_item", "decorator",
    "attribute_list",
})  # fmt: skip


def cut_chunks(root: Node | None, text: str, symbols: tuple[Symbol, ...]) -> tuple[Chunk, ...]:
    """The chunks of `text`, whose tree is `root`; without a tree they are cut by lines alone.

    Lines end at "\\n" only, as tree-sitter counts them.
    """
    if not text:
        return ()
    line_lengths = [len(line) + 1 for line in text.split("\n")]
    line_lengths[-1] -= 1
    if not line_lengths[-1]:
        line_lengths.pop()
    char_offsets = [0, *accumulate(line_lengths)]
    num_lines = len(line_lengths)
    if num_lines <= MAX_LINES and len(text) <= MAX_CHARS:
        spans = [(0, num_lines)]
    else:
        spans = _packed(_cut_costs(root) if root is not None else {}, char_offsets)
    chunks: list[Chunk] = []
    for (start_row, end_row), owner in zip(spans, _owners(spans, symbols), strict=True):
        start, end = char_offsets[start_row], char_offsets[end_row]
        # Only a single line can be over the limit; its pieces share its number.
        chunks += [
            Chunk(text[piece : min(piece + MAX_CHARS, end)], start_row + 1, end_row + 1, owner)
            for piece in range(start, end, MAX_CHARS)
        ]
    return tuple(chunks)


def _cut_costs(root: Node) -> dict[int, int]:
    """The rows in front of which a cut may stand, with what it costs. Descends only into what is over MAX_LINES."""
    costs: dict[int, int] = {}
    waiting = [(root, 0)]
    while waiting:
        node, cost = waiting.pop()
        too_long: list[tuple[Node, bool]] = []
        glued = False
        cut_here = False
        before_end_row = None
        after_named = False
        before_kind = ""
        for position, child in enumerate(node.children):
            start_row = child.start_point.row
            end_row, end_column = child.end_point
            if end_column == 0 and end_row > start_row:
                end_row -= 1
            # Nothing is cut between an opening brace and what comes first after it.
            starts_line = before_end_row is not None and start_row > before_end_row
            kind = child.type
            first_in_braces = position == 1 and not after_named
            if starts_line and child.is_named and not first_in_braces and not kind.endswith(_BODY_ENDINGS):
                adjacent = glued and start_row == (before_end_row or 0) + 1
                _offer(costs, start_row, cost + (GLUE_COST if adjacent else 0))
                _offer(costs, end_row + 1, cost + TAIL_COST)
                cut_here = True
            glued = kind in _ANNOTATING and (starts_line or before_end_row is None)
            before_end_row, after_named = end_row, child.is_named
            if end_row - start_row >= MAX_LINES:
                too_long.append((child, kind.endswith(_BRANCHES) or before_kind.endswith("else")))
            before_kind = kind
        for child, is_branch in too_long:  # of one `if`, which is no level further in, however the grammar nests it
            waiting.append((child, cost + LEVEL_COST if cut_here and not is_branch else cost))
    return costs


def _offer(costs: dict[int, int], row: int, cost: int) -> None:
    if cost < costs.get(row, cost + 1):
        costs[row] = cost


def _packed(costs: dict[int, int], char_offsets: list[int]) -> list[tuple[int, int]]:
    """Half-open spans of rows, cut one after the other where the cost and the distance from the target are least."""
    num_lines = len(char_offsets) - 1
    spans: list[tuple[int, int]] = []
    start_row = 0
    while start_row < num_lines:
        last_char = char_offsets[start_row] + MAX_CHARS
        limit_row = min(start_row + MAX_LINES, num_lines)
        if char_offsets[limit_row] > last_char:
            limit_row = max(start_row + 1, bisect_right(char_offsets, last_char, start_row, limit_row) - 1)
        end_row = limit_row
        if limit_row < num_lines:
            offered = [row for row in range(start_row + 1, limit_row + 1) if row in costs]
            if offered:
                end_row = min(offered, key=lambda row: costs[row] + abs(row - start_row - TARGET_LINES))
            else:
                end_row = min(start_row + TARGET_LINES, limit_row)
        spans.append((start_row, end_row))
        start_row = end_row
    return spans


def _owners(spans: list[tuple[int, int]], symbols: tuple[Symbol, ...]) -> list[str]:
    """For each span the innermost symbol that covers more than half of its lines, or ""."""
    by_start = sorted(symbols, key=lambda symbol: symbol.start_line)
    owners: list[str] = []
    near: list[Symbol] = []
    next_symbol = 0
    for start_row, end_row in spans:
        near = [symbol for symbol in near if symbol.end_line - 1 > start_row]
        while next_symbol < len(by_start) and by_start[next_symbol].start_line <= end_row:
            near.append(by_start[next_symbol])
            next_symbol += 1
        half = (end_row - start_row) / 2
        covering = [
            symbol
            for symbol in near
            if min(symbol.end_line - 1, end_row) - max(symbol.start_line - 1, start_row) > half
        ]
        innermost = min(covering, key=lambda symbol: symbol.end_byte - symbol.start_byte, default=None)
        owners.append(innermost.qualified_name if innermost else "")
    return owners
