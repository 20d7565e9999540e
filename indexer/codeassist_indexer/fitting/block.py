"""The lines of an answer in the block that the cursor stands in: as deep as it, none that leaves it, none defined anew.

It goes by indentation, by words that open and end blocks, and by what stands open. Pure.
"""

from __future__ import annotations

import re

from codeassist_indexer.fitting.indentation import Style, leading, opens_block, width
from codeassist_indexer.fitting.lexing.reader import Reader
from codeassist_indexer.fitting.place import FitContext
from codeassist_indexer.languages.registry import blocks_of
from codeassist_indexer.languages.spec import IndentedBlocks, WordBlocks

_TAB_WIDTH = 4
_ABOVE_CHARS = 4_000
# What stands where it likes: directives, and labels where blocks stand in braces.
_DIRECTIVE = re.compile(r"#\s*(?:if|else|elif|endif|define|include|undef|pragma|region|endregion)")
_LABEL = re.compile(r"\w+:$|(?:case\b.*|default):$")
_COLON = re.compile(r":(?:\s+(?://|#).*)?$")
# A statement that goes on below, deeper; and a line that goes on with one.
_UNFINISHED = re.compile(r".*(?:[=+|&?<(\[{,]|\b(?:and|or|in|is))$")
_BARE_HEADER = re.compile(r"(?:\}\s*)?(?:if|for|foreach|while|else if)\b[^()]*\(")
_CONTINUES = re.compile(r"\.\w|\?[.:]?\s|[:+*/|&<]\s|[|&]{2}|\?\?|->|\?\.|=\s")
_IN_COMMENT = re.compile(r"\*(?:\s|/|$)")
_KEY = re.compile(r"(?!(?:try|else|finally):)[\w.\-/\"']+:(?:\s|$)")
_FLAT_LIST = re.compile(r"^([ \t]*)[\w.\-\"']+:[ \t]*\n\1- ", re.MULTILINE)
_FLAT_CHAIN = re.compile(r"^([ \t]+)[^\s.)\]}][^\n]*\n\1\.\w", re.MULTILINE)
_CALLED = re.compile(r"\??\.\w+[!?]?[(<{]")
_ENDED = re.compile(r"[,;{}]\s*\Z|^\s*\.")
_CASE = re.compile(r"(?:case|default|when)\b")
_OTHERWISE = re.compile(r"(?:else|elif|elsif|elseif|except|finally|catch|rescue|ensure|when|until|case|then)\b")
_ENDS = re.compile(r"(?:end|fi|done|esac)\b|;;")
_LAST = re.compile(r"(?:return|raise|pass|break|continue)\b|\.\.\.$")
_DEFINES = re.compile(r"@|(?:async\s+)?def\b|class\b|if __name__\b")
_HEADER = re.compile(
    r"(?:[\w@]+\s+)*(?:def|class|function|func|fn|fun|interface|struct|enum|trait|impl|module|namespace)\b.*\w.*|"
    r"(?!(?:if|for|while|switch|else|return|foreach|catch|elif|elsif|try|do|with)\b)"
    r"[\w<>\[\],.*& ]+\s[*&]?\w+\(.*\)\s*\{"
)


def in_block(text: str, place: FitContext) -> str:
    """The answer with its lines as deep as the block at the cursor, up to where it leaves that or defines it again."""
    text = _without_definition_again(text, place)
    if place.line.strip():
        return _below_header(text, place)
    if not place.line:
        return text
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    base = width(place.line)
    is_indented = isinstance(blocks_of(place.language), IndentedBlocks) and not place.before.opened
    if first > 0 and width(leading(lines[first])) < base and is_indented:
        return ""
    counted = [number for number in range(first + 1, len(lines)) if _counts(lines[number], place)]
    counted = [number for number in counted if not _IN_COMMENT.match(lines[number].lstrip())] or counted
    if not counted:
        return text
    below = counted[0]
    end = _first_leaving(lines, place)
    if below >= end or _leaves(lines, first, below, base, place) or _is_in_place(lines, first, counted, base, place):
        return _up_to_leaving(lines, first, base, place) if is_indented else text
    depths = [width(leading(lines[number])) for number in counted if number < end]
    goes_on = _goes_on(lines[first], lines[below], place)
    start = 0 if goes_on and min(depths) == depths[0] else min(depths)
    return _shifted(lines, first + 1, max(0, base - start), place)


