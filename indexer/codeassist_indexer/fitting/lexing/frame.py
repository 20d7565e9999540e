"""What stands open in a text: a bracket, a string, a comment, a tag, an element."""

from __future__ import annotations

from typing import NamedTuple

from codeassist_indexer.fitting.lexing.modes import Mode

OPENER_OF = {")": "(", "]": "[", "}": "{"}
CLOSER_OF = {opener: closer for closer, opener in OPENER_OF.items()}


class Frame(NamedTuple):
    """`mark` closes it; `mode` reads the text within it. A bracket leaves the mode as it was.

    `is_soft`: a bracket or quote of a text that is no code: an editor closes it, but it need not be closed.
    `behind`: what closed last before it, on its line. `is_optional`: it may stay open.
    """

    mark: str
    mode: Mode
    char_offset: int
    is_bracket: bool = False
    is_soft: bool = False
    is_optional: bool = False
    behind: Closed | None = None


class Closed(NamedTuple):
    """A frame that has been closed, and where."""

    char_offset: int
    frame: Frame


class Closer(NamedTuple):
    """What closes something that the text itself did not open. `is_stray`: nothing that stood open before it either."""

    mark: str
    char_offset: int
    is_soft: bool = False
    is_stray: bool = False
