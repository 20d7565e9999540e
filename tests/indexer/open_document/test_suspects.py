"""Documents whose texts ended the process: the text for good, the document for a while."""

from __future__ import annotations

from codeassist_indexer.open_document.reader import Suspects


def test_a_text_is_never_asked_about_again_and_its_document_after_a_pause() -> None:
    suspects = Suspects()
    assert not suspects.is_one("a", ("x",), 0.0)
    assert suspects.add("a", ("x",), 0.0) == 1.0
    assert suspects.is_one("a", ("y",), 0.9) and not suspects.is_one("a", ("y",), 1.0)
    assert suspects.is_one("a", ("x",), 1e9)
    assert not suspects.is_one("b", ("x",), 0.0)


def test_texts_are_told_apart_by_where_they_are_cut() -> None:
    suspects = Suspects()
    suspects.add("a", ("xy", ""), 0.0)
    assert suspects.is_one("a", ("xy", ""), 10.0) and not suspects.is_one("a", ("x", "y"), 10.0)


def test_pauses_grow_up_to_five_minutes() -> None:
    suspects = Suspects()
    pauses = [suspects.add("a", (str(n),), 0.0) for n in range(2_000)]
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0] and max(pauses) == pauses[-1] == 300.0
    assert suspects.is_one("a", ("1999",), 1e9) and not suspects.is_one("a", ("0",), 1e9)  # a bounded memory


def test_the_memory_of_documents_is_bounded() -> None:
    suspects = Suspects()
    for n in range(300):
        suspects.add(str(n), ("x",), 0.0)
    assert suspects.is_one("299", ("x",), 10.0) and not suspects.is_one("0", ("x",), 10.0)
