"""Which candidates go into a prompt: judged by a ranker, taken greedily by expected gain, no near-copies, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codeassist.completion.snippet_policy import shows_the_same
from codeassist.request import CompletionRequest, Snippet
from codeassist_indexer.languages.registry import language_of
from codeassist_indexer.retrieval.ranking.features import features
from codeassist_indexer.retrieval.ranking.ranker import Judgement, Label, Ranker
from codeassist_indexer.retrieval.sources.candidate import Candidate
from codeassist_indexer.retrieval.vectors.encoder import Encoder

HEADER_CHARS = 60  # about what a prompt spends on a snippet's path and separators
LEAST_SNIPPET_CHARS = 120  # less of one is not worth its header
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


class Chooser:
    """Chooses snippets for requests. What stands in a document's last prompt already is worth more.

    `rules` None: as the ranker's file says. Of an encoder that the ranker was not trained with, similarities mean
    nothing to it: it then does without. Safe to call from several threads.
    """

    def __init__(
        self,
        ranker: Ranker,
        encoder: Encoder | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.ranker = ranker
        fits = encoder is not None and encoder.identity == ranker.metadata.get("encoder")
        self._encoder = encoder if fits else None
        self._rules = rules or rules_of(ranker)

    @property
    def encoder(self) -> Encoder | None:
        """The encoder whose similarities the ranker sees."""
        return self._encoder

    def choose(self, request: CompletionRequest, candidates: Sequence[Candidate], max_chars: int) -> list[Chosen]:
        """Return what is worth its place in `max_chars` characters, the best first; maybe nothing."""
        alike = None if self._encoder is None else similarities(self._encoder, request, candidates)
        judgement = self.ranker.judge(features(candidates, request, alike))
        return select(candidates, judgement, max_chars, self._rules, request.standing)


def similarities(encoder: Encoder, request: CompletionRequest, candidates: Sequence[Candidate]) -> NDArray[np.float32]:
    """Return how well each candidate's text fits the request's surroundings: float32 [n], in [-1, 1]."""
    texts = [candidate.snippet.text for candidate in candidates]
    languages = [language_of(candidate.snippet.path) or "" for candidate in candidates]
    return encoder.similarities(encoder.query(request), texts, languages)


def explained(chosen: Chosen) -> Snippet:
    """Return the snippet with what is expected of it as its score and in its reason."""
    snippet = chosen.snippet
    return replace(snippet, score=chosen.gain, reason=f"{snippet.reason} (expected gain {chosen.gain:+.1f})")


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
            candidate,
            float(judgement.gains[number]),
            any(shows_the_same(each, candidate.snippet) for each in standing),
            judgement.label(number),
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
    is_skeleton = snippet.source == "definition"  # its lines are not the file's lines
    end_line = snippet.end_line if is_skeleton else snippet.start_line + text.count("\n")
    return replace(snippet, text=text, end_line=end_line)
