"""Which edits take a suggestion, and which only lead to the same text."""

from __future__ import annotations

from typing import Any

import pytest

from codeassist.document import Document, TextEdit
from codeassist_lsp.completion.acceptance import accepted_by
from codeassist_lsp.completion.suggestion_log import ShownSuggestion, list_item
from codeassist_lsp.documents.open_document import OpenDocument, Point, TextChange, apply_changes

URI = "file:///a.py"
BEFORE = "def area(points):\n    re│\n\nprint(1)\n"
SAID = "turn sum(\n        points)"


def shown(marked: str, text: str, replaced: int = 0) -> ShownSuggestion:
    """What was suggested at the mark, in the place of so many characters behind it."""
    cursor = marked.index("│")
    document = OpenDocument(URI, "python", Document(URI, marked.replace("│", ""), 1), 1)
    session: Any = object()
    suggestion: Any = type("Said", (), {"completion": type("Done", (), {"model": "m"})})
    return ShownSuggestion("id", session, document, (TextEdit(cursor, cursor + replaced, text),), 0, suggestion, "", {})


def typed(line: int, col: int, text: str, until: int | None = None) -> TextChange:
    return TextChange(text, (Point(line, col), Point(line, col if until is None else until)))


def takes(suggestion: ShownSuggestion, changes: list[TextChange], first: list[TextChange] | None = None) -> bool:
    now = suggestion.document
    if first:
        now = apply_changes(now, 2, first, "utf-16").after
    after = apply_changes(now, 3, changes, "utf-16").after
    return accepted_by([suggestion], now.document, after.document, changes) is suggestion


@pytest.mark.parametrize(
    "changes",
    [
        [typed(1, 6, SAID)],
        [typed(1, 4, "re" + SAID, until=6)],  # the whole word, as an ordinary list replaces it
        [typed(1, 4, "return sum(", until=6), typed(1, 4, "", until=15), typed(1, 4, "re"), typed(1, 6, SAID)],
        [typed(1, 6, SAID), typed(2, 15, "  # all")],  # a client that gathers its edits
        [typed(1, 6, "turn sum(\r\n        points)")],
        [TextChange(BEFORE.replace("│", SAID), None)],  # one that sends whole texts
    ],
)
def test_a_suggestion_is_taken(changes: list[TextChange]) -> None:
    assert takes(shown(BEFORE, SAID), changes)
    windows = shown(BEFORE.replace("\n", "\r\n"), SAID)
    assert takes(windows, changes) or changes[0].span is None
    assert takes(shown(BEFORE, "x"), [typed(1, 6, "x")]) is False, "typed or taken, nobody knows"


def test_what_is_left_of_it_is_taken_after_some_was_typed() -> None:
    suggestion = shown(BEFORE, SAID)
    along = [typed(1, 6 + n, char) for n, char in enumerate("turn ")]
    assert takes(suggestion, [typed(1, 11, SAID[5:])], first=along)


def test_a_suggestion_that_replaces_the_closers_behind_it() -> None:
    suggestion = shown("x = f(│)\n", "a, b)[0]", replaced=1)
    assert takes(suggestion, [typed(0, 6, "a, b)[0]", until=7)])


@pytest.mark.parametrize(
    ("marked", "said", "changes"),
    [
        (BEFORE, SAID, [typed(1, 6, "turn 0")]),
        (BEFORE, SAID, [typed(3, 0, SAID)]),  # the same text elsewhere
        (BEFORE, "turn", [typed(1, 6 + n, char) for n, char in enumerate("turn")]),  # typed, sent together
        ("x = f│\n", "()", [typed(0, 5, "(")]),
        ("x = name│\n", "(a)", [typed(0, 8, "()"), typed(0, 9, "a")]),  # brackets that close themselves
        (BEFORE, SAID, [typed(1, 6, "")]),
    ],
)
def test_what_is_typed_or_written_otherwise_is_no_acceptance(marked: str, said: str, changes: list[TextChange]) -> None:
    assert not takes(shown(marked, said), changes)


def test_a_suggestion_is_taken_once() -> None:
    suggestion = shown(BEFORE, SAID)
    assert not takes(suggestion, [typed(2, 15, "\n    # more")], first=[typed(1, 6, SAID)])


@pytest.mark.parametrize(
    ("marked", "said", "label", "start"),
    [
        ("x = po│\n", "ints", "points", 4),
        ("    re│\n", "turn sum(\n        points)", "return sum(", 4),
        ("def area(points):│\n", "\n    return 1", "area(points):", 4),  # a line's end has no word to repeat
        ("x =│\n", " points", "= points", 2),
        ("x = │\n", "y" * 100, "y" * 60, 4),
        ("if a:  │\n", "\n    pass", "a:", 3),
        ("│\n", "import os\nimport re", "import os", 0),
    ],
)
def test_a_label_is_how_the_text_of_its_item_begins(marked: str, said: str, label: str, start: int) -> None:
    item = list_item(shown(marked, said), "utf-16")
    edit: Any = item.text_edit
    assert item.label == label and edit.new_text.startswith(label) and edit.new_text.endswith(said)
    assert edit.range.start.character == start and item.filter_text == edit.new_text
    documentation: Any = item.documentation
    assert documentation is None if label == edit.new_text else documentation.value == edit.new_text


def test_a_block_is_documented_in_the_markup_that_the_client_shows() -> None:
    said = "turn '''\n```\n'''"
    markdown: Any = list_item(shown("    re│\n", said), "utf-16", is_markdown=True).documentation
    assert markdown.value == f"````python\nre{said}\n````" and markdown.kind == "markdown"
    plain: Any = list_item(shown("    re│\n", said), "utf-16").documentation
    assert (plain.value, plain.kind) == (f"re{said}", "plaintext")
