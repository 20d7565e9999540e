"""Attention of several tokens at once against attention of each alone."""

from __future__ import annotations

import random
import time

import pytest
import torch

from codeassist.engine.layers import attention_kernels
from codeassist.engine.layers.attention_kernels import attend_alone, attend_run, rows_are_independent

SEED = int(time.time())
HEADS = [(2, 7, 64), (2, 6, 128), (8, 4, 64), (3, 3, 64), (16, 1, 128), (1, 8, 256), (32, 1, 80)]
"""Key heads, query heads to each, width: Qwen2.5-Coder 0.5B and 1.5B, Llama 1B, SmolLM2, DeepSeek-Coder, Gemma, Stable
Code."""


@pytest.mark.parametrize(("num_kv_heads", "group", "head_dim"), HEADS)
def test_tokens_together_get_to_the_last_bit_what_they_get_alone(num_kv_heads: int, group: int, head_dim: int) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    generator = torch.Generator().manual_seed(SEED)
    k, v = torch.randn((2, num_kv_heads, 3000, head_dim), generator=generator)
    for _ in range(6):
        num_tokens = rng.randrange(2, 65)
        stop = rng.choice([rng.randrange(num_tokens, 500), rng.randrange(500, 3000)])
        q = torch.randn((num_tokens, num_kv_heads * group, head_dim), generator=generator)
        start = stop - num_tokens
        together = attend_alone(q, k[:, :stop], v[:, :stop], start)
        torch.testing.assert_close(together, attend_run(q, k[:, :stop], v[:, :stop], start), rtol=1e-4, atol=1e-5)
        for i in rng.sample(range(num_tokens), min(num_tokens, 6)):
            seen = start + i + 1
            alone = attend_run(q[i : i + 1], k[:, :seen], v[:, :seen], seen - 1)
            assert torch.equal(alone[0], together[i]), (num_tokens, stop, i)


def test_where_products_depend_on_their_neighbours_tokens_attend_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def tile(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, start: int) -> torch.Tensor:
        sizes.append(len(q))
        return torch.rand(len(q), q.shape[1] * q.shape[2])  # another answer each time

    monkeypatch.setattr(attention_kernels, "_attend_tile", tile)
    rows_are_independent.cache_clear()
    try:
        assert not rows_are_independent(2, 2, 16)
        sizes.clear()
        q, k = torch.randn(5, 4, 16), torch.randn(2, 600, 16)
        assert attend_alone(q, k, k, 595).shape == (5, 64)
        assert sizes == [1] * 5
    finally:
        rows_are_independent.cache_clear()
