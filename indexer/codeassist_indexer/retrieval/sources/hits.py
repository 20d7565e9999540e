"""What a source says it found: a chunk or a definition by its number in the index, not read yet.

Knows no text: what is worth reading is decided when all sources have answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Key = tuple[Literal["lines", "skeleton"], int]


@dataclass(frozen=True, slots=True)
class ChunkHit:
    """A chunk. `reason` is for people."""

    chunk_id: int
    score: float
    reason: str

    @property
    def key(self) -> Key:
        """What two hits of the same place share."""
        return ("lines", self.chunk_id)

    @property
    def distance(self) -> None:
        """Whether what a chunk defines is named near the cursor is found out when it is read."""
        return None


@dataclass(frozen=True, slots=True)
class DefinitionHit:
    """A definition, to be shown as a skeleton. `distance` as `Facts.name_distance`; None: not named near the cursor."""

    symbol_id: int
    score: float
    reason: str
    distance: int | None

    @property
    def key(self) -> Key:
        """What two hits of the same place share."""
        return ("skeleton", self.symbol_id)


Hit = ChunkHit | DefinitionHit