def _is_in_place(lines: list[str], first: int, counted: list[int], base: int, place: FitContext) -> bool:
    """Whether the lines below the first are as deep as the place wants them."""
    below = lines[counted[0]]
    depth = width(leading(below))
    if depth != base:
        return depth > base
    if below.lstrip()[0] in ")]}" or _ENDS.match(below.lstrip()) or _CASE.match(below.lstrip()):
        return True
    if isinstance(blocks_of(place.language), IndentedBlocks):
        return not _opens(lines[first], place) or _stand_alike(lines, first, counted, base, place)
    if _CALLED.match(below.lstrip()) and not _ENDED.search(lines[first]) and not _goes_on_flat(place):
        return False
    if place.style is not None and place.style.has_tabs and below.startswith("  ") and "\t" in place.line:
        return False  # aligned with what the statement begins with, wherever that stands
    end = _first_leaving(lines, place)
    is_deep = all(width(leading(lines[number])) >= base for number in counted if number < end)
    return is_deep and (below.lstrip().startswith("{") or not _is_bare_header(lines[first]))


def _goes_on_flat(place: FitContext) -> bool:
    """Whether the file has a chain of calls that stands as deep as the statement it goes on with."""
    nearby = f"{place.prefix[-_ABOVE_CHARS:]}\n\n{place.suffix[:_ABOVE_CHARS]}"
    return _FLAT_CHAIN.search(nearby) is not None


def _is_bare_header(line: str) -> bool:
    """Whether the statement that the line begins is one on the next line, without a bracket around it."""
    content = line.strip()
    if content.removeprefix("}").strip() == "else":
        return True
    header = _BARE_HEADER.match(content)
    if header is None:
        return False
    depth = 0
    for offset in range(header.end() - 1, len(content)):
        depth += (content[offset] == "(") - (content[offset] == ")")
        if depth == 0:
            return offset == len(content) - 1
    return False


def _goes_on(line: str, below: str, place: FitContext) -> bool:
    """Whether the line below the first goes on with what that has begun."""
    is_unfinished = _UNFINISHED.match(line.strip()) is not None or _CONTINUES.match(below.lstrip()) is not None
    is_unfinished = is_unfinished or _is_bare_header(line) or _IN_COMMENT.match(below.lstrip()) is not None
    return is_unfinished or _opens(line, place)


def _below_header(text: str, place: FitContext) -> str:
    """An answer that begins with the body of a header that ends at the cursor: its lines are deeper than that."""
    head, line_end, rest = text.partition("\n")
    is_indented = isinstance(blocks_of(place.language), IndentedBlocks)
    header = (place.line + head).rstrip()
    if not line_end or not opens_block(header) or (header.endswith(":") and not is_indented) or not rest.strip():
        return text
    lines = [head, *rest.lstrip("\n").split("\n")] if not rest.split("\n")[0].strip() else [head, *rest.split("\n")]
    white = width(leading(place.line))
    first = lines[1]
    if not first.strip() or first.lstrip()[0] in ")]}" or width(leading(first)) > white:
        return "\n".join(lines)
    if width(leading(first)) > 0 or not _counts(first, place):
        return "\n".join(lines)
    return _shifted(lines, 1, white + _unit(place.style), place, closers_by=white)


def _counts(line: str, place: FitContext) -> bool:
    """Whether a line's indentation says where it belongs."""
    content = line.strip()
    if not content or isinstance(blocks_of(place.language), IndentedBlocks):
        return bool(content)
    return _DIRECTIVE.match(content) is None and _LABEL.match(content) is None


def _opens(line: str, place: FitContext) -> bool:
    """Whether the lines below this one are deeper."""
    blocks = blocks_of(place.language)
    if isinstance(blocks, WordBlocks) and blocks.header.match(line):
        return True
    is_indented = isinstance(blocks, IndentedBlocks)
    if is_indented and line.lstrip().startswith("- "):
        return True
    return opens_block(line) and (is_indented or _COLON.search(line.rstrip()) is None)


def _stand_alike(lines: list[str], first: int, counted: list[int], base: int, place: FitContext) -> bool:
    """Whether the first line, which may open a block, and those below it are of one list or table."""
    content = lines[first].lstrip()
    alike = [lines[number].lstrip() for number in counted if width(leading(lines[number])) == base]
    items = [each for each in alike if each.startswith("- ")]
    if content.startswith("- "):
        return bool(items) and alike[0] == items[0]
    if not _KEY.match(content):
        return False
    if items and items[0] == alike[0]:  # of a list that stands as deep as its key, where others do or a key follows
        return len(items) < len(alike) or _FLAT_LIST.search(place.prefix[-_ABOVE_CHARS:]) is not None
    return all(_KEY.match(each) and each.rstrip().endswith(":") for each in alike)  # any of their values may be empty


