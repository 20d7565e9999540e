"""Open documents kept in step by edits, and healed when they are not."""

from __future__ import annotations

import random

import pytest

from codeassist_lsp.documents.convert import ENCODINGS, PositionEncoding, position_at
from codeassist_lsp.documents.documents import Documents, Point, TextChange

SEED = 20261122
ALPHABET = ["a", "é", "漢", "😀", "\u0301", "\n", "\r\n", "\r", "x = 1"]
URI = "file:///a.py"


def change(text: str, start: tuple[int, int], end: tuple[int, int]) -> TextChange:
    return TextChange(text, (Point(*start), Point(*end)))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_random_edits_lead_to_the_clients_text(encoding: PositionEncoding) -> None:
    rng = random.Random(SEED)
    documents = Documents(encoding)
    opened = documents.open(URI, "python", 1, "one\r\ntwo 😀\n")
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
        after = documents.change(URI, version, changes)
        assert after is not None and after.is_in_step, f"seed {SEED}"
        assert after.document.text == text and after.document.version == version, f"seed {SEED}"
        opened = after


@pytest.mark.parametrize(
    ("version", "changes"),
    [
        (2, [change("x", (7, 0), (7, 0))]),
        (2, [change("x", (1, 0), (0, 0))]),
        (2, [change("fine", (0, 0), (0, 0)), change("x", (0, 0), (9, 9))]),
        (0, [change("x", (0, 0), (0, 0))]),
        (0, []),
    ],
)
def test_what_does_not_fit_changes_nothing_until_a_whole_text_comes(version: int, changes: list[TextChange]) -> None:
    documents = Documents()
    documents.open(URI, "python", 1, "one\ntwo")
    after = documents.change(URI, version, changes)
    assert after is not None and not after.is_in_step and after.document.text == "one\ntwo"
    later = documents.change(URI, 5, [change("x", (0, 0), (0, 0))])
    assert later is not None and not later.is_in_step, "an edit of a text that we do not know"
    whole = TextChange("new", None)
    healed = documents.change(URI, 3, [change("lost", (0, 0), (0, 0)), whole, change("!", (0, 3), (0, 3))])
    assert healed is not None and healed.is_in_step
    assert (healed.document.text, healed.document.version) == ("new!", 3)


def test_opening_again_heals_too() -> None:
    documents = Documents()
    first = documents.open(URI, "python", 9, "one")
    documents.change(URI, 2, [])
    again = documents.open(URI, "python", 1, "two")
    assert again.is_in_step and again.document.text == "two" and again.opening != first.opening


def test_what_is_not_open() -> None:
    documents = Documents()
    assert documents.change(URI, 1, [TextChange("x", None)]) is None
    assert documents.close(URI) is None and documents.get(URI) is None
    documents.open(URI, "python", 1, "x")
    assert [entry.uri for entry in documents] == [URI]
    closed = documents.close(URI)
    assert closed is not None and len(documents) == 0


def test_a_large_document_takes_an_edit_at_once() -> None:
    """20 MB: 35 ms an edit (2 busy cores)."""
    documents = Documents()
    documents.open(URI, "python", 1, "some line of code\n" * 1_150_000)
    for version in range(2, 32):
        after = documents.change(URI, version, [change("x", (600_000, 4), (600_000, 4))])
        assert after is not None and after.is_in_step
    assert after is not None and after.document.text.count("x") == 30
