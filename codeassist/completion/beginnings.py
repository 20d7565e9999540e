"""How far an answer is sure: its longest beginning that is likely right as a whole, up to where people accept. Pure.

An answer is as unlikely as its most doubtful place, and what stands before that place is as likely without it. So a
beginning counts by the product of its own tokens' probabilities, that it is right as a whole; their mean, which tells
answers worth showing from others, is the same for a doubt early and late (docs/results/2026-11-30-sure-beginnings.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from codeassist.request import AnswerToken

LEAST_PROBABILITY = 0.1
"""That a beginning is right as a whole, if no more is shown at first: what lost fewest right characters for the wrong
ones it spared (docs/results/2026-11-30-sure-beginnings.md)."""

_LEAST_CHARS = 3  # less is typed as fast as it is accepted
_CLOSERS = frozenset(")]}\"'`;")


def sure_beginning(
    text: str,
    tokens: Sequence[AnswerToken],
    min_confidence: float = 0.0,
    least: float = LEAST_PROBABILITY,
    known: Sequence[range] = (),
) -> str:
    """Return the longest beginning of `text` that ends with a word, a closing bracket or a line and is likely enough.

    So likely that the product of its tokens' probabilities is at least `least` and their geometric mean at least
    `min_confidence`. `tokens` write at least `text`, from its start on. In the ranges of characters that are `known`
    static analysis chose a name which the model would not have written: there its tokens' probabilities say nothing.
    All of the text where all of it is likely enough; "" where nothing is.
    """
    sure, written, num_counted, logprob = "", 0, 0, 0.0
    waiting = iter(tokens)
    for end in ends(text):
        while written < end:
            token = next(waiting, None)
            if token is None:
                return sure
            if not any(written < each.stop and each.start < written + len(token.text) for each in known):
                num_counted += 1
                logprob += math.log(max(token.probability, 1e-30))
            written += len(token.text)
        if math.exp(logprob) < least:
            break
        is_likely = num_counted == 0 or math.exp(logprob / num_counted) >= min_confidence
        if is_likely and (len(text[:end].strip()) >= _LEAST_CHARS or end == len(text)):
            sure = text[:end]
    return sure


def first_word(text: str) -> str:
    """Return the shortest beginning that is worth accepting, all of the text where it has none."""
    return next((text[:end] for end in ends(text) if len(text[:end].strip()) >= _LEAST_CHARS), text)


def as_fitted(beginning: str, text: str) -> str | None:
    """Return what of a fitted text an answer's beginning became: as far as that is it, white space aside.

    None where the text begins otherwise: fitting took away or put in more than white space.
    """
    wanted = [char for char in beginning if not char.isspace()]
    places = [offset for offset, char in enumerate(text) if not char.isspace()][: len(wanted)]
    if [text[offset] for offset in places] != wanted[: len(places)]:
        return None
    return text if len(places) < len(wanted) else text[: places[-1] + 1] if places else ""


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