def _leaves(lines: list[str], first: int, below: int, base: int, place: FitContext) -> bool:
    """Whether the line that is less deep than the cursor belongs to what encloses the block there."""
    if width(leading(lines[below])) >= base:
        return False
    content = lines[below].lstrip()
    opens = _opens(lines[first], place)
    if content[0] in ")]}" or content.startswith("</"):
        return _first_leaving(lines, place) == below
    if _OTHERWISE.match(content) or _ENDS.match(content):
        return not opens
    if not isinstance(blocks_of(place.language), IndentedBlocks):
        return False
    num_blank = sum(not line.strip() for line in lines[first + 1 : below])
    if _LAST.match(lines[first].strip()) or num_blank > 1 or (width(leading(lines[below])) and not opens):
        return True
    if _DEFINES.match(content):
        above = place.prefix.rstrip().rpartition("\n")[2].lstrip()
        return not (above.startswith("class") or "(self" in content)
    return False


def _first_leaving(lines: list[str], place: FitContext) -> int:
    """The number of the line that leads with a bracket or tag that closes what stood open at the cursor."""
    reader = Reader(place.state.stack)
    text = "\n".join(lines)
    reader.read(place.line + text, len(place.line))
    for closer in reader.closers:
        offset = closer.char_offset - len(place.line)
        start = text.rfind("\n", 0, offset) + 1
        if not closer.is_soft and not text[start:offset].strip():
            return text.count("\n", 0, offset)
    return len(lines)


def _shifted(lines: list[str], start: int, columns: int, place: FitContext, closers_by: int = 0) -> str:
    """The lines from `start` on, up to one that leaves the block, so many columns deeper; that one by `closers_by`."""
    end = _first_leaving(lines, place)
    white, closing = _white(columns, place), _white(closers_by, place)
    shifted = [white + line if line.strip() else line for line in lines[start:end]]
    left = [closing + line if line.strip() and not leading(line) else line for line in lines[max(start, end) :]]
    return "\n".join([*lines[:start], *shifted, *left])


def _up_to_leaving(lines: list[str], first: int, base: int, place: FitContext) -> str:
    """The lines up to one that is less deep than the cursor, where indentation alone says what belongs to a block."""
    reader = Reader(place.state.stack)
    text = place.line
    for number, line in enumerate(lines):
        content = line.lstrip()
        is_code = len(reader.stack) == len(place.state.stack) and reader.num_kept == len(place.state.stack)
        if number > first and content and is_code and width(leading(line)) < base and not _OTHERWISE.match(content):
            return "\n".join(lines[:number]).rstrip()
        at = len(text)
        text += line + "\n"
        reader.read(text, at)
    return "\n".join(lines)


def _without_definition_again(text: str, place: FitContext) -> str:
    """The answer up to a line that defines what is defined above it already, in the same block."""
    lines = text.split("\n")
    above: list[str] | None = None
    for number, line in enumerate(lines):
        whole = (place.line + line) if number == 0 else line
        if not _HEADER.fullmatch(whole.strip()) or (number == 0 and place.line.strip()):
            continue
        above = above if above is not None else place.prefix[-_ABOVE_CHARS:].split("\n")[:-1]
        if whole.strip() in _siblings(above, width(leading(whole)), lines[:number]):
            return "\n".join(lines[:number]).rstrip()
    return text


def _siblings(above: list[str], indent: int, own: list[str]) -> set[str]:
    """The lines that are as deep, up to the first that is less deep."""
    found: set[str] = set()
    for line in [*reversed(own), *reversed(above)]:
        if line.strip() and width(leading(line)) < indent:
            break
        if width(leading(line)) == indent:
            found.add(line.strip())
    return found


def _unit(style: Style | None) -> int:
    return width(style.unit) if style is not None else _TAB_WIDTH


def _white(columns: int, place: FitContext) -> str:
    if columns == width(place.line) and not place.line.strip():
        return place.line
    has_tabs = place.style.has_tabs if place.style is not None else "\t" in leading(place.line)
    return "\t" * (columns // _TAB_WIDTH) if has_tabs else " " * columns
