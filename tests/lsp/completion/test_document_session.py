"""Open documents kept in step by edits, and whatever a client sends leads to a text."""

from __future__ import annotations

import random
from typing import Any, cast

import pytest

from codeassist_lsp.completion.document_session import DocumentSessions
from codeassist_lsp.completion.shared_document import SharedDocuments
from codeassist_lsp.documents.open_document import (
    ENCODINGS,
    OpenDocument,
    Point,
    PositionEncoding,
    TextChange,
    position_at,
)

SEED = 20261122
ALPHABET = ["a", "é", "漢", "😀", "\u0301", "\n", "\r\n", "\r", "x = 1"]
URI = "file:///a.py"


def new_documents(encoding: PositionEncoding = "utf-16") -> DocumentSessions:
    shared = SharedDocuments(lambda uri: None)
    documents = DocumentSessions(cast(Any, None), shared, lambda: 0.0)
    documents.encoding = encoding
    return documents


def change(text: str, start: tuple[int, int], end: tuple[int, int]) -> TextChange:
    return TextChange(text, (Point(*start), Point(*end)))


def changed(documents: DocumentSessions, version: int, changes: list[TextChange]) -> OpenDocument:
    session = documents.change(URI, version, changes)
    assert session is not None
    return session.now


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_random_edits_lead_to_the_clients_text(encoding: PositionEncoding) -> None:
    rng = random.Random(SEED)
    documents = new_documents(encoding)
    opened = documents.open(URI, "python", 1, "one\r\ntwo 😀\n").now
    text = opened.document.text
    for version in range(2, 400):
        changes: list[TextChange] = []
        document = opened.document
        for _ in range(rng.choice((0, 1, 1, 3))):
            # A cursor never stands between \r and \n.
            places = [i for i in range(len(text) + 1) if not (text[:i].endswith("\r") and text[i:].startswith("\n"))]
            start, end = sorted((rng.choice(places), rng.choice(places)))
            if rng.random() < 0.7:
                end = next(place for place in places if place >= min(start + rng.randrange(3), len(text)))
            new = "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(4)))
            changes.append(change(new, position_at(document, start, encoding), position_at(document, end, encoding)))
            text = text[:start] + new + text[end:]
            document, _ = document.with_text(text)
        after = changed(documents, version, changes)
        assert after.document.text == text and after.document.version == version, f"seed {SEED}"
        opened = after


ALL = (0, 0), (99_999, 0)


@pytest.mark.parametrize(
    ("version", "changes", "text", "misfit"),
    [
        (2, [change("new", *ALL)], "new", "line 100000 was named of 2"),
        (2, [change("new", (0, 0), (2, 0))], "new", None),  # the line after the last one: the text's end
        (2, [change("new", (0, 0), (1, 9_999))], "new", None),
        (2, [change("\nx", (7, 0), (7, 0))], "one\ntwo\nx", "line 8 was named of 2"),
        (2, [change("x", (1, 0), (0, 0))], "xtwo", "a range ended before it began"),
        (2, [change("fine ", (0, 0), (0, 0)), change("x", (1, 0), (9, 9))], "fine one\nx", "line 10 was named of 2"),
        (0, [change("x", (0, 0), (0, 0))], "xone\ntwo", None),  # versions may go back: messages come in their order
        (0, [], "one\ntwo", None),
        (0, [change("x", (7, 0), (7, 0))], "one\ntwox", "line 8 was named of 2"),
        (0, [TextChange("new", None)], "new", None),
    ],
)
def test_what_does_not_fit_is_applied_as_the_protocol_says(
    version: int, changes: list[TextChange], text: str, misfit: str | None
) -> None:
    documents = new_documents()
    session = documents.open(URI, "python", 1, "one\ntwo")
    assert changed(documents, version, changes).document.text == text
    assert session.misfit == misfit
    later = changed(documents, 5, [change("# ", (0, 0), (0, 0))]).document
    assert (later.text, later.version) == (f"# {text}", 5)
    healed = changed(documents, 3, [change("lost", *ALL), TextChange("new", None), change("!", (0, 3), (0, 3))])
    assert (healed.document.text, healed.document.version) == ("new!", 3)


def test_opening_again_begins_anew() -> None:
    documents = new_documents()
    first = documents.open(URI, "python", 9, "one")
    before = first.now
    documents.change(URI, 2, [change("x", (7, 0), (7, 0))])
    again = documents.open(URI, "python", 1, "two")
    assert again.now.document.text == "two" and again.now.opening != before.opening and first.is_closed
    assert first.misfit is not None and again.misfit is None


def test_what_is_not_open() -> None:
    documents = new_documents()
    assert documents.change(URI, 1, [TextChange("x", None)]) is None
    assert documents.close(URI) is None and documents.get(URI) is None
    documents.open(URI, "python", 1, "x")
    assert [session.now.uri for session in documents] == [URI]
    closed = documents.close(URI)
    assert closed is not None and closed.is_closed and len(documents) == 0


def test_a_large_document_takes_an_edit_at_once() -> None:
    """20 MB: 35 ms an edit (2 busy cores)."""
    documents = new_documents()
    after = documents.open(URI, "python", 1, "some line of code\n" * 1_150_000).now
    for version in range(2, 32):
        after = changed(documents, version, [change("x", (600_000, 4), (600_000, 4))])
    assert after.document.text.count("x") == 30
