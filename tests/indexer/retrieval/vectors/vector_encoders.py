"""Encoders for tests: random tables, which still put texts with the same words near to each other."""

from __future__ import annotations

import numpy as np

from codeassist_indexer.retrieval.vectors.static_encoder import NUM_SLOTS, StaticEncoder, StaticWeights


def random_weights(seed: int = 0, num_rows: int = 512, num_dims: int = 16) -> StaticWeights:
    chooser = np.random.default_rng(seed)
    return StaticWeights(
        chooser.standard_normal((num_rows, num_dims), dtype=np.float32),
        np.linspace(1.0, 0.2, NUM_SLOTS, dtype=np.float32),
        np.eye(num_dims, dtype=np.float32),
        np.zeros(num_dims, np.float32),
        0.3,
    )


def random_encoder(seed: int = 0) -> StaticEncoder:
    return StaticEncoder(random_weights(seed), f"random-{seed}")
