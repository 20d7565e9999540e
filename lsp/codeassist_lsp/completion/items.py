"""Suggestions as the protocol's items: inline completions, and entries of an ordinary completion list.

Inline items keep "\\n" as their line end, which editors turn into the document's own; an ordinary entry is a text edit,
which some clients insert as it is, so it has the document's.
"""

from __future__ import annotations

import re

from lsprotocol import types

from codeassist_lsp.completion.suggestion_log import ShownSuggestion
from codeassist_lsp.documents.open_document import PositionEncoding, line_end_of, position_at

ACCEPT = "codeassist.accept"
_WORD_AT_END = re.compile(r"\w*\Z")
_LABEL_CHARS = 60


def inline_item(shown: ShownSuggestion, encoding: PositionEncoding) -> types.InlineCompletionItem:
    """The item for `textDocument/inlineCompletion`."""
    return types.InlineCompletionItem(
        insert_text=shown.at_cursor.text,
        range=_range(shown, shown.at_cursor.start_char, encoding),
        command=_accept(shown),
    )


def list_item(shown: ShownSuggestion, encoding: PositionEncoding) -> types.CompletionItem:
    """The item for `textDocument/completion`. It repeats the word before the cursor: clients filter by that."""
    document, edit = shown.document.document, shown.at_cursor
    line = document.text[max(0, edit.start_char - 256) : edit.start_char]
    found = _WORD_AT_END.search(line)
    word = found[0] if found is not None else ""
    text = word + edit.text
    first_line = text.strip().partition("\n")[0].rstrip()
    is_cut = len(first_line) > _LABEL_CHARS or first_line != text.strip()
    return types.CompletionItem(
        label=first_line[:_LABEL_CHARS] + ("…" if is_cut else ""),
        kind=types.CompletionItemKind.Text,
        detail=f"codeassist, {shown.suggestion.completion.model}",
        documentation=types.MarkupContent(types.MarkupKind.PlainText, text) if is_cut else None,
        filter_text=text,
        text_edit=types.TextEdit(
            _range(shown, edit.start_char - len(word), encoding), text.replace("\n", line_end_of(document))
        ),
        insert_text_format=types.InsertTextFormat.PlainText,
        insert_text_mode=types.InsertTextMode.AsIs,
        command=_accept(shown),
    )


def _range(shown: ShownSuggestion, start_char: int, encoding: PositionEncoding) -> types.Range:
    document = shown.document.document
    start, end = (position_at(document, char, encoding) for char in (start_char, shown.at_cursor.end_char))
    return types.Range(types.Position(*start), types.Position(*end))


def _accept(shown: ShownSuggestion) -> types.Command:
    return types.Command(title="Accept", command=ACCEPT, arguments=[shown.id])
