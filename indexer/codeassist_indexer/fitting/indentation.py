"""An answer's indentation, made to fit the place and the file. Pure.

It goes by the lines around the cursor. Only white space at the start of lines changes.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise

from codeassist_indexer.fitting.lexing.frame import CLOSER_OF
from codeassist_indexer.fitting.lexing.scan import Scan

_TAB_WIDTH = 4
_NEARBY_CHARS = 8_000
_MIXED = 5  # a fifth of the lines indented the other way is no accident
_OPENS_BLOCK = re.compile(r"(\{|\(|\[|:|=>|->)(\s+(//|#(?!\w)).*)?$")
# A statement that goes on below, deeper, without a bracket that says so.
_KEY = re.compile(r"(?!(?:try|else|finally):)[\w.\-/\"']+:(?:\s|$)")  # of a table; its value may be empty
_KEY_OR_ITEM = re.compile(rf"-\s|{_KEY.pattern}")
_ALIGNED = re.compile(r"^\t+( {2,7})\S", re.MULTILINE)
_GOES_ON_BELOW = re.compile(r"[,=+*/|&?<(\[\\-]\s*\Z")
_COMMENT = re.compile(r"//|#(?!\w)|/?\*|--")
_GOES_ON = re.compile(r"^(\}\s*)?(if|for|foreach|while|else if)\b.*\)$|^(\}\s*)?else$|[,=+*/|&?<(\[{-]$|\b(and|or|in)$")


@dataclass(frozen=True, slots=True)
class Style:
    """How a file indents: with tabs, or with so many spaces; `unit` is the text of one level."""

    unit: str

    @property
    def has_tabs(self) -> bool:
        """Whether it is tabs."""
        return self.unit == "\t"


def style_of(prefix: str, suffix: str) -> Style | None:
    """How the lines at the cursor are indented; None where none near it is, or where tabs and spaces are mixed."""
    behind = suffix[:_NEARBY_CHARS].split("\n")[1:]
    lines = [*prefix[-_NEARBY_CHARS:].split("\n"), *behind]
    own = next((white for line in reversed(lines[: len(lines) - len(behind)]) if (white := leading(line))), None)
    own = own or next((white for line in behind if (white := leading(line))), None)
    num_tabs = sum(line.startswith("\t") for line in lines)
    num_spaces = sum(line.startswith("  ") for line in lines)
    if own is None or min(num_tabs, num_spaces) * _MIXED > num_tabs + num_spaces:
        return None
    if ("\t" in own) != (num_tabs >= num_spaces):  # the next line is an exception
        return None
    if "\t" in own:
        return Style("\t")
    depths = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip() and not line.startswith("\t")]
    steps = [deeper - depth for depth, deeper in pairwise(depths) if deeper > depth]
    return Style(" " * max((2, 3, 4, 8), key=lambda step: (steps.count(step), step == _TAB_WIDTH)))


def opens_block(line: str) -> bool:
    """Whether the line below this one is indented deeper."""
    return _OPENS_BLOCK.search(line.rstrip()) is not None


def width(white: str) -> int:
    """The columns that leading white space takes."""
    return len(white.expandtabs(_TAB_WIDTH))


def leading(line: str) -> str:
    """The white space at the line's start."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def fit_indentation(text: str, prefix: str, style: Style | None, before: Scan) -> str:
    """Indent the answer as the file does, and its first line from where the cursor stands. `before` is the prefix's."""
    above, _, line = prefix.rpartition("\n")
    if style is not None:
        text = _in_style(text, prefix, line, style)
    if line.strip():
        return _deepened(text, leading(line), style, line, before)
    if line:
        text = _behind_indentation(text, line, above.rstrip().rpartition("\n")[2], style, before)
    return _deepened(text, line, style, "", before)


