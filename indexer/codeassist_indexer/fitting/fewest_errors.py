"""How many syntax errors a text has with one or the other piece in its middle, counted fast and within a time bound.

Knows nothing of completions. What is far from the place is left out of the text, but for the lines that enclose it.
"""

from __future__ import annotations

from time import thread_time

from tree_sitter import Tree

from codeassist_indexer.fitting.nearby_text import near_before, near_behind
from codeassist_indexer.languages.registry import parser

_NEAR_CHARS = 2_500
_READ_BYTES = 1 << 16


class ErrorCounter:
    """Counts the errors between one text before and one after, for several pieces in turn, each parse an edit of
    the last. All parses from the first `count` on, or since `restart_clock`, take no longer than its limit together.
    Used by one thread at a time; holds that thread's parser only while it runs."""

    def __init__(self, language: str, before: str, behind: str, limit_s: float) -> None:
        self.language = language
        self._limit_s = limit_s
        self._deadline_s: float | None = None  # by the clock of the thread that counts
        self._before = near_before(before, _NEAR_CHARS, language).encode("utf-8", "surrogatepass")
        self._behind = near_behind(behind, _NEAR_CHARS, language)
        self._tree: Tree | None = None
        self._source = b""
        self._num_rest = 0
        self._counted: dict[tuple[str, int], int] = {}

    def prepare(self) -> None:
        """Parse the text without any piece, so that what is counted is an edit of that. It may take its limit too."""
        if self._tree is None:
            self._parse("", 0)
        self._deadline_s = None

    def restart_clock(self) -> None:
        """Begin to count the time anew with the next piece."""
        self._deadline_s = None

    def count(self, middle: str, num_replaced: int = 0) -> int | None:
        """How many errors there are with `middle` in place of the first `num_replaced` characters after.

        None once the time is up: then no more is known of any other piece either.
        """
        known = self._counted.get((middle, num_replaced))
        if known is None:
            tree = self._parse(middle, num_replaced)
            if tree is None:
                return None
            known = self._counted[middle, num_replaced] = _num_errors(tree)
        return known

    def _parse(self, middle: str, num_replaced: int) -> Tree | None:
        deadline_s = self._deadline_s
        if deadline_s is None:
            deadline_s = self._deadline_s = thread_time() + self._limit_s
        if thread_time() > deadline_s:
            return None
        rest = self._behind[num_replaced:].encode("utf-8", "surrogatepass")
        source = self._before + middle.encode("utf-8", "surrogatepass") + rest
        former = {}
        if self._tree is not None:
            _edit(self._tree, self._source, source, len(self._before), min(len(rest), self._num_rest))
            former["old_tree"] = self._tree
        this_parser = parser(self.language)
        try:
            self._tree = this_parser.parse(
                lambda byte_offset, _: source[byte_offset : byte_offset + _READ_BYTES],
                progress_callback=lambda byte_offset, has_error: thread_time() > deadline_s,
                **former,
            )
        except ValueError:  # what the binding raises for a parse that its callback stopped
            this_parser.reset()
            self._tree = None
            return None
        self._source, self._num_rest = source, len(rest)
        return self._tree


def _num_errors(tree: Tree) -> int:
    num = 0
    pending = [tree.root_node] if tree.root_node.has_error else []
    while pending:
        node = pending.pop()
        num += node.is_error or node.is_missing
        pending.extend(child for child in node.children if child.has_error or child.is_missing)
    return num


def _edit(tree: Tree, old: bytes, new: bytes, start: int, num_behind: int) -> None:
    """Tell the tree that what stands between `start` and the last `num_behind` bytes has been replaced."""
    old_end, new_end = len(old) - num_behind, len(new) - num_behind
    tree.edit(start, old_end, new_end, _point(old, start), _point(old, old_end), _point(new, new_end))


def _point(source: bytes, byte_offset: int) -> tuple[int, int]:
    return source.count(b"\n", 0, byte_offset), byte_offset - source.rfind(b"\n", 0, byte_offset) - 1
