"""What turns texts and places into vectors: the interface that all encoders have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from codeassist.request import CompletionRequest

Vectors = NDArray[np.float32]


class Encoder(Protocol):
    """Vectors of length 1 (or 0, of texts without any word), (n, D) float32; safe in several threads.

    `identity` differs between encoders that give different vectors. A static one is cheap enough to be asked while
    files are indexed; another is asked in idle time only.
    """

    identity: str
    num_dims: int
    is_static: bool

    def encode(self, texts: Sequence[str], languages: Sequence[str]) -> Vectors:
        """Return the vectors of texts, (n, D)."""
        ...

    def query(self, request: CompletionRequest) -> Vectors:
        """Return the vector of what a request's place asks for, (D,)."""
        ...

    def similarities(self, query: Vectors, texts: Sequence[str], languages: Sequence[str]) -> Vectors:
        """Return how well texts fit a query, each in [-1, 1], (n,)."""
        ...

    def stop_similarity(self, query: Vectors) -> float:
        """Return what a text's similarity must exceed for it to be better than no text at all."""
        ...
