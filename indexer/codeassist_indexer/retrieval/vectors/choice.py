"""The encoder that a user's setting names: the shipped one, a trained file, or a folder with a transformer."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

from codeassist.errors import ModelError
from codeassist_indexer.retrieval.vectors.encoder import Encoder
from codeassist_indexer.retrieval.vectors.static_encoder import load_encoder, shipped_encoder

log = logging.getLogger(__name__)


def encoder_in_force(named: Path | None) -> Encoder | None:
    """Return the encoder at the path that `context.encoder` names, read once; for None the shipped one.

    What cannot be read is logged, with what to do, and the shipped one takes its place.
    """
    encoder = None if named is None else _read(named)
    return encoder if encoder is not None else shipped_encoder()


@lru_cache(maxsize=2)
def _read(named: Path) -> Encoder | None:
    try:
        if named.is_file():
            return load_encoder(named)
        from codeassist_indexer.retrieval.vectors.hugging_face import load_hugging_face  # imports torch

        return load_hugging_face(named)
    except ModelError as error:
        log.warning("context.encoder: %s", error)
        return None
