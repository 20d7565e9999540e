"""Which encoder makes the vectors of indexed files: its name at once, itself when there is something to encode.

Encoders need numpy, which an update that finds nothing changed does without.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from codeassist_indexer.storage.file_records import PreparedFile
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.vector_reader import files_without_vectors

if TYPE_CHECKING:
    from codeassist_indexer.retrieval.vectors.static_encoder import StaticEncoder

SHIPPED = resources.files("codeassist_indexer.retrieval.vectors") / "encoder.safetensors"


@dataclass(frozen=True, slots=True)
class EncoderSource:
    """An encoder that is cheap enough to be asked while files are indexed. `identity` is the encoder's.

    `read` returns it, read once; None, logged, where its file cannot be used.
    """

    identity: str
    read: Callable[[], StaticEncoder | None] = field(compare=False)

    @classmethod
    def of(cls, encoder: StaticEncoder) -> EncoderSource:
        """The source of an encoder that is read already."""
        return cls(encoder.identity, lambda: encoder)

    def with_vectors(self, prepared: PreparedFile) -> PreparedFile:
        """Return a prepared file with the vectors of its chunks, if it has any."""
        if prepared.parsed is None or (encoder := self.read()) is None:
            return prepared
        from codeassist_indexer.retrieval.vectors.stored import with_vectors

        return with_vectors(prepared, encoder)

    def fill_vectors(self, store: Store, cancelled: Callable[[], bool]) -> None:
        """Make the vectors that are missing or another encoder's. Stops once `cancelled` says so."""
        if not files_without_vectors(store, self.identity, 0, 1) or (encoder := self.read()) is None:
            return
        from codeassist_indexer.retrieval.vectors.stored import fill_vectors

        fill_vectors(store, encoder, cancelled)


def identity_of(content: bytes) -> str:
    """Return the identity of the encoder that a file holds."""
    return hashlib.sha256(content).hexdigest()[:16]


@lru_cache(maxsize=1)
def shipped_source() -> EncoderSource | None:
    """Return the source of the shipped encoder, None where none is shipped."""
    return EncoderSource(identity_of(SHIPPED.read_bytes()), _read_shipped) if SHIPPED.is_file() else None


def source_in_force(named: Path | None) -> EncoderSource | None:
    """Return the source of the encoder at the path that `context.encoder` names; for None that of the shipped one.

    None for an encoder that is too slow to be asked while files are indexed.
    """
    if named is None:
        return shipped_source()
    if not named.is_file():
        return None
    from codeassist_indexer.retrieval.vectors.choice import encoder_in_force
    from codeassist_indexer.retrieval.vectors.static_encoder import StaticEncoder

    encoder = encoder_in_force(named)
    return EncoderSource.of(encoder) if isinstance(encoder, StaticEncoder) else None


def _read_shipped() -> StaticEncoder | None:
    from codeassist_indexer.retrieval.vectors.static_encoder import shipped_encoder

    return shipped_encoder()
