"""What of a long text stands around a place in it: the lines nearby, and of those farther off what encloses them.

What encloses what is told by indentation. Pure.
"""

from __future__ import annotations

import re

from codeassist_indexer.languages.registry import blocks_of
from codeassist_indexer.languages.spec import BracedBlocks, IndentedBlocks, WordBlocks

FAR_CHARS = 60_000
"""How far off lines are looked for that enclose the place."""

_TAB_WIDTH = 4
_HEADER_LINES = 12
# Lines, but for labels and directives, which stand where they like; in a group, a line's closing brackets.
_LINE = re.compile(r"^[ \t]*(?!#|\w+:\s*$)(?:(?:end)?([)\]}]+[;,]?)|\S)", re.MULTILINE)
_CLOSER_LINES = re.compile(r"(?:[ \t]*[)\]}].*\n|[ \t]*\n)*")
_ENDS_CODE = re.compile(r"[;{}][ \t]*$", re.MULTILINE)
# A line that is code, not the text of a comment or string that the first of the lines nearby stands in.
_BRACKET_CODE = re.compile(r"^(?![ \t]*([*]|//)).*[;{}][ \t]*\n", re.MULTILINE)
_ENDS_OPEN = ("{", ":", "(", "[", "=>")


def near_before(before: str, num_chars: int, language: str | None) -> str:
    """The last lines, below the lines farther up that enclose them: each indented less than the one found last."""
    if len(before) <= num_chars:
        return before
    start = before.find("\n", len(before) - num_chars) + 1
    if start == 0:  # one endless line
        return before[-num_chars:]
    start += _start_of_code(before[start:], language)
    near = before[start:]
    least = next((_indent(line) for line in near.split("\n") if line.strip()), 0)
    lines = before[max(0, start - FAR_CHARS) : start].split("\n")
    enclosing: list[str] = []
    below = len(lines)
    for number in range(len(lines) - 1, -1, -1):
        if least == 0:
            break
        if number < below and lines[number][:least].strip() and (indent := _indent(lines[number])) < least:
            least = indent
            first = number
            if lines[number].strip() == "{":  # on a line of its own: what it belongs to stands above
                first = _above_brace(lines, number, indent)
            enclosing[:0] = _header(lines[first:below])
            below = first
    unindented = _unindented(language)
    outer = _open_unindented(unindented, before[:start]) if unindented is not None else []
    enclosing[:0] = [each for each in outer if each not in enclosing]
    return "\n".join([*enclosing, near])


def near_behind(behind: str, num_chars: int, language: str | None) -> str:
    """The first lines, above the closing brackets farther down: each indented less than the one found last."""
    if len(behind) <= num_chars:
        return behind
    end = _end_of_code(behind, behind.rfind("\n", 0, num_chars), language)
    if end < 0:
        return behind[:num_chars]
    near = behind[:end]
    last = near[near.rstrip().rfind("\n") + 1 :].rstrip()
    least = _indent(last) + last.endswith(("{", "(", "["))
    closing: list[str] = []
    blocks = blocks_of(language)
    words = blocks.closers if isinstance(blocks, WordBlocks) else None
    for found in _LINE.finditer(behind, end + 1, end + FAR_CHARS):
        if least == 0:
            break
        if (indent := _indent(found[0])) < least:
            least = indent
            word = words.match(behind, found.end() - 1) if words is not None else None
            closer = found[1] if word is None else word[0].strip()
            if closer is not None:
                closing.append(" " * indent + closer)
    if (unindented := _unindented(language)) is not None:
        closing.extend(["}"] * _num_closed_unindented(unindented, behind[end:]))
    return "\n".join([near, *closing]) + "\n"


def _unindented(language: str | None) -> re.Pattern[str] | None:
    """What finds blocks that enclose code without indenting it, where the language has such."""
    blocks = blocks_of(language)
    return blocks.unindented if isinstance(blocks, BracedBlocks) else None


def _open_unindented(unindented: re.Pattern[str], before: str) -> list[str]:
    opened: list[str] = []
    for found in unindented.finditer(before):
        if found["opens"] is not None:
            opened.append(found["opens"])
        elif opened:
            opened.pop()
    return opened


def _num_closed_unindented(unindented: re.Pattern[str], behind: str) -> int:
    """How many such blocks end in the text that did not begin there."""
    num_open = num_closed = 0
    for found in unindented.finditer(behind):
        if found["opens"] is not None:
            num_open += 1
        elif num_open:
            num_open -= 1
        else:
            num_closed += 1
    return num_closed


def _end_of_code(behind: str, end: int, language: str | None) -> int:
    """The end of the last line up to `end` that is surely one of code, and ends a statement."""
    if not isinstance(blocks_of(language), BracedBlocks):
        return end
    comment = behind.rfind("/*", 0, end)
    if comment > behind.rfind("*/", 0, end):
        end = max(behind.rfind("\n", 0, comment), 0) or end
    at = end
    while at > end // 2:
        start = behind.rfind("\n", 0, at) + 1
        if _ENDS_CODE.search(behind, start, at):
            return at
        at = start - 1
    return end


def _start_of_code(near: str, language: str | None) -> int:
    """The offset of the first line that is surely code."""
    blocks = blocks_of(language)
    if isinstance(blocks, IndentedBlocks):
        found = blocks.definition.search(near)
        return 0 if found is None else found.start()
    end = near.find("*/")
    start = 0 if end < 0 or "/*" in near[:end] else near.find("\n", end) + 1
    found = _BRACKET_CODE.search(near, start) if isinstance(blocks, BracedBlocks) else None
    start = start if found is None else found.end()
    closers = _CLOSER_LINES.match(near, start)  # of what began farther up: nothing of it is needed
    return start if closers is None else closers.end()


def _above_brace(lines: list[str], number: int, indent: int) -> int:
    """The number of the line that a header begins on, above its bracket."""
    for above in range(number - 1, max(-1, number - _HEADER_LINES), -1):
        if not lines[above].strip() or _indent(lines[above]) < indent or _ENDS_CODE.search(lines[above]):
            break
        if _indent(lines[above]) == indent:
            return above
    return number


def _header(lines: list[str]) -> list[str]:
    """The first of the lines, and those after it up to the one that opens the block."""
    first = lines[0]
    if first.lstrip()[0] == "}" and "{" in first:  # "} else {" encloses by what it opens only
        return [" " * _indent(first) + first[first.rfind("{") :]]
    for number, line in enumerate(lines[:_HEADER_LINES]):
        if line.rstrip().endswith(_ENDS_OPEN) and not (number == 0 and line.rstrip().endswith("(")):
            return lines[: number + 1]
    return [first]


def _indent(line: str) -> int:
    white = line[: len(line) - len(line.lstrip())]
    return len(white.expandtabs(_TAB_WIDTH)) if "\t" in white else len(white)
