"""How badly what stands open at the end of a line fits what the lines below it close. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from codeassist_indexer.fitting.lexing.cursor_state import Below, CursorState
from codeassist_indexer.fitting.lexing.frame import Frame

HARD, SOFT = 4, 1
_INDENT, _ERROR = 1, 2
_MOST = 24  # of the innermost that are compared


def imbalance(state: CursorState, stack: Sequence[Frame], num_given: int, answer_end: int) -> int:
    """The cost of a line that leaves `stack` open; 0 where all of it is closed below and nothing else.

    The first `num_given` frames are those that are open at the cursor. Of the others those before the offset
    `answer_end` are an answer's, which may end in the middle: what it opens need not be closed.
    """
    below = state.read_below(stack)
    frames: list[tuple[str, int | None, bool]] = []
    for num, each in enumerate(stack[1:], 1):
        is_given = num < min(num_given, len(state.indents))
        is_said = num >= num_given and each.char_offset < answer_end
        frames.append((each.mark, state.indents[num] if is_given else None, each.is_optional or is_said))
    frames.reverse()
    ends = state.is_whole and len(below.closers) <= _MOST
    cost = _unlikeness(frames[:_MOST], below.closers[:_MOST], frames_end=ends, closers_end=len(frames) <= _MOST)
    return cost + below.num_errors * _ERROR


def is_other_sentence(softs: Sequence[str], closed: Sequence[str]) -> bool:
    """Whether brackets that a text of no code leaves open on its line are not those that its next lines close."""
    if closed:
        return not softs or softs[-1] != closed[0]
    return bool(softs)


def _unlikeness(
    frames: Sequence[tuple[str, int | None, bool]], closers: Sequence[Below], *, frames_end: bool, closers_end: bool
) -> int:
    """The least cost of pairing frames, the innermost first, with closers: an edit distance.

    What is left over of the one costs nothing where it is not known how the other goes on.
    """
    row = [num * HARD for num in range(len(closers) + 1)]
    cost = row[-1]
    for mark, indent, is_free in frames:
        skipped = 0 if is_free else HARD
        following = [row[0] + skipped]
        for num, closer in enumerate(closers):
            least = min(row[num + 1] + skipped, following[num] + HARD)
            if mark == closer.mark:
                least = min(least, row[num] + _is_shifted(indent, closer))
            following.append(least)
        row = following
        cost = row[-1] if frames_end else min(cost, row[-1])
    return cost if closers_end else min(cost, *row)


def _is_shifted(indent: int | None, closer: Below) -> int:
    return _INDENT if indent is not None and closer.leads and indent != closer.indent else 0
