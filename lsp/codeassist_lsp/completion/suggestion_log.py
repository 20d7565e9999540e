"""The suggestions that one client was given, by the id that it names them with, and how far each of them fits now.

The oldest are forgotten: nobody accepts what is no longer on the screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from cachetools import LRUCache

from codeassist.document import Document, TextEdit
from codeassist_lsp.completion.document_session import DocumentSession
from codeassist_lsp.completion.suggestions import Suggestion
from codeassist_lsp.documents.open_document import OpenDocument, with_newlines

_MOST = 256
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class ShownSuggestion:
    """A suggestion as a client was given it: `edits` of `document`, whose line ends are "\\n" whatever its own are.

    The first `num_repeated` characters of the one at the cursor are those of the entry that the client's list has
    selected.
    """

    id: str
    session: DocumentSession
    document: OpenDocument
    edits: tuple[TextEdit, ...]
    num_repeated: int
    suggestion: Suggestion
    kind: str
    stage_ms: Mapping[str, float]

    @property
    def at_cursor(self) -> TextEdit:
        """The edit at the cursor."""
        return self.edits[0]


@dataclass(slots=True)
class SuggestionLog:
    """What was shown last, by id; `last` are the suggestions of one answer, the likeliest first."""

    last: tuple[ShownSuggestion, ...] = ()
    _by_id: LRUCache[str, ShownSuggestion] = field(default_factory=lambda: LRUCache(_MOST))

    @staticmethod
    def new_id() -> str:
        """An id that no other suggestion of this process has."""
        return f"codeassist-{next(_numbers)}"

    def add(self, shown: Sequence[ShownSuggestion]) -> None:
        """Remember what a client is given, unless it is nothing."""
        self.last = tuple(shown) or self.last
        self._by_id.update((each.id, each) for each in shown)

    def get(self, shown_id: object) -> ShownSuggestion | None:
        """The suggestion with this id; None if it was never shown or is forgotten."""
        return self._by_id.get(shown_id) if isinstance(shown_id, str) else None


def typed_since(before: Document, cursor_char: int, after: Document) -> str | None:
    """What was typed at the cursor to lead from one text to the other; None if anything else changed too."""
    num_typed = len(after.text) - len(before.text)
    if num_typed < 0 or after.text[:cursor_char] != before.text[:cursor_char]:
        return None
    if after.text[cursor_char + num_typed :] != before.text[cursor_char:]:
        return None
    return after.text[cursor_char : cursor_char + num_typed]


def rest_of(text: str, typed: str) -> str | None:
    """What of a suggestion is left when its beginning has been typed; None when something else was."""
    clean = with_newlines(typed)
    return text[len(clean) :] if text.startswith(clean) else None
