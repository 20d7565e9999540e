"""Which ranker chooses a task's context: one for all tasks, or of several the one that never saw the task's repository.

Files in, choosers out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.folds import NUM_FOLDS, fold_of
from codeassist_eval.tasks.task import Task
from codeassist_indexer.retrieval.ranking.ranker import SHIPPED, Chooser, Ranker, load_ranker, rules_of
from codeassist_indexer.retrieval.ranking.selection import Rules
from codeassist_indexer.retrieval.sources.candidate import SOURCES, Source
from codeassist_indexer.retrieval.vectors.encoder import Encoder
from codeassist_indexer.retrieval.vectors.static_encoder import load_encoder, shipped_encoder

WHOLE = "ranker.safetensors"
"""The ranker that was trained on everything, in a folder of `train-ranker`."""


def fold_name(fold: int) -> str:
    """Return the name of the file of the ranker that never saw the repositories of a fold."""
    return f"fold-{fold}.safetensors"


@dataclass(frozen=True, slots=True)
class LearnedContext:
    """What finds and chooses the context "learned", and what is left out of it, to see what that is worth.

    ranker: a file, a folder of `train-ranker`, whose folds are used, or None for the shipped one. encoders: a folder of
    `train-retriever`; None: the shipped one. sources: only what these find is chosen from. stop_gain: in nats, None: as
    the ranker's file says. drops_negative, library_share: as in `Rules`; the latter None: as the rules say.
    """

    ranker: Path | None = None
    encoders: Path | None = None
    sources: tuple[Source, ...] = SOURCES
    stop_gain: float | None = None
    drops_negative: bool = False
    sees_libraries: bool = True
    library_share: float | None = None


class Rankers:
    """The rankers that a `LearnedContext` names.

    Folds need encoders of the same folds: the shipped one has seen all repositories. `identity` tells one such context
    from another. Raises EvaluationError for a folder without folds, RankerRefused for a file of another version.
    """

    def __init__(self, learned: LearnedContext) -> None:
        path, encoders = learned.ranker, learned.encoders
        self.sources = learned.sources
        self.sees_libraries = learned.sees_libraries
        self._is_folded = path is not None and path.is_dir()
        files = [path / fold_name(fold) for fold in range(NUM_FOLDS)] if path is not None and path.is_dir() else []
        if self._is_folded and not all(file.is_file() for file in files):
            raise EvaluationError(
                f"{path}: no rankers of {NUM_FOLDS} folds; make them with `codeassist eval train-ranker`"
            )
        if self._is_folded and encoders is None:
            raise EvaluationError(
                f"{path}: rankers of folds need encoders of the same folds, or the learned source would know the"
                " repositories it is tested on; name a folder of `codeassist eval train-retriever` with --encoders"
            )
        files = files or [path if path is not None else SHIPPED]
        self._encoders = [encoder_of(encoders, fold if self._is_folded else None) for fold in range(len(files))]
        self._choosers = [
            _chooser(load_ranker(file), encoder, learned) for file, encoder in zip(files, self._encoders, strict=True)
        ]
        digest = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files))
        for encoder in self._encoders:
            digest.update(b"" if encoder is None else encoder.identity.encode())
        self.identity = digest.hexdigest()[:16]
        if learned.sources != SOURCES:
            self.identity += f" of {'+'.join(learned.sources)}"
        if learned.stop_gain is not None:
            self.identity += f" stop {learned.stop_gain:g}"
        if learned.drops_negative:
            self.identity += " without harmful"
        if not learned.sees_libraries:
            self.identity += " without libraries"
        if learned.library_share is not None:
            self.identity += f" libraries {learned.library_share:g}"

    def chooser(self, task: Task) -> Chooser:
        """Return what chooses for a task."""
        return self._choosers[self._fold(task)]

    def encoder(self, task: Task) -> Encoder | None:
        """Return what the learned source searches by for a task."""
        return self._encoders[self._fold(task)]

    def _fold(self, task: Task) -> int:
        return fold_of(task.repository) if self._is_folded else 0


def _chooser(ranker: Ranker, encoder: Encoder | None, learned: LearnedContext) -> Chooser:
    stop_gain = rules_of(ranker).stop_gain if learned.stop_gain is None else learned.stop_gain
    rules = Rules(stop_gain, drops_negative=learned.drops_negative)
    if learned.library_share is not None:
        rules = replace(rules, library_share=learned.library_share)
    return Chooser(ranker, encoder, rules)


def encoder_of(folder: Path | None, fold: int | None) -> Encoder | None:
    """Return the encoder that never saw a fold, of a folder of `train-retriever`; fold None: the one that saw all.

    Without a folder it is the shipped one.
    """
    if folder is None:
        return shipped_encoder()
    return load_encoder(folder / ("all" if fold is None else f"fold-{fold}") / "encoder.safetensors")
