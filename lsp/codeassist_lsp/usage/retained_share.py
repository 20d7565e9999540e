"""How much of an inserted text still stands in a document some edits later. Pure.

Compared by words: what was deleted and happens to share letters with what was written instead does not count.
"""

from __future__ import annotations

import re
from itertools import accumulate

from rapidfuzz.distance import LCSseq

from codeassist.document import Document

_TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)
_WORD = re.compile(r"\w")
_MOST_TOKENS = 8_000  # 10 ms; in a larger change (a whole file that was formatted, say) all of it counts as gone


def kept_chars(before: str, start_char: int, end_char: int, after: str) -> int:
    """How many of the characters in [start_char, end_char) of a text are left in what became of it."""
    _, change = Document("", before).with_text(after)
    if change.start_char == change.end_char:  # nothing was deleted
        return end_char - start_char
    changed_from, num_after = change.start_char, len(before) - change.end_char
    while _is_within_word(before, changed_from) or _is_within_word(after, changed_from):
        changed_from -= 1
    while _is_within_word(before, len(before) - num_after) or _is_within_word(after, len(after) - num_after):
        num_after -= 1
    changed_to = len(before) - num_after
    num_kept = max(0, min(end_char, changed_from) - start_char) + max(0, end_char - max(start_char, changed_to))
    first, last = max(start_char, changed_from), min(end_char, changed_to)
    if first >= last:
        return num_kept
    old = _TOKEN.findall(before[changed_from:changed_to])
    new = _TOKEN.findall(after[changed_from : len(after) - num_after])
    if max(len(old), len(new)) > _MOST_TOKENS:
        return num_kept
    starts = list(accumulate((len(token) for token in old), initial=changed_from))
    for block in LCSseq.opcodes(old, new):
        if block.tag == "equal" and _WORD.search("".join(old[block.src_start : block.src_end])):
            num_kept += max(0, min(last, starts[block.src_end]) - max(first, starts[block.src_start]))
    return num_kept


def _is_within_word(text: str, char: int) -> bool:
    return 0 < char < len(text) and _WORD.match(text[char - 1]) is not None and _WORD.match(text[char]) is not None
