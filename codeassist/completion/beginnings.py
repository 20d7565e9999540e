"""How far an answer is sure: its longest beginning that is likely right as a whole, up to where people accept. Pure.

An answer is as unlikely as its most doubtful place, and what stands before that place is as likely without it. So a
beginning counts by the product of its own tokens' probabilities, that it is right as a whole, and not by their mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from codeassist.request import AnswerToken

LEAST_PROBABILITY = 0.5
"""Of a beginning that is worth showing without its rest: docs/results has the curve."""

_LEAST_CHARS = 3  # less is typed as fast as it is accepted
_CLOSERS = frozenset(")]}\"'`;")


def sure_beginning(text: str, tokens: Sequence[AnswerToken], least: float = LEAST_PROBABILITY) -> str:
    """Return the longest beginning of `text` that ends with a word, a closing bracket or a line and is likely enough.

    `tokens` write at least `text`, from its start on. All of it where all of it is; "" where nothing is.
    """
    sure, written, probability = "", 0, 1.0
    waiting = iter(tokens)
    for end in ends(text):
        while written < end:
            token = next(waiting, None)
            if token is None:
                return sure
            written += len(token.text)
            probability *= token.probability
        if probability < least:
            break
        if len(text[:end].strip()) >= _LEAST_CHARS or end == len(text):
            sure = text[:end]
    return sure


def ends(text: str) -> Iterator[int]:
    """Yield the offsets behind which a beginning of `text` may end, `len(text)` the last."""
    for offset in range(1, len(text)):
        last, following = text[offset - 1], text[offset]
        is_word = _is_of_word(last) and not _is_of_word(following)
        is_line = following == "\n" and not last.isspace()
        if is_word or is_line or last in _CLOSERS:
            yield offset
    if text:
        yield len(text)


def _is_of_word(char: str) -> bool:
    return char.isalnum() or char == "_"
