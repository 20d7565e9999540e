"""Which part of the repositories a task belongs to, where what is trained on some is tested on the others.

A repository's name in, a number out, the same on every machine.
"""

from __future__ import annotations

import hashlib

NUM_FOLDS = 5


def fold_of(repository: str, num_folds: int = NUM_FOLDS, seed: int = 0) -> int:
    """Return the fold of a repository, from 0 to `num_folds` - 1."""
    digest = hashlib.sha256(f"{seed}\0{repository}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % num_folds
