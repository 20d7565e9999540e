"""The order of a document's snippets in its prompt: those that stood in its last one stay where they stood.

Knows no index and no tokens. Now and then a key makes other windows of the same places rank a little higher or lower;
each that moved in the prompt would make all behind it stale, and each that slid by a line would have to be read anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from codeassist.completion.snippet_policy import arranged
from codeassist.request import Snippet

_MOST_DOCUMENTS = 64


class SnippetOrder:
    """What stood in the last prompt of each document, for the documents that were completed last."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, tuple[Snippet, ...]] = OrderedDict()

    def arrange(self, document: str, found: Sequence[Snippet]) -> tuple[Snippet, ...]:
        """Return what was found, the former window in the place of one that shows the same place, in a steady order.

        The order is a prompt's falling worth: new ones come first, nearest to the file; then those that stay.
        """
        stands = arranged(self._last.pop(document, ()), found)
        self._last[document] = stands
        while len(self._last) > _MOST_DOCUMENTS:
            self._last.popitem(last=False)
        return stands
