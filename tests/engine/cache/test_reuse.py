"""What a sync need not refresh, against the slow oracle: computed again, it comes out the same."""

from __future__ import annotations

import contextlib
import random

import pytest
import torch

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.cache.reuse import SnippetStates
from codeassist.errors import Cancelled
from tests.engine.cache.test_live_cache import CAPACITY, SEED, edited
from tests.engine.conftest import MakeModel


@pytest.mark.parametrize("family", ["qwen2", "starcoder2"])
def test_what_is_not_refreshed_would_come_out_the_same(tiny: MakeModel, family: str) -> None:
    """The slow oracle of refreshing only what is outdated: whatever was left out is computed again and compared."""
    print(f"seed {SEED + 5}")
    rng = random.Random(SEED + 5)
    model = tiny(family)[0]
    cache, store = LiveCache(model, CAPACITY), SnippetStates(1 << 20)
    tokens = [rng.randrange(500) for _ in range(150)]
    num_left_out = 0
    for step in range(400):
        cursor = rng.randrange(1, len(tokens))
        for _ in range(rng.choice([1, 1, 4])):  # type at one place, so that something stays as it is
            if rng.random() < 0.7:
                tokens = [*tokens[:cursor], rng.randrange(500), *tokens[cursor:]][: CAPACITY - 20]
                cursor = min(cursor + 1, len(tokens) - 1)
            else:
                tokens = edited(tokens, rng)
                cursor = min(cursor, len(tokens) - 1)
            refresh = [range(max(0, cursor - 12), cursor), range(cursor, min(cursor + 12, len(tokens)))]
            looks = [0]

            def stopped(looks: list[int] = looks) -> bool:
                looks[0] += 1
                return looks[0] > 3

            if rng.random() < 0.2:
                with contextlib.suppress(Cancelled):
                    cache.sync(tokens, refresh, snippets=[range(0, 20)], store=store, stopped=stopped)
            _, report = cache.sync(tokens, refresh, snippets=[range(0, 20)], store=store)
            inexact = [slot for part in refresh for slot in part if slot >= report.num_exact]
            before = {name: getattr(cache.states, name).clone() for name in ("k_raw", "k", "v")}
            if inexact:
                slots = torch.tensor(inexact)
                model.forward(torch.tensor([tokens[slot] for slot in inexact]), slots, cache.states)
                for name, was in before.items():
                    torch.testing.assert_close(getattr(cache.states, name)[:, :, slots], was[:, :, slots])
                    getattr(cache.states, name).copy_(was)
            num_left_out += max(0, sum(map(len, refresh)) - report.num_encoded)
        if step % 10 == 0:
            cache.heal(rng.randrange(1, 40))
            cache.check()
    assert num_left_out > 1000
