"""Where an answer begins to say again what stands before or after it. Pure.

Lines are compared without their indentation, the rest of the cursor's line by its words and marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from codeassist_indexer.fitting.indentation import leading, opens_block

_LINES_BEHIND = 40
_ABOVE_CHARS = 2_000
_MOST_ALIKE = 2  # lines below each other, as in tests; more of them are a model that goes round in circles
_LONGEST_ROUND = 4  # lines that come over and over in the same order
_LONG = 12  # characters: a shorter line can well stand twice
_HALF_LINE = 16  # characters of a last line that its length cut off, to know which line it would have become
_ONLY_CLOSERS = re.compile(r"[\s)\]}]*[;,]?")
_CLOSER = re.compile(r"[)\]}]")
_SEPARATORS = (";", ",", ":")
_CLOSING_WORDS = ("</", "#endif", "#else")
_BLOCK_END = re.compile(r"(?:end(?:if|for|foreach|while|function)?|fi|done|esac)\b[)\]};,.]*")
_CLOSERS_AND_MARKS = re.compile(r"(?:[\s)\]}>\"'`;,:]|</[\w.:-]*>|\*/|--\]=*\]|-->|[%?]>)*")


def cut_repeated_lines(text: str, prefix: str, suffix: str) -> str:
    """The answer up to the first line that repeats the one before it, or that the file goes on with anyway."""
    before, _, line = prefix.rpartition("\n")
    rest, _, below = suffix.partition("\n")
    lines = text.split("\n")
    whole_first = line + lines[0] + ("" if len(lines) > 1 else rest)
    contents = [_content(whole_first), *(_content(each) for each in lines[1:])]
    behind = [_content(each) for each in below[:8_000].split("\n") if each.strip()][:_LINES_BEHIND]
    white_behind = next((leading(each) for each in below[:8_000].split("\n") if each.strip()), "")
    stands_before_code = bool(rest.strip()) and not line.strip()
    if stands_before_code:
        behind.insert(0, rest.strip())
    above = before.rstrip()[-_ABOVE_CHARS:].split("\n")
    former, former_white = above[-1].strip(), leading(above[-1])
    num_again = next((n for n, each in enumerate(reversed(above)) if each.strip() != former), len(above)) - 1
    depths: set[str] = set()
    for number, content in enumerate(contents):
        if not content or (number == 0 and not lines[0].strip()):
            continue
        white = leading(line + lines[0] if number == 0 else lines[number])
        is_inner = opens_block(former) and len(white) > len(former_white)  # a block of the same kind within the other
        num_again = num_again + 1 if content == former and not is_inner else 0
        is_again = _is_said_once(content) and (num_again >= _MOST_ALIKE or _goes_round(contents[:number], content))
        is_shifted = number > 0 and leading(lines[number]) != white_behind
        is_body = is_shifted and opens_block(former) and len(leading(lines[number])) > len(white_behind)
        is_typed = number == 0 and bool(line.strip())
        is_own_end = _BLOCK_END.match(content) is not None and leading(lines[number]) in depths
        depths.add(white)
        if is_again or (
            not is_body and not is_own_end and _goes_on(contents[number:], behind, is_shifted or number == 0, is_typed)
        ):
            kept = "\n".join(lines[:number])
            # Code on the cursor's own line goes on where the cut line would have begun.
            return f"{kept}\n{leading(lines[number])}" if stands_before_code and kept.strip() else kept
        former, former_white = content, white
    return text


def _goes_round(before: Sequence[str], content: str) -> bool:
    """Whether the last lines are the same few twice, and this one would begin them a third time."""
    last = [each for each in before[-4 * _LONGEST_ROUND :] if each]
    return any(
        len(last) >= 2 * num and last[-num:] == last[-2 * num : -num] and last[-num] == content and num > 1
        for num in range(2, _LONGEST_ROUND + 1)
    )


def is_light(rest: str) -> bool:
    """Whether the rest of the cursor's line only closes what stands open, so that an answer may write it too."""
    return _CLOSERS_AND_MARKS.fullmatch(rest) is not None


