"""What stands open at a cursor, and what the text below its line closes of that: found once for all answers there.

Of a long text only what is near is read (`nearby_text`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from codeassist_indexer.fitting.lexing.frame import Frame
from codeassist_indexer.fitting.lexing.modes import Mode, code_mode
from codeassist_indexer.fitting.lexing.reader import Reader, opening
from codeassist_indexer.fitting.nearby_text import near_before, near_behind
from codeassist_indexer.languages.forms.lexicon import Lexicon

_TAB_WIDTH = 4
_MOST_LINE = 2_000
_QUOTES = ("'", '"')
_SEEN_CHARS = 400
# Three words at least, and none of the marks of code.
_SENTENCE = re.compile(r"\W*[\w'’`./-]+[,:]?(?: \W?[\w'’`./-]+[,:;.)`*\"]*){2,}\s*")
_MOST_CLOSERS = 40
_MOST_BEHIND = 16  # brackets of one line, looked back at from one of them
_MOST_ERRORS = 4


class Below(NamedTuple):
    """A closer below the cursor's line. `leads`: it is the first of its line, which is indented by `indent`."""

    mark: str
    indent: int
    leads: bool


@dataclass(frozen=True, slots=True)
class ReadBelow:
    """What the text below closes of what stands open above it, in order, and how badly it reads from there on."""

    closers: tuple[Below, ...]
    soft: tuple[str, ...]
    num_errors: int


@dataclass(slots=True)
class CursorState:
    """`stack` is what stands open at the cursor, `indents` how wide what each frame is part of is indented.

    What stands directly before the cursor may become another thing with what follows it, as two quotes of three do:
    `line_stack` is what stood open before the line's last `num_line` characters, its first where it is not endless.
    `below` is the text of the lines below the cursor's; `is_whole`: it is all there is.
    """

    stack: tuple[Frame, ...]
    indents: tuple[int, ...]
    line_stack: tuple[Frame, ...]
    num_line: int
    below: str
    is_whole: bool
    _read: dict[tuple[tuple[str, int], ...], ReadBelow] = field(
        default_factory=dict[tuple[tuple[str, int], ...], ReadBelow]
    )

    def comment_below(self, comment: Frame) -> tuple[str, ...]:
        """What the next lines, where they are the same kind of comment, close of a sentence in brackets."""
        literal = comment.mode.literal
        lines = self.below[:_SEEN_CHARS].split("\n")[:2]
        reader = Reader((self.stack[0], comment))
        for line in lines:
            found = re.match(literal.opens, line.lstrip()) if literal is not None else None
            if found is None:
                break
            reader.read(line.lstrip()[found.end() :])
        return tuple(each.mark for each in reader.closers if each.is_soft)

    def read_below(self, stack: Sequence[Frame]) -> ReadBelow:
        """What the text below closes, read from where `stack` stands open."""
        inner = next((num for num, each in enumerate(stack) if num and _is_within_text(each)), len(stack))
        base = stack[0].mode if stack[0].mode.kind == "text" else None
        kept = [stack[0]]
        kept += [each for num, each in enumerate(stack) if num and (num >= inner or not _changes_nothing(each, base))]
        key = tuple((each.mark, id(each.mode)) for each in kept)
        known = self._read.get(key)
        if known is None:
            known = self._read[key] = _read_below(self.below, kept, self.is_whole)
        return known


def state_at(prefix: str, suffix: str, lexicon: Lexicon, language: str | None, num_chars: int) -> CursorState:
    """Read so many characters on both sides of a cursor."""
    near = near_before(prefix, num_chars, language)
    far = _opened_far(prefix[: max(0, len(prefix) - num_chars)], lexicon)
    num_line = min(_MOST_LINE, len(near) - near.rfind("\n") - 1)
    reader = Reader(far)
    reader.read(near, 0, len(near) - num_line)
    if len(prefix) > num_chars and (quote := _begun_long_ago(reader.stack)) is not None:  # the text begins within one
        reader = Reader([*far, quote])
        reader.read(near, 0, len(near) - num_line)
    line_stack = tuple(reader.stack)
    reader.read(near, len(near) - num_line)
    num_below = num_chars if lexicon.has_code else num_chars // 2  # tags are many, and take long to read
    below = near_behind(suffix, num_below, language).partition("\n")[2]
    indents = tuple(indent_of(near, each) for each in reader.stack)
    return CursorState(tuple(reader.stack), indents, line_stack, num_line, below, len(suffix) <= num_below)


