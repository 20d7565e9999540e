"""Next edits as the protocol has them, and questions for them as clients put them.

Copilot's fields (`text`, `textDocument`, `range`, `command`) stand first; the others are ours, for clients that list
edits with their reasons. What a client sends beside these fields is taken where it makes sense, and left out where not.
"""

from __future__ import annotations

import logging
from typing import Any

from codeassist.completion.completion_json import sent_document
from codeassist_lsp.completion.document_session import DocumentSessions
from codeassist_lsp.documents.open_document import PositionEncoding, position_at
from codeassist_lsp.edits.next_edits import EditAnswer, EditQuestion
from codeassist_lsp.edits.shown_edit import ShownEdit
from codeassist_lsp.transport.own_messages import EditItem, EditsResult

log = logging.getLogger(__name__)

ACCEPT_EDIT = "codeassist.acceptEdit"
NO_DOCUMENT = EditAnswer((), "the document is not open, or another version of it is")
_MOST_DIAGNOSTICS = 50
_MOST_MESSAGE_CHARS = 300
_INVOKED = 1  # as in the protocol's trigger kinds


def edit_item(shown: ShownEdit, encoding: PositionEncoding) -> EditItem:
    """One edit, ready for JSON."""
    start, end = (position_at(shown.document, char, encoding) for char in (shown.span.start_char, shown.span.end_char))
    change, proposal = shown.change, shown.proposal
    return {
        "text": shown.span.text,
        "textDocument": {"uri": shown.uri, "version": shown.version},
        "range": {
            "start": {"line": start[0], "character": start[1]},
            "end": {"line": end[0], "character": end[1]},
        },
        "command": {"title": "Accept", "command": ACCEPT_EDIT, "arguments": [shown.id]},
        "path": change.path,
        "line": change.start_line,
        "old": list(change.old),
        "new": list(change.new),
        "reason": proposal.site.reason,
        "confidence": round(proposal.confidence, 3),
        "source": proposal.source,
    }


def answer_items(answer: EditAnswer, encoding: PositionEncoding) -> EditsResult:
    """An answer, ready for JSON."""
    found = EditsResult(edits=[edit_item(each, encoding) for each in answer.edits], whyNone=answer.why_none)
    if answer.sent is not None:
        found["sent"] = sent_document(answer.sent)
    return found


def question_of(params: Any, documents: DocumentSessions) -> EditQuestion | None:
    """The question that a client's params put; None, which is logged, where they name no open document, or an older
    version of one."""
    try:
        named, line = params["textDocument"], int(params["position"]["line"])
        uri, version = str(named["uri"]), named.get("version")
    except (KeyError, TypeError, ValueError, AttributeError):
        log.warning("a question for the next edit names no document and place")
        return None
    session = documents.get(uri)
    if session is None:
        log.warning("no next edit in %s: it is not open", uri)
        return None
    if isinstance(version, int) and version != session.now.document.version:
        log.info("no next edit in %s: asked for version %d of %d", uri, version, session.now.document.version)
        return None
    context = params.get("context")
    context = context if isinstance(context, dict) else {}
    kind = "invoked" if context.get("triggerKind") == _INVOKED else "automatic"
    return EditQuestion(session, session.now, max(0, line), kind, _diagnostics(context.get("diagnostics")))


def _diagnostics(given: Any) -> tuple[tuple[int, str], ...]:
    found: list[tuple[int, str]] = []
    for each in given[:_MOST_DIAGNOSTICS] if isinstance(given, list) else ():
        line, message = (each.get("line"), each.get("message")) if isinstance(each, dict) else (None, None)
        if isinstance(line, int) and line >= 0 and isinstance(message, str):
            found.append((line, message[:_MOST_MESSAGE_CHARS]))
    return tuple(found)
