"""Which of several whole names a model finds the likeliest, where the one that it wanted is forbidden.

Token by token, the name with the likeliest first piece would win: `train` barred, `train_classifier` for what is
`eval_classifier`. Here all of them are read in one pass over the tree of their tokens, and the best *name* wins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codeassist.engine.cache.branches import Past

MOST_NAMES = 12
_MOST_TOKENS = 40


def best_name(
    past: Past,
    num_past: int,
    logits: Tensor,
    names: Sequence[Sequence[int]],
    after_name: NDArray[np.bool_],
) -> Sequence[int]:
    """Return the tokens of the likeliest of `names`, each the tokens of one, after the first `num_past`.

    logits: (V,) float32, what the model expects there. A name counts with all its tokens and with that it ends there:
    `after_name` (V,) says which tokens do not go on with it. Of many, those with the likeliest first token are read.
    """
    first = torch.log_softmax(logits, dim=-1)
    ranked = sorted(names, key=lambda tokens: -float(first[tokens[0]]))[:MOST_NAMES]
    rows: dict[tuple[int, ...], int] = {}  # by the tokens from the name's first one on
    room = min(_MOST_TOKENS, past.room)
    read: list[Sequence[int]] = []
    for tokens in ranked:
        new = [tuple(tokens[:end]) for end in range(1, len(tokens) + 1) if tuple(tokens[:end]) not in rows]
        if len(rows) + len(new) <= room:
            rows |= {path: len(rows) + number for number, path in enumerate(new)}
            read.append(tokens)
    if len(read) < 2:
        return ranked[0]
    hidden = past.look_ahead(num_past, [path[-1] for path in rows], [rows.get(path[:-1]) for path in rows])
    expected = torch.log_softmax(past.model.logits(hidden).float(), dim=-1)
    ends = torch.as_tensor(np.flatnonzero(after_name), device=expected.device)
    ends = ends[ends < expected.shape[1]]
    ended = torch.logsumexp(expected[:, ends], dim=-1)

    def logprob(tokens: Sequence[int]) -> float:
        path = tuple(tokens)
        inner = sum(float(expected[rows[path[:end]], path[end]]) for end in range(1, len(path)))
        return float(first[path[0]]) + inner + float(ended[rows[path]])

    return max(read, key=logprob)
