"""The suggestions that one client was given, by the id that it names them with, and as the protocol's items.

The oldest are forgotten: nobody accepts what is no longer on the screen. Items are inline completions, and entries of
an ordinary completion list. Inline ones keep "\\n" as their line end, which editors turn into the document's own; an
ordinary entry is a text edit, which some clients insert as it is, so it has the document's.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from cachetools import LRUCache
from lsprotocol import types

from codeassist.document import Document, TextEdit
from codeassist_lsp.completion.document_session import DocumentSession
from codeassist_lsp.completion.suggestions import Suggestion
from codeassist_lsp.documents.open_document import (
    OpenDocument,
    PositionEncoding,
    line_end_of,
    position_at,
    with_newlines,
)

ACCEPT = "codeassist.accept"
_WORD_AT_END, _TEXT_AT_END = re.compile(r"\w*\Z"), re.compile(r"\S*[^\S\n]*\Z")
_BACKTICKS = re.compile(r"`{3,}")
_LABEL_CHARS = 60
_MOST, _MOST_NEWEST = 256, 16
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
    _newest: deque[ShownSuggestion] = field(default_factory=lambda: deque(maxlen=_MOST_NEWEST))

    @staticmethod
    def new_id() -> str:
        """An id that no other suggestion of this process has."""
        return f"codeassist-{next(_numbers)}"

    def add(self, shown: Sequence[ShownSuggestion]) -> None:
        """Remember what a client is given, unless it is nothing."""
        self.last = tuple(shown) or self.last
        self._by_id.update((each.id, each) for each in shown)
        self._newest.extend(shown)

    def get(self, shown_id: object) -> ShownSuggestion | None:
        """The suggestion with this id; None if it was never shown or is forgotten."""
        return self._by_id.get(shown_id) if isinstance(shown_id, str) else None

    def of(self, session: DocumentSession) -> list[ShownSuggestion]:
        """The last suggestions of a document, the newest first."""
        return [each for each in reversed(self._newest) if each.session is session]


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


def inline_item(shown: ShownSuggestion, encoding: PositionEncoding) -> types.InlineCompletionItem:
    """The item for `textDocument/inlineCompletion`."""
    return types.InlineCompletionItem(
        insert_text=shown.at_cursor.text,
        range=_range(shown, shown.at_cursor.start_char, encoding),
        command=_accept(shown),
    )


def list_item(shown: ShownSuggestion, encoding: PositionEncoding, is_markdown: bool = False) -> types.CompletionItem:
    """The item for `textDocument/completion`. It repeats the word before the cursor: clients filter by that.

    Its label is how its text begins, so a suggestion of further lines repeats what stands before them. What the label
    leaves out has the documentation, which is Markdown for a client that shows that.
    """
    document, edit = shown.document.document, shown.at_cursor
    line = document.text[max(0, edit.start_char - 256) : edit.start_char]
    found = (_TEXT_AT_END if edit.text[:1].isspace() else _WORD_AT_END).search(line)
    word = found[0] if found is not None else ""
    text = word + edit.text
    label = text.partition("\n")[0][:_LABEL_CHARS].rstrip() or text
    return types.CompletionItem(
        label=label,
        kind=types.CompletionItemKind.Text,
        detail=f"codeassist, {shown.suggestion.completion.model}",
        documentation=_documentation(text, shown.document.language_id, is_markdown) if label != text else None,
        filter_text=text,
        text_edit=types.TextEdit(
            _range(shown, edit.start_char - len(word), encoding), text.replace("\n", line_end_of(document))
        ),
        insert_text_format=types.InsertTextFormat.PlainText,
        insert_text_mode=types.InsertTextMode.AsIs,
        command=_accept(shown),
    )


def _documentation(text: str, language_id: str, is_markdown: bool) -> types.MarkupContent:
    if not is_markdown:
        return types.MarkupContent(types.MarkupKind.PlainText, text)
    fence = max(_BACKTICKS.findall(text), default="``", key=len) + "`"
    return types.MarkupContent(types.MarkupKind.Markdown, f"{fence}{language_id}\n{text}\n{fence}")


def _range(shown: ShownSuggestion, start_char: int, encoding: PositionEncoding) -> types.Range:
    document = shown.document.document
    start, end = (position_at(document, char, encoding) for char in (start_char, shown.at_cursor.end_char))
    return types.Range(types.Position(*start), types.Position(*end))


def _accept(shown: ShownSuggestion) -> types.Command:
    return types.Command(title="Accept", command=ACCEPT, arguments=[shown.id])
