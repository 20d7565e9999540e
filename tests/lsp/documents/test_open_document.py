"""Columns and line ends between the protocol and code points, against what Python's own codecs say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codeassist.document import Document
from codeassist_lsp.documents.open_document import (
    ENCODINGS,
    PositionEncoding,
    char_col,
    choose_encoding,
    first_utf16_units,
    line_end_of,
    offset_at,
    position_at,
    unit_col,
    utf16_length,
    well_formed,
    with_newlines,
)

CODECS: dict[PositionEncoding, tuple[str, int]] = {
    "utf-8": ("utf-8", 1),
    "utf-16": ("utf-16-le", 2),
    "utf-32": ("utf-32-le", 4),
}
ENCODING = st.sampled_from(ENCODINGS)
# ASCII, an umlaut in one and in two code points, CJK, emoji with a joiner and a modifier, a lone surrogate.
CHARS = st.sampled_from([*"ab =(\t", "é", "e", "\u0301", "漢", "字", "😀", "👩", "\u200d", "🏽", "\ud83d"])
LINE = st.text(CHARS, max_size=12)
TEXT = st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r\n", "\r"])), max_size=6).map(
    lambda lines: "".join(line + end for line, end in lines)
)


def num_units(text: str, encoding: PositionEncoding) -> int:
    codec, width = CODECS[encoding]
    return sum(len(char.encode(codec, "surrogatepass")) for char in text) // width


@given(LINE, ENCODING)
def test_every_column_there_and_back(line: str, encoding: PositionEncoding) -> None:
    for char in range(len(line) + 1):
        units = unit_col(line, char, encoding)
        assert units == num_units(line[:char], encoding)
        assert char_col(line, units, encoding) == char


@given(LINE, ENCODING, st.integers(-2, 60))
def test_a_column_within_a_character_is_its_start_and_one_behind_the_line_its_end(
    line: str, encoding: PositionEncoding, units: int
) -> None:
    char = char_col(line, units, encoding)
    assert 0 <= char <= len(line)
    assert num_units(line[:char], encoding) <= max(units, 0)
    if char < len(line):
        assert num_units(line[: char + 1], encoding) > units


@given(TEXT, ENCODING)
def test_every_offset_of_a_text_there_and_back(text: str, encoding: PositionEncoding) -> None:
    document = Document("a.py", text)
    for offset in range(len(text) + 1):
        if text[:offset].endswith("\r") and text[offset:].startswith("\n"):
            continue  # no place of a cursor: its column is after the line's last character
        line, units = position_at(document, offset, encoding)
        assert offset_at(document, line, units, encoding) == offset


@given(st.text(CHARS))
def test_lone_surrogates_become_readable_and_nothing_moves(text: str) -> None:
    clean = well_formed(text)
    assert len(clean) == len(text) and clean.encode().decode() == clean
    assert all(new == old for new, old in zip(clean, text, strict=True) if new != "\ufffd")


@given(st.text(CHARS), st.integers(0, 30))
def test_the_first_utf16_units_of_a_text(text: str, units: int) -> None:
    head = first_utf16_units(text, units)
    assert text.startswith(head) and utf16_length(head) <= units
    assert head == text or utf16_length(text[: len(head) + 1]) > units


def test_the_line_behind_the_last_is_the_end_and_the_next_is_an_error() -> None:
    document = Document("a.py", "one\r\ntwo")
    assert offset_at(document, 2, 0, "utf-16") == len(document.text)
    assert offset_at(document, 0, 99, "utf-16") == 3
    assert offset_at(document, 3, 0, "utf-16") == offset_at(document, 10**9, 7, "utf-16") == len(document.text)


def test_the_clients_order_of_encodings_counts() -> None:
    assert choose_encoding(["utf-7", "utf-8", "utf-16"]) == "utf-8"
    assert choose_encoding(["utf-32", "utf-8"]) == "utf-32"
    assert choose_encoding(["ebcdic"]) == choose_encoding([]) == choose_encoding(None) == "utf-16"


def test_line_ends() -> None:
    assert with_newlines("a\r\nb\nc\rd") == "a\nb\nc\rd"
    assert line_end_of(Document("a", "x\r\ny\n")) == "\r\n"
    assert line_end_of(Document("a", "x\ny\r\n")) == line_end_of(Document("a", "x")) == "\n"
