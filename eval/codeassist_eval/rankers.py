"""Which ranker chooses a task's context: one for all tasks, or of several the one that never saw the task's repository.

Knows no training: files in, choosers out.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from codeassist_eval.errors import EvaluationError
from codeassist_eval.folds import NUM_FOLDS, fold_of
from codeassist_eval.tasks import Task
from codeassist_indexer.ranking.chooser import Chooser
from codeassist_indexer.ranking.ranker import SHIPPED, load_ranker
from codeassist_indexer.vectors.encoder import Encoder
from codeassist_indexer.vectors.static_encoder import load_encoder, shipped_encoder

WHOLE = "ranker.safetensors"
"""The ranker that was trained on everything, in a folder of `train-ranker`."""


def fold_name(fold: int) -> str:
    """Return the name of the file of the ranker that never saw the repositories of a fold."""
    return f"fold-{fold}.safetensors"


class Rankers:
    """The rankers at `path`: a file, a folder of `train-ranker` (its folds are used), or None for the shipped one.

    `fingerprint` tells other rankers apart. Raises EvaluationError for a folder without folds, RankerRefused for a file
    of another version.
    """

    def __init__(self, path: Path | None, encoders: Path | None = None) -> None:
        self._is_folded = path is not None and path.is_dir()
        files = [path / fold_name(fold) for fold in range(NUM_FOLDS)] if path is not None and path.is_dir() else []
        if self._is_folded and not all(file.is_file() for file in files):
            raise EvaluationError(
                f"{path}: no rankers of {NUM_FOLDS} folds; make them with `codeassist eval train-ranker`"
            )
        files = files or [path if path is not None else SHIPPED]
        self._choosers = [
            Chooser(load_ranker(file), encoder_of(encoders, fold if self._is_folded else None))
            for fold, file in enumerate(files)
        ]
        digest = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files))
        self.fingerprint = digest.hexdigest()[:16]

    def chooser(self, task: Task) -> Chooser:
        """Return what chooses for a task."""
        return self._choosers[fold_of(task.repository) if self._is_folded else 0]


def encoder_of(folder: Path | None, fold: int | None) -> Encoder | None:
    """Return the encoder that never saw a fold, of a folder of `train-retriever`; fold None: the one that saw all.

    Without a folder it is the shipped one.
    """
    if folder is None:
        return shipped_encoder()
    return load_encoder(folder / ("all" if fold is None else f"fold-{fold}") / "encoder.safetensors")