def _behind_indentation(text: str, line: str, above: str, style: Style | None, before: Scan) -> str:
    """An answer at a cursor that stands after a line's indentation: drop what it repeats of that."""
    here = width(line)
    lines = text.split("\n")
    first = next((i for i, each in enumerate(lines) if each.strip()), None)
    if first is None:
        return ""
    if first > 0:  # it begins with line ends, though the cursor stands on an empty line
        if width(leading(lines[first])) < here:
            return text  # it wants less indentation than there is: that takes a line of its own
        lines = lines[first:]
        lines[0] = _less(lines[0], here)
    extra = width(leading(lines[0]))
    if extra == 0:
        return "\n".join(lines)
    deepest = width(leading(above))
    header = width(leading(above))
    if above.endswith("{") and before.opened:
        header = before.opened[-1].indent
    is_again = leading(lines[0]) == line and not (opens_block(above) and here <= header)
    if is_again:  # below a deeper line too: who stands here has left that
        deepest = here
    elif before.opened and before.opened[-1].mark != "{" and not opens_block(above):
        deepest = here + extra  # in a call the lines stand where they like
    elif opens_block(above):
        deepest += width(style.unit) if style is not None else _TAB_WIDTH
    keep = max(0, min(extra, deepest - here))
    surplus = extra - keep
    if surplus == 0:
        return "\n".join(lines)
    lines[0] = _less(lines[0], surplus)
    depths = [width(leading(each)) for each in lines[1:] if each.strip()]
    # The lines below stand as if the first one had stood where it was put: they go back with it.
    if any(lines[0].count(mark) > lines[0].count(closer) for mark, closer in CLOSER_OF.items() if mark != "{"):
        return "\n".join(lines)  # in brackets they stand where they like
    goes_on = opens_block(lines[0]) or _GOES_ON.search(lines[0].strip()) is not None
    if depths and min(depths) >= here + extra and depths[0] >= here + extra + goes_on:
        lines[1:] = [_less(each, surplus) for each in lines[1:]]
    return "\n".join(lines)


def _deepened(text: str, base: str, style: Style | None, header: str, before: Scan) -> str:
    """An answer that is indented as if the cursor's line began at the margin: its lines get that line's indentation."""
    lines = text.split("\n")
    below = [each for each in lines[1:] if each.strip()]
    if not width(base) or not below:
        return text
    first = header + lines[0]
    if _COMMENT.match(first.lstrip()) or (_KEY.match(first.lstrip()) and _KEY_OR_ITEM.match(below[0].lstrip())):
        return text
    depth = width(leading(below[0]))
    unit = width(style.unit) if style is not None else depth
    is_closer = below[0].lstrip()[0] in ")]}"
    in_brackets = bool(before.opened) and before.opened[-1].mark != "{"  # there the line's own indentation says nothing
    if in_brackets or is_closer or not opens_block(first) or not 0 < depth <= min(unit, width(base)):
        return text
    return "\n".join([lines[0], *(base + each if each.strip() else each for each in lines[1:])])


def _less(line: str, columns: int) -> str:
    """The line with so many columns of its indentation taken away."""
    white = leading(line)
    while white and columns > 0:
        columns -= width(white) - width(white[:-1])
        white = white[:-1]
    return white + line.lstrip(" \t")


def _in_style(text: str, prefix: str, line: str, style: Style) -> str:
    """The answer's leading tabs as the file's spaces, or its leading spaces as the file's tabs.

    Lines that go on with another one stay aligned by spaces where the file has such behind its tabs.
    """
    first, *below = text.split("\n")
    at_margin = not line
    aligned = {found[1] for found in _ALIGNED.finditer(prefix[-_NEARBY_CHARS:])}
    if not style.has_tabs:
        changed = [re.sub(r"^\t+", lambda tabs: style.unit * len(tabs[0]), each) for each in below]
        if not line.strip():
            first = re.sub(r"^\t+", lambda tabs: style.unit * len(tabs[0]), first)
        return "\n".join([first, *changed])
    stays = [leading(each) in aligned and _GOES_ON_BELOW.search(above) is not None
             for above, each in pairwise([first, *below])]  # fmt: skip
    spaced = ([first] if at_margin else []) + [each for each, is_kept in zip(below, stays, strict=True) if not is_kept]
    depths = [len(each) - len(each.lstrip(" ")) for each in spaced if each.strip() and each[0] == " "]
    if not any(depth > 1 for depth in depths):
        return text
    unit = _spaces_a_level(depths, len(line) - len(line.lstrip("\t")) + opens_block(line + first))
    below = [each if is_kept else _tabbed(each, unit) for each, is_kept in zip(below, stays, strict=True)]
    return "\n".join([_tabbed(first, unit) if at_margin else first, *below])


def _spaces_a_level(depths: list[int], first_level: int) -> int:
    """How many spaces the answer takes for a level: what puts its first indented line at the level expected there."""
    first = depths[0]
    if first_level and first % first_level == 0 and first // first_level in (2, 3, 4, 8):
        return first // first_level
    common = math.gcd(*(depth for depth in depths if depth > 1))
    return common if common in (2, 3, 4, 8) else _TAB_WIDTH


def _tabbed(line: str, unit: int) -> str:
    spaces = len(line) - len(line.lstrip(" "))
    return "\t" * (spaces // unit) + " " * (spaces % unit) + line.lstrip(" ") if spaces > 1 else line
