"""The pieces of a line that end at the cursor, and whether an answer begins with one of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(r"\w+|[^\w\s]")
_BLANKS = re.compile(r"[^\S\n]*")
_MOST_TOKENS = 400


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of the cursor's line that ends at the cursor: its text, its tokens, and what stands before it there."""

    text: str
    tokens: tuple[str, ...]
    before: str

    @property
    def is_line(self) -> bool:
        """Whether it is all of the line."""
        return not self.before

    @property
    def has_letter(self) -> bool:
        """Whether it says something, other than by marks and numbers."""
        return any(char.isalpha() for char in self.text)

    @property
    def ends_in_word(self) -> bool:
        """Whether the cursor stands directly behind a word of it."""
        return is_word(self.text[-1])

    def end_in(self, body: str) -> int | None:
        """The offset in the answer behind this piece; None where it does not begin with it.

        Blanks between tokens do not count; a word must be whole, but for one that the cursor stands behind.
        """
        at = 0
        for number, token in enumerate(self.tokens):
            if number:
                at = _behind_blanks(body, at)
            if not body.startswith(token, at):
                return None
            at += len(token)
            is_half = number == len(self.tokens) - 1 and self.ends_in_word
            if not is_half and is_word(token[-1]) and is_word(body[at : at + 1]):
                return None
        return at

    def left_in(self, body: str, end: int) -> str:
        """What the answer has behind this piece, without the blanks that stand at the cursor already."""
        num_typed = len(self.text) - len(self.text.rstrip())
        return body[min(end + num_typed, _behind_blanks(body, end)) :]


def units(content: str) -> Iterator[Unit]:
    """All pieces of a line up to the cursor that begin with one of its tokens, the longest first."""
    found = list(_TOKEN.finditer(content))
    for number, each in enumerate(found):
        if number == 0 or len(found) - number <= _MOST_TOKENS:
            tokens = tuple(token[0] for token in found[number:])
            yield Unit(content[each.start() :], tokens, content[: each.start()])


def is_word(char: str) -> bool:
    """Whether a character may stand in a word; the empty text may not."""
    return char.isalnum() or char == "_"


def _behind_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return at if found is None else found.end()