def repeated_rest(text: str, rest: str) -> int | None:
    """The offset in the answer from which on its first line says what the cursor's line goes on with.

    Closers are left to whoever counts them.
    """
    first, _, below = text.partition("\n")
    first, rest = first.rstrip(), rest.strip()
    if rest[:1] in _SEPARATORS and text.rstrip().endswith(rest[0]):
        return len(text.rstrip()) - 1
    if is_light(rest):
        return None
    at = first.rfind(rest)
    if at >= 0 and _at_boundary(first, at) and _at_boundary(first, at + len(rest)):
        return at
    if below:
        return None
    for length in range(min(len(rest), len(first)), 0, -1):
        at, part = len(first) - length, rest[:length]
        if first.endswith(part) and _at_boundary(first, at) and _at_boundary(rest, length) and not is_light(part):
            return at
    return None


def line_again(text: str, rest: str) -> int | None:
    """As `repeated_rest`, where nothing stands before the cursor: lines that only begin or end alike are two."""
    first, rest = text.partition("\n")[0].rstrip(), rest.strip()
    at = len(first) - len(rest)
    return at if at >= 0 and first.endswith(rest) and _at_boundary(first, at) and _has_word(rest) else None


def repeated_closers(text: str, below: str) -> Sequence[int]:
    """The offsets from which on the answer's last lines are closers that the file goes on with anyway.

    The nearest to the end comes first. They may close what the answer itself has opened: only a count tells.
    """
    behind = [each.strip() for each in below[:2_000].split("\n") if each.strip()]
    offsets: list[int] = []
    end = len(text.rstrip())
    ours: list[str] = []
    while (start := text.rfind("\n", 0, end)) >= 0 and _ONLY_CLOSERS.fullmatch(text, start, end):
        if text[start:end].strip():
            ours.insert(0, text[start:end].strip())
            if ours == behind[: len(ours)]:
                offsets.append(start)
        end = start
    return offsets


def _goes_on(contents: Sequence[str], behind: Sequence[str], is_shifted: bool, is_typed: bool) -> bool:
    """Whether lines of an answer are those after it, for long enough to be no accident.

    `is_shifted`: they are indented otherwise, or the answer begins with them: one line alone may well be alike then,
    where the next one is not. `is_typed`: the first of them has been begun, and is no line that its length cut off.
    """
    left = [content for content in contents if content]
    num_equal = 0
    while num_equal < min(len(left), len(behind)) and left[num_equal] == behind[num_equal]:
        num_equal += 1
    with_words = [content for content in left[:num_equal] if _has_word(content)]
    if num_equal == len(left):
        # Closers are for whoever counts them; all else, as the rules of a comment, repeats like words.
        is_closer = any(_CLOSER.search(content) or content.startswith(_CLOSING_WORDS) for content in left)
        return bool(with_words) or (num_equal > 0 and not is_closer)
    if num_equal == len(behind):
        return bool(with_words)
    last, wanted = left[num_equal], behind[num_equal]
    is_cut_off = num_equal == len(left) - 1 and wanted.startswith(last) and not (is_typed and num_equal == 0)
    if is_cut_off and (with_words or len(last) >= _HALF_LINE):
        return True
    return len(with_words) > 1 or (
        not is_shifted and any(len(each) >= _LONG and not opens_block(each) for each in with_words)
    )


def _has_word(content: str) -> bool:
    """Whether a line says something: closing brackets, rules of a comment and closing tags stand below each other."""
    return re.search(r"[^\W\d_]", content) is not None and not content.startswith(_CLOSING_WORDS)


def _is_said_once(content: str) -> bool:
    """Whether nothing is said by the same line a third time: blocks may end below each other."""
    return _has_word(content) and _BLOCK_END.fullmatch(content.strip()) is None


def _content(line: str) -> str:
    """What a line is compared by: its text, and where a block ends also where it stands."""
    stripped = line.strip()
    return leading(line) + stripped if _BLOCK_END.fullmatch(stripped) else stripped


def _at_boundary(text: str, at: int) -> bool:
    """Whether no word stands across the offset."""
    before, behind = text[at - 1 : at] if at else "", text[at : at + 1]
    return not (_is_word(before) and _is_word(behind))


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
