"""Batches: many sequences at once get the very tokens that each gets alone, and leave valid caches."""

from __future__ import annotations

import random

import pytest
import torch

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.batch import Continued, copy_prefix, decode_together
from codeassist.engine.decoding.decode import Decoded, DecodeParams, decode
from codeassist.engine.layers.model import Model
from codeassist.engine.loading.weights import WeightFormat
from tests.engine.conftest import MakeModel
from tests.tiny_models import FAMILIES


@pytest.mark.parametrize("weight_format", ["float32", "int8"])
@pytest.mark.parametrize("family", FAMILIES)
def test_together_as_alone(tiny: MakeModel, family: str, weight_format: WeightFormat) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    model = tiny(family, weight_format=weight_format)[0]
    prompts = [[rng.randrange(500) for _ in range(rng.randrange(1, 90))] for _ in range(6)]
    stops = frozenset(range(0, 500, 60))

    def params(number: int) -> DecodeParams:
        return DecodeParams(10 + 3 * number, stops, temperature=0.5 * (number % 2), seed=number)

    def accept(token: int, logprob: float) -> bool:
        return token % 37 != 1

    alone: list[Decoded] = []
    for number, prompt in enumerate(prompts):
        cache = LiveCache(model, 128)
        alone.append(decode(cache, cache.sync(prompt)[0], params(number), accept=accept))
    batch: list[Continued] = []
    for number, prompt in enumerate(prompts):
        cache = LiveCache(model, 128)
        batch.append(Continued(cache, cache.sync(prompt)[0], params(number), accept))
    decode_together(model, batch)

    for one, other, prompt in zip(batch, alone, prompts, strict=True):
        if one.answer.tokens != other.tokens and is_tie(model, prompt, one.answer.tokens, other.tokens):
            continue  # either is the likeliest
        assert one.answer.tokens == other.tokens
        assert one.answer.end == other.end
        assert one.answer.logprobs == pytest.approx(other.logprobs, abs=1e-4)
        assert one.cache.tokens == (prompt + other.tokens)[: len(one.cache.tokens)]
        assert one.cache.num_exact == len(one.cache.tokens)
        one.cache.check()


def is_tie(model: Model, prompt: list[int], one: list[int], other: list[int], within: float = 1e-5) -> bool:
    """Whether the likeliest two tokens are as good as equally likely where two answers part."""
    num_shared = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    states, _ = LiveCache(model, 128).sync([*prompt, *one[:num_shared]])
    first, second = model.logits(states.reshape(-1, states.shape[-1])[-1:]).float().flatten().topk(2).values.tolist()
    return first - second < within


def test_a_cache_that_is_full_ends_the_answer(tiny: MakeModel) -> None:
    model = tiny("qwen2")[0]
    prompts = [[5] * 20, [6] * 23]
    batch = []
    for prompt in prompts:
        cache = LiveCache(model, 24)
        batch.append(Continued(cache, cache.sync(prompt)[0], DecodeParams(50, frozenset()), lambda *_: True))

    decode_together(model, batch)

    assert [len(one.answer.tokens) for one in batch] == [5, 2]
    assert [one.answer.end for one in batch] == ["max_tokens", "max_tokens"]


def test_a_copied_prefix_is_as_if_it_was_encoded(tiny: MakeModel) -> None:
    model = tiny("qwen2", weight_format="int8")[0]
    source, target, fresh = (LiveCache(model, 64) for _ in range(3))
    shared = [7, 8, 9, 10, 11, 12]
    source.sync([*shared, 1, 2])
    target.sync([7, 8, 30, 31])
    prompt = [*shared, 3, 4, 5]

    copy_prefix(source, target, prompt)
    assert target.tokens == shared and target.num_exact == len(shared)
    hidden, report = target.sync(prompt, exact=True)

    assert report.num_kept == len(shared)
    assert torch.allclose(hidden, fresh.sync(prompt)[0], atol=1e-4)
    target.check()
    copy_prefix(fresh, source, [1, 2])
    assert source.tokens == [*shared, 1, 2]
