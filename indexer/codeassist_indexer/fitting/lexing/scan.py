"""Which brackets stand open at the end of a piece of code, and whether it ends in a string or comment. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from codeassist_indexer.fitting.lexing.cursor_state import CursorState, indent_of
from codeassist_indexer.fitting.lexing.frame import OPENER_OF, Frame
from codeassist_indexer.fitting.lexing.modes import LINE_END, base_mode, literal_mode
from codeassist_indexer.fitting.lexing.reader import Reader
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.lexicons.choice import LEXICONS, lexicon_of

LINE_COMMENT = LINE_END
"""What closes a comment that runs to the end of its line."""

_OF_PIECES = {"php": "php code"}  # a piece does not show that it stands in a region of code


@dataclass(frozen=True, slots=True)
class Opener:
    """A bracket that stands open. `indent` is how wide what it is part of is indented.

    That is its own line, or the one where a bracket opened that closes on its line, as that of a function whose
    parameters stand on many.
    """

    mark: str
    indent: int


@dataclass(frozen=True, slots=True)
class Scan:
    """`opened`: the brackets that stand open, innermost last. `literal`: what closes the string or comment that the
    text ends in; None in code."""

    opened: tuple[Opener, ...]
    literal: str | None


def scan(text: str, language: str | None, literal: str | None = None) -> Scan:
    """Read a piece of code that begins inside `literal`."""
    lexicon = lexicon_of(language)
    lexicon = LEXICONS.get(_OF_PIECES.get(lexicon.name, ""), lexicon)
    stack = [Frame("", base_mode(lexicon), 0)]
    if literal is not None:
        stack.append(Frame(literal, literal_mode(lexicon.name, _literal_of(lexicon, literal), literal), 0))
    reader = Reader(stack)
    reader.read(text)
    return _scan_of(reader.stack, [indent_of(text, each) for each in reader.stack])


def scan_of(state: CursorState) -> Scan:
    """The same of a cursor's state."""
    return _scan_of(state.stack, state.indents)


def _scan_of(stack: list[Frame] | tuple[Frame, ...], indents: list[int] | tuple[int, ...]) -> Scan:
    opened = [
        Opener(OPENER_OF[frame.mark], indent)
        for frame, indent in zip(stack, indents, strict=True)
        if frame.is_bracket or (frame.is_soft and frame.mode.kind == "text" and frame.mark in OPENER_OF)
    ]
    innermost = next((each for each in reversed(stack[1:]) if not each.is_soft), None)
    is_literal = innermost is not None and innermost.mode.kind == "literal"
    return Scan(tuple(opened), innermost.mark if innermost is not None and is_literal else None)


def _literal_of(lexicon: Lexicon, closes: str) -> Literal:
    known = (each for each in lexicon.literals if each.closes == closes)
    return next(known, Literal(closes, closes, is_long=len(closes) > 1))
