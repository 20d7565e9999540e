"""The order of a document's snippets in its prompt: those that stood in its last one stay where they stood.

Knows no index and no tokens. Now and then a key makes other windows of the same places rank a little higher or lower;
each that moved in the prompt would make all behind it stale, and each that slid by a line would have to be read anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from codeassist.request import Snippet

_LEAST_OVERLAP = 0.5  # of the shorter window: two such show the same place
_MOST_DOCUMENTS = 64


class SnippetOrder:
    """What stood in the last prompt of each document, for the documents that were completed last."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, tuple[Snippet, ...]] = OrderedDict()

    def arrange(self, document: str, found: Sequence[Snippet]) -> tuple[Snippet, ...]:
        """Return what was found, the former window in the place of one that shows the same place, in a steady order.

        The order is a prompt's falling worth: new ones come first, nearest to the file; then those that stay.
        """
        last = self._last.pop(document, ())
        comes: list[Snippet] = []
        stays: set[int] = set()
        for snippet in found:
            stood = next((number for number, each in enumerate(last) if shows_the_same(each, snippet)), None)
            if stood is None:
                comes.append(snippet)
            else:
                stays.add(stood)
        arranged = (*comes, *(last[number] for number in sorted(stays)))
        self._last[document] = arranged
        while len(self._last) > _MOST_DOCUMENTS:
            self._last.popitem(last=False)
        return arranged


def shows_the_same(one: Snippet, other: Snippet) -> bool:
    """Whether two snippets are windows on the same place of a file, and the file says the same there."""
    if one.path != other.path:
        return False
    first, end = max(one.start_line, other.start_line), min(one.end_line, other.end_line)
    shorter = min(one.end_line - one.start_line, other.end_line - other.start_line)
    if end - first < max(_LEAST_OVERLAP * shorter, 1):
        return False
    ours, theirs = one.text.split("\n"), other.text.split("\n")
    return (
        ours[first - one.start_line : end - one.start_line] == theirs[first - other.start_line : end - other.start_line]
    )
