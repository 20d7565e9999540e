"""Alternatives in the same passes: each is what it is alone, in fewer passes, and the cache stays what it was."""

from __future__ import annotations

import random

import pytest
import torch

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.decode import Alternative, DecodeParams, decode, decode_alternatives
from codeassist.engine.layers.model import Model
from codeassist.engine.loading.weights import WeightFormat
from tests.engine.conftest import MakeModel, tiny
from tests.engine.decoding.test_batch import is_tie
from tests.monitor.fakes import Says, monitor_of, tokenizer
from tests.tiny_models import FAMILIES

__all__ = ["tiny"]


def counted(model: Model, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of tokens of each pass from now on."""
    passes: list[int] = []
    run = model.run

    def counting(work, *more):  # type: ignore[no-untyped-def]
        passes.append(len(work.token_ids))
        return run(work, *more)

    monkeypatch.setattr(model, "run", counting)
    return passes


@pytest.mark.parametrize("weight_format", ["float32", "int8"])
@pytest.mark.parametrize("family", FAMILIES)
def test_together_as_alone(
    tiny: MakeModel, family: str, weight_format: WeightFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    model = tiny(family, weight_format=weight_format)[0]
    prompt = [rng.randrange(500) for _ in range(rng.randrange(1, 120))]
    stops = frozenset(range(0, 500, 60))
    # A last bit of attention's sum decides now and then to which of 255 steps int8 rounds an activation.
    heat, within = (0.0, 0.1) if weight_format == "int8" else (0.5, 1e-5)
    params = [
        DecodeParams(8 + 7 * rank, stops, temperature=heat * (rank % 2), seed=rank, first_rank=rank)
        for rank in range(4)
    ]

    def accept(token: int, logprob: float) -> bool:
        return token % 37 != 1

    alone = []
    for each in params:
        cache = LiveCache(model, 250)
        alone.append(decode(cache, cache.sync(prompt)[0], each, accept=accept))
    cache = LiveCache(model, 250)
    hidden, _ = cache.sync(prompt)
    before = cache.states.export(0, len(prompt))
    passes = counted(model, monkeypatch)
    together = decode_alternatives(cache, hidden, [Alternative(each, accept) for each in params])

    for one, other in zip(together, alone, strict=True):
        if one.tokens != other.tokens and is_tie(model, prompt, one.tokens, other.tokens, within):
            continue  # either is the likeliest
        assert (one.tokens, one.end) == (other.tokens, other.end)
        assert one.logprobs == pytest.approx(other.logprobs, abs=max(within, 1e-4))
    assert len(passes) == max(each.num_passes for each in together)
    assert cache.tokens == prompt and cache.num_exact == len(prompt)
    after = cache.states.export(0, len(prompt))
    assert torch.equal(before.k_raw, after.k_raw) and torch.equal(before.v, after.v)
    cache.check()


def test_each_is_held_to_its_own_monitor(tiny: MakeModel) -> None:
    """Whole names are weighed behind each one's own tokens."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    model, tokens = tiny("qwen2")[0], tokenizer("qwen2")
    letters = "abcdefgstuvxz_"
    num_weighed = 0
    for _ in range(6):
        names = {"".join(rng.choice(letters) for _ in range(rng.randrange(3, 9))) for _ in range(8)}
        prompt = tokens.encode("x = order" + "".join(rng.choice(letters) for _ in range(30)) + ".")
        params = [DecodeParams(12, frozenset(), first_rank=rank) for rank in range(3)]
        alone = []
        for each in params:
            cache = LiveCache(model, 256)
            hidden, _ = cache.sync(prompt)
            monitor = monitor_of("qwen2", Says(member=names), "x.")
            alone.append(decode(cache, hidden, each, accept=lambda *_: True, monitor=monitor))
        cache = LiveCache(model, 256)
        hidden, _ = cache.sync(prompt)
        together = decode_alternatives(
            cache,
            hidden,
            [Alternative(each, lambda *_: True, monitor_of("qwen2", Says(member=names), "x.")) for each in params],
        )
        num_weighed += sum(len(each.weighing_ms) for each in together)
        for one, other in zip(together, alone, strict=True):
            assert one.tokens == other.tokens or is_tie(model, prompt, one.tokens, other.tokens)
    assert num_weighed


def test_where_the_cache_is_full_they_end(tiny: MakeModel) -> None:
    model = tiny("qwen2")[0]
    cache = LiveCache(model, 60)
    prompt = list(range(40))
    hidden, _ = cache.sync(prompt)
    params = [DecodeParams(50, frozenset(), first_rank=rank) for rank in range(3)]
    answers = decode_alternatives(cache, hidden, [Alternative(each, lambda *_: True) for each in params])
    assert all(each.end == "max_tokens" and 5 <= len(each.tokens) <= 21 for each in answers)
    assert cache.tokens == prompt


def test_a_stop_ends_all_of_them(tiny: MakeModel) -> None:
    model = tiny("qwen2")[0]
    cache = LiveCache(model, 256)
    hidden, _ = cache.sync(list(range(40)))
    looks = iter([False] * 6 + [True] * 100)
    params = [DecodeParams(50, frozenset(), first_rank=rank) for rank in range(3)]
    answers = decode_alternatives(
        cache, hidden, [Alternative(each, lambda *_: True) for each in params], stopped=lambda: next(looks)
    )
    assert [each.end for each in answers] == ["cancelled"] * 3 and all(each.tokens for each in answers)