def _changes_nothing(frame: Frame, base: Mode | None) -> bool:
    """Whether the text within is read as the one around it: in a bracket, or between the tags of an element."""
    return frame.is_bracket or (base is not None and frame.mode is base)


def _is_within_text(frame: Frame) -> bool:
    """Whether what stands open is a string or comment, or code in a text."""
    return frame.mode.kind == "literal" or (not frame.is_bracket and frame.mark in (")", "}"))


def _begun_long_ago(stack: Sequence[Frame]) -> Frame | None:
    """The string between simple quotes that a whole line is within: few are so long."""
    num = len(stack) - 1
    while stack[num].is_soft:
        num -= 1
    frame = stack[num]
    return frame._replace(char_offset=0) if num > 0 and frame.mark in _QUOTES else None


def _opened_far(far: str, lexicon: Lexicon) -> list[Frame]:
    """The language that the text near the cursor begins in, where a file has several."""
    base = opening(lexicon)
    if lexicon.has_code or not far:
        return [base]
    region, at = base, -1
    for each in lexicon.regions:
        if each.opens.startswith(r"<\?") and (found := far.rfind("<?")) > max(at, far.rfind(each.closes)):
            region, at = Frame(each.closes, code_mode(each.lexicon), 0), found
    for name, raw in lexicon.markup.raw if lexicon.markup is not None else ():
        if (found := far.rfind(f"<{name}")) > max(at, far.rfind(f"</{name}")):
            region, at = Frame(f"</{name}>", code_mode(raw), 0), found
    return [base] if region is base else [base, region]


def _read_below(text: str, stack: list[Frame], is_whole: bool) -> ReadBelow:
    reader = Reader(stack)
    reader.read(text)
    num_left = sum(not each.is_soft and not each.is_bracket for each in reader.stack[reader.num_kept :])
    hard = [each for each in reader.closers if not each.is_soft][:_MOST_CLOSERS]
    closers = [Below(each.mark, *_place_on_line(text, each.char_offset)) for each in hard]
    if stack[-1].mode.kind == "code" and (mark := _stray_comment_end(text, stack[-1].mode.lexicon)) is not None:
        closers.insert(0, Below(mark, 0, False))
    near = text.find("\n", text.find("\n") + 1)
    first_hard = hard[0].char_offset if hard else len(text)
    soft = [each.mark for each in reader.closers if each.is_soft and each.char_offset < min(near, first_hard)]
    num_errors = min(_MOST_ERRORS, reader.num_errors + (num_left if is_whole else 0))
    num_errors += _reads_as_other(text, stack[-1])
    return ReadBelow(tuple(closers), tuple(soft), num_errors)


def _reads_as_other(text: str, frame: Frame) -> bool:
    """Whether the next lines are sentences though they would be code, or code though they would be a text."""
    lines = [line for line in text[:_SEEN_CHARS].split("\n")[:-1] if line.strip()][:2]
    sentences = [_SENTENCE.fullmatch(line) is not None for line in lines]
    if frame.mode.kind == "code":
        return bool(lines) and all(sentences)
    is_long = frame.mode.literal is not None and frame.mode.literal.is_long
    return bool(lines) and is_long and not any(sentences)


def _stray_comment_end(text: str, lexicon: Lexicon) -> str | None:
    """What ends a comment that began above the text, if one does."""
    for each in lexicon.literals:
        if (each.is_comment and each.is_long and not each.nests) or each.closes == "*/":
            end = text.find(each.closes)
            if end >= 0 and not 0 <= text.find(each.opens.replace("\\", "")) < end:
                return each.closes
    return None


def _place_on_line(text: str, char_offset: int) -> tuple[int, bool]:
    line = text[text.rfind("\n", 0, char_offset) + 1 : char_offset]
    return _indent(line), not line.strip()


def indent_of(text: str, frame: Frame) -> int:
    """The indentation of what a frame of the text is part of."""
    indent = _indent_at(text, frame.char_offset)
    for _ in range(_MOST_BEHIND):
        if frame.behind is None:
            break
        frame = frame.behind.frame
        indent = min(indent, _indent_at(text, frame.char_offset))
    return indent


def _indent_at(text: str, char_offset: int) -> int:
    return _indent(text[text.rfind("\n", 0, char_offset) + 1 : char_offset])


def _indent(line: str) -> int:
    line = line.expandtabs(_TAB_WIDTH)
    return len(line) - len(line.lstrip())
