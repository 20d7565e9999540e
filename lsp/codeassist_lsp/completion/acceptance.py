"""Which suggestion an edit takes, for clients that do not execute an item's command. Pure.

Typing along a suggestion leads to the same text, a character or a pair of brackets at a time: that is no acceptance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from codeassist.document import Document
from codeassist_lsp.completion.suggestion_log import ShownSuggestion
from codeassist_lsp.documents.open_document import TextChange, with_newlines

_FEW_CHARS = 4  # what an editor may insert at once for somebody who types: a pair of brackets, a short name


def accepted_by(
    shown: Iterable[ShownSuggestion], before: Document, after: Document, changes: Sequence[TextChange]
) -> ShownSuggestion | None:
    """Return the suggestion that `changes`, which lead from one text to the other, put into it; None: they take none.

    More may have been typed after it meanwhile: some clients gather their edits.
    """
    inserted = _inserted(before, after, changes)
    if not inserted:
        return None
    old, new = with_newlines(before.text), with_newlines(after.text)
    for each in shown:
        text, edit = each.document.document.text, each.at_cursor
        head, tail = with_newlines(text[: edit.start_char]), with_newlines(text[edit.end_char :])
        taken = head + edit.text
        if len(new) < len(taken) + len(tail) or old.startswith(taken):
            continue
        if new.startswith(taken) and new.endswith(tail) and any(_is_much_of(edit.text, one) for one in inserted):
            return each
    return None


def _inserted(before: Document, after: Document, changes: Sequence[TextChange]) -> list[str]:
    """What was inserted at once, without the white space around it."""
    texts = [change.text for change in changes if change.span is not None]
    if len(texts) < len(changes):  # the whole text came: what of it is new
        _, change = before.with_text(after.text)
        texts.append(after.text[change.start_char : change.new_end_char])
    return [clean for text in texts if len(clean := with_newlines(text).strip()) > 1]


def _is_much_of(suggestion: str, inserted: str) -> bool:
    """Say whether it is the suggestion, or so much of it as nobody types at once."""
    clean = suggestion.strip()
    is_part = inserted in clean or clean in inserted
    return is_part and len(inserted) >= min(_FEW_CHARS, len(clean))
