"""The set of candidates that goes into a prompt: greedily by expected gain, no near-copies, nothing harmful, or none.

Knows no features and no weights: candidates and a judgement in, chosen ones out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codeassist.completion.snippet_policy import shows_the_same
from codeassist.request import Snippet
from codeassist_indexer.retrieval.query.character_budget import HEADER_CHARS, LEAST_SNIPPET_CHARS, cut
from codeassist_indexer.retrieval.ranking.ranker import Judgement, Label, Ranker
from codeassist_indexer.retrieval.sources.candidate import Candidate

_LEAST_TELLING_LINE = 8
_MOST_CHOSEN = 12


@dataclass(frozen=True, slots=True)
class Rules:
    """When a candidate is chosen.

    stop_gain: the stop candidate's, in nats; what brings less than it, beside what is chosen already, stays out.
    standing_gain: by how many nats a newcomer must be better than what stands in the document's last prompt: so much
        is reading it, and making stale what stands after it, worth.
    drops_negative: whether what is likeliest to harm stays out whatever its gain. A candidate that helps much in a
        third of the cases is worth more than the harm in the others: dropping it costs more than it saves.
    """

    stop_gain: float = 0.0
    standing_gain: float = 0.3
    drops_negative: bool = False


def rules_of(ranker: Ranker) -> Rules:
    """Return the rules that a ranker was trained for, as its file says."""
    return Rules() if ranker.stop_gain is None else Rules(ranker.stop_gain)


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
    not fit is cut to whole lines if most of it fits, else passed over for smaller ones.
    """
    rules = rules if rules is not None else Rules()
    waiting = [
        _Waiting(
            candidate, float(judgement.gains[number]), _stands(candidate.snippet, standing), judgement.label(number)
        )
        for number, candidate in enumerate(candidates)
        if not (rules.drops_negative and judgement.label(number) == "negative")
    ]
    chosen: list[Chosen] = []
    known: set[str] = set()
    room = max_chars
    while waiting and len(chosen) < _MOST_CHOSEN:
        worth = [each.gain_beside(known) + (rules.standing_gain if each.stands else 0.0) for each in waiting]
        best = max(range(len(waiting)), key=worth.__getitem__)
        if worth[best] <= rules.stop_gain:
            break
        each = waiting.pop(best)
        fitting = _fitting(each.candidate.snippet, room - HEADER_CHARS)
        if fitting is None:
            continue
        chosen.append(Chosen(fitting, each.gain_beside(known), each.label))
        known |= each.telling
        room -= len(fitting.text) + HEADER_CHARS
    return chosen


class _Waiting:
    """A candidate that may be chosen, and its lines that tell something."""

    def __init__(self, candidate: Candidate, gain: float, stands: bool, label: Label) -> None:
        self.candidate = candidate
        self.stands = stands
        self.label: Label = label
        self.telling = frozenset(
            line for line in map(str.strip, candidate.snippet.text.splitlines()) if len(line) >= _LEAST_TELLING_LINE
        )
        self._gain = gain

    def gain_beside(self, known: set[str]) -> float:
        """Return the gain beside lines that are there already; what takes likelihood away still does."""
        if self._gain <= 0 or not self.telling or not known:
            return self._gain
        return self._gain * (1 - len(self.telling & known) / len(self.telling))


def _stands(snippet: Snippet, standing: Sequence[Snippet]) -> bool:
    return any(shows_the_same(each, snippet) for each in standing)


def _fitting(snippet: Snippet, max_chars: int) -> Snippet | None:
    """Return the snippet, cut after a whole line if at least half of it fits; None if less does."""
    if len(snippet.text) <= max_chars:
        return snippet
    if max_chars < max(LEAST_SNIPPET_CHARS, len(snippet.text) // 2):
        return None
    return cut(snippet, max_chars)
