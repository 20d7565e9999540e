"""Passes of fixed shapes against ordinary ones: the same states, the same answers, whatever they are padded with.

Recording them as CUDA graphs takes a GPU; the shapes, masks and padding are the same without.
"""

from __future__ import annotations

import random

import pytest
import torch

from codeassist.engine.cache.cuda_graph_passes import CudaGraphPasses
from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.decode import DecodeParams
from codeassist.engine.engine import Engine
from codeassist.engine.layers.model import Model
from tests.engine.cache.test_live_cache import CAPACITY, edited
from tests.engine.conftest import MakeModel

SEED = 20261122
HAS_GPU = torch.cuda.is_available()


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.skipif(not HAS_GPU, reason="no GPU"))])
def records(request: pytest.FixtureRequest) -> bool:
    return request.param


def on_device(tiny: MakeModel, family: str, records: bool) -> Model:
    return tiny(family, device=torch.device("cuda"))[0] if records else tiny(family)[0]


@pytest.mark.parametrize("family", ["llama", "qwen3", "starcoder2"])
def test_states_and_hidden_are_those_of_an_ordinary_pass(tiny: MakeModel, family: str, records: bool) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    model = on_device(tiny, family, records)
    ours, theirs = model.new_cache(CAPACITY), model.new_cache(CAPACITY)
    passes = CudaGraphPasses(model, ours, records=records)
    known = [rng.randrange(500) for _ in range(120)]
    for cache in (ours, theirs):
        model.forward(torch.tensor(known, device=model.device), torch.arange(120, device=model.device), cache)
    for _ in range(40):
        slots = sorted(rng.sample(range(120), rng.choice([1, 2, 3, 7, 8, 9, 35, 100])))
        tokens = [rng.randrange(500) for _ in slots]
        hidden = passes.run(tokens, slots, least_rows=rng.choice([1, 16]))
        device = model.device
        wanted = model.forward(torch.tensor(tokens, device=device), torch.tensor(slots, device=device), theirs)
        torch.testing.assert_close(hidden, wanted, rtol=1e-3, atol=1e-3)
        for name in ("k_raw", "k", "v"):
            got, due = getattr(ours, name)[:, :, :120], getattr(theirs, name)[:, :, :120]
            torch.testing.assert_close(got, due, rtol=1e-3, atol=1e-3)


def test_a_live_cache_with_fixed_passes_is_the_same_cache(tiny: MakeModel, records: bool) -> None:
    print(f"seed {SEED + 1}")
    rng = random.Random(SEED + 1)
    model = on_device(tiny, "qwen2", records)
    ours, theirs = LiveCache(model, CAPACITY), LiveCache(model, CAPACITY)
    ours.fixed_passes, theirs.fixed_passes = CudaGraphPasses(model, ours.states, records=records), None
    tokens = [rng.randrange(500) for _ in range(150)]
    for _ in range(60):
        tokens = edited(tokens, rng)
        refresh = [range(max(0, len(tokens) - 20), len(tokens))]
        got, report = ours.sync(tokens, refresh)
        due, wanted = theirs.sync(tokens, refresh)
        assert report == wanted
        torch.testing.assert_close(got, due, rtol=1e-3, atol=1e-3)
        extra = [rng.randrange(500) for _ in range(rng.randrange(1, 6))]
        torch.testing.assert_close(ours.extend(extra), theirs.extend(extra), rtol=1e-3, atol=1e-3)
        for cache in (ours, theirs):
            cache.truncate(len(tokens))
            cache.heal(30)
        ours.check()


def test_drafts_change_no_token(tiny: MakeModel, records: bool) -> None:
    print(f"seed {SEED + 2}")
    rng = random.Random(SEED + 2)
    model = on_device(tiny, "qwen2", records)
    for _ in range(8):
        words = [[rng.randrange(500) for _ in range(6)] for _ in range(3)]
        prompt = [token for _ in range(12) for token in rng.choice(words)]
        answers: list[list[int]] = []
        for speculate in (True, False):
            engine = Engine(model, max_tokens=CAPACITY, memory_bytes=1 << 30, speculate=speculate)
            opened = engine.open()
            cache = engine.use(opened)
            cache.fixed_passes = CudaGraphPasses(model, cache.states, records=records)
            params = DecodeParams(40, frozenset())
            answers.append(engine.generate(opened, prompt, params, accept=lambda *_: True).decoded.tokens)
        assert answers[0] == answers[1]
