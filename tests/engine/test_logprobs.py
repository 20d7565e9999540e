"""What a model expects after a prompt: held to transformers' own logits, and to reading everything afresh."""

from __future__ import annotations

import random

import torch

from codeassist.engine.engine import Engine
from codeassist.engine.prompt_cache import Layout
from tests.engine.conftest import MakeModel

SEED = 20261130


def test_log_probabilities_are_those_of_a_whole_pass_by_transformers(tiny: MakeModel) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    ours, theirs = tiny("qwen2")
    engine = Engine(ours, max_tokens=256, memory_bytes=1 << 30)
    cache = engine.open()
    for _ in range(4):
        prompt = [rng.randrange(500) for _ in range(rng.randrange(3, 60))]
        continuation = [rng.randrange(500) for _ in range(rng.randrange(0, 20))]
        with torch.inference_mode():
            whole = theirs(torch.tensor([prompt + continuation])).logits[0].float().log_softmax(-1)
        rows = engine.logprobs(cache, prompt, continuation)
        assert rows.shape == (1 + len(continuation), whole.shape[-1])
        assert torch.allclose(rows, whole[len(prompt) - 1 :], atol=2e-3)


def test_what_was_read_is_not_read_again_and_changes_no_number(tiny: MakeModel) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    engine = Engine(tiny("qwen2")[0], max_tokens=256, memory_bytes=1 << 30)
    cache, prompt = engine.open(), [rng.randrange(500) for _ in range(60)]
    for length in (0, 12, 3, 7):
        continuation = [rng.randrange(500) for _ in range(length)]
        again = engine.logprobs(cache, prompt, continuation)
        fresh = engine.logprobs(engine.open(), prompt, continuation)
        assert torch.allclose(again, fresh, atol=1e-4)
        assert list(cache.tokens) == prompt + continuation
    assert engine.missing(cache, Layout(prompt, (), ())) == []
