"""What a ranker says of candidates, and the choice by it: greedily by expected gain, without near-copies.

What is chosen may be nothing. Nothing stands in it twice: see `doubles`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from codeassist.completion.document_state import shows_the_same
from codeassist.request import Snippet
from codeassist_indexer.retrieval.ranking.doubles import beside_lines, is_part_of_skeleton, is_skeleton
from codeassist_indexer.retrieval.sources.candidate import Candidate

Label = Literal["negative", "neutral", "positive"]
LABELS: tuple[Label, ...] = get_args(Label)

HEADER_CHARS = 60  # about what a prompt spends on a snippet's path and separators
LEAST_SNIPPET_CHARS = 120  # less of one is not worth its header
_LEAST_TELLING_LINE = 8
_MOST_CHOSEN = 12


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of n candidates: `gains`, float32 [n], the nats that each adds to the truth's log-likelihood when it stands
    alone in the prompt; `probabilities`, float32 [n, 3], of the LABELS in their order."""

    gains: NDArray[np.float32]
    probabilities: NDArray[np.float32]

    def labels(self) -> list[Label]:
        """Return the likeliest label of each candidate."""
        return [LABELS[place] for place in self.probabilities.argmax(axis=1).tolist()]


@dataclass(frozen=True, slots=True)
class Rules:
    """When a candidate is chosen.

    stop_gain: the stop candidate's, in nats; what brings less than it, beside what is chosen already, stays out.
    standing_gain: by how many nats a newcomer must be better than what stands in the document's last prompt: so much
        is reading it, and making stale what stands after it, worth.
    drops_negative: whether what is likeliest to harm stays out whatever its gain. A candidate that helps much in a
        third of the cases is worth more than the harm in the others: dropping it costs more than it saves.
    library_share: what of the gain a definition of an installed package has that it would have if it were one of the
        repository's, which is all that the ranker learned to judge.
    """

    stop_gain: float = 0.0
    standing_gain: float = 0.3
    drops_negative: bool = False
    library_share: float = 0.5


@dataclass(frozen=True, slots=True)
class Chosen:
    """A candidate that was chosen, as it stands in the prompt; `gain` is what it adds to those chosen before, nats."""

    snippet: Snippet
    gain: float
    label: Label


def select(
    candidates: Sequence[Candidate],
    judgement: Judgement,
    max_chars: int,
    rules: Rules | None = None,
    standing: Sequence[Snippet] = (),
) -> list[Chosen]:
    """Return what is worth its place in `max_chars` characters, the best first. `standing` was in the last prompt.

    Each in turn is the one whose gain, less the share of it that stands in those before, is the highest. One that does
    not fit is cut to whole lines if most of it fits, else passed over for smaller ones. Of a skeleton only that stands
    there which no lines of its file beside it have.
    """
    rules = rules if rules is not None else Rules()
    waiting = [
        _Waiting(
            candidate,
            gain * (1.0 if candidate.snippet.library is None else rules.library_share),
            any(_stands(each, candidate.snippet) for each in standing),
            label,
        )
        for candidate, gain, label in zip(candidates, judgement.gains.tolist(), judgement.labels(), strict=True)
        if not (rules.drops_negative and label == "negative")
    ]
    chosen: list[Chosen] = []
    known: set[str] = set()
    while waiting and len(chosen) < _MOST_CHOSEN:
        worth = [each.gain_beside(known) + (rules.standing_gain if each.stands else 0.0) for each in waiting]
        best = max(range(len(waiting)), key=worth.__getitem__)
        if worth[best] <= rules.stop_gain:
            break
        each = waiting.pop(best)
        whole = beside_lines(each.candidate.snippet, [other.snippet for other in chosen])
        room = max_chars - sum(len(other.snippet.text) + HEADER_CHARS for other in chosen)
        fitting = None if whole is None else _fitting(whole, room - HEADER_CHARS)
        if fitting is None:
            continue
        chosen = [*_without_doubles(chosen, fitting), Chosen(fitting, each.gain_beside(known), each.label)]
        known |= each.telling
    return chosen


def _without_doubles(chosen: Sequence[Chosen], new: Snippet) -> list[Chosen]:
    """What was chosen, skeletons without what a new snippet has of them."""
    left = ((each, beside_lines(each.snippet, [new]) if is_skeleton(each.snippet) else each.snippet) for each in chosen)
    return [replace(each, snippet=snippet) for each, snippet in left if snippet is not None]


def _stands(standing: Snippet, snippet: Snippet) -> bool:
    return shows_the_same(standing, snippet) or is_part_of_skeleton(standing, snippet)


class _Waiting:
    """A candidate that may be chosen."""

    def __init__(self, candidate: Candidate, gain: float, stands: bool, label: Label) -> None:
        self.candidate = candidate
        self.stands = stands
        self.label: Label = label
        self._gain = gain

    @cached_property
    def telling(self) -> frozenset[str]:
        """The lines that tell something."""
        lines = map(str.strip, self.candidate.snippet.text.splitlines())
        return frozenset(line for line in lines if len(line) >= _LEAST_TELLING_LINE)

    def gain_beside(self, known: set[str]) -> float:
        """Return the gain beside lines that are there already; what takes likelihood away still does."""
        if self._gain <= 0 or not known or not self.telling:
            return self._gain
        return self._gain * (1 - len(self.telling & known) / len(self.telling))


def _fitting(snippet: Snippet, max_chars: int) -> Snippet | None:
    """Return the snippet, cut after a whole line if at least half of it fits; None if less does."""
    if len(snippet.text) <= max_chars:
        return snippet
    if max_chars < max(LEAST_SNIPPET_CHARS, len(snippet.text) // 2):
        return None
    return cut(snippet, max_chars)


def cut(snippet: Snippet, max_chars: int) -> Snippet | None:
    """Return the snippet cut after the last whole line that fits, None if none does."""
    text = snippet.text[: snippet.text.rfind("\n", 0, max_chars) + 1]
    if not text:
        return None
    end_line = snippet.end_line if is_skeleton(snippet) else snippet.start_line + text.count("\n")
    return replace(snippet, text=text, end_line=end_line)
