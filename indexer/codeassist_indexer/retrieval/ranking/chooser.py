"""From candidates to the snippets of a prompt: features, judgement and choice in one, and the ranker that is in force.

Knows no index.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codeassist.request import CompletionRequest, Snippet
from codeassist_indexer.languages.registry import language_of
from codeassist_indexer.retrieval.ranking.features import features
from codeassist_indexer.retrieval.ranking.ranker import SHIPPED, Ranker, RankerRefused, load_ranker
from codeassist_indexer.retrieval.ranking.select import Chosen, Rules, rules_of, select
from codeassist_indexer.retrieval.sources.candidate import Candidate
from codeassist_indexer.retrieval.vectors.encoder import Encoder

log = logging.getLogger(__name__)


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


def tuned_path(data: Path, database: Path) -> Path:
    """Return where the ranker stands that was tuned for the repository with this index: with the user's data."""
    return data / "rankers" / f"{database.parent.name}.safetensors"


def ranker_in_force(data: Path, database: Path) -> Ranker | None:
    """Return the ranker for the repository with this index: its own, else the shipped one; None if neither can be read.

    What is refused is logged, with what to do about it.
    """
    for path in (tuned_path(data, database), SHIPPED):
        if path.exists():
            try:
                return load_ranker(path)
            except RankerRefused as error:
                log.warning("%s", error)
    return None
