"""Decoding under monitors: what is forbidden never comes, what is allowed comes as it would, drafts change nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import numpy as np
import pytest
import torch

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.decode import Decoded, DecodeParams, Drafter, decode
from codeassist.engine.engine import Engine
from codeassist.engine.layers.model import Model
from codeassist.monitor.monitor import Monitor
from tests.engine.conftest import MakeModel, tiny
from tests.engine.decoding.test_decode import Guesser
from tests.monitor.fakes import Bars

__all__ = ["tiny"]
SEED = 20261121
SIZE = 500  # smaller than the models' vocabulary of 512: what lies beyond a mask may not come


def bars_after(answer: list[int], token: Any) -> Any:
    """Which tokens are barred depends on the one before, so that a monitor that lost its place would be seen."""
    return (token * 7 + sum(answer[-2:])) % 3 != 0


def run(
    model: Model,
    prompt: Sequence[int],
    params: DecodeParams,
    monitor: Monitor | None = None,
    drafter: Drafter | None = None,
) -> Decoded:
    cache = LiveCache(model, 256)
    hidden, _ = cache.sync(prompt)
    answer = decode(cache, hidden, params, accept=lambda *_: True, drafter=drafter, monitor=monitor)
    cache.check()
    return answer


def prompts(num: int) -> list[list[int]]:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    return [[rng.randrange(500) for _ in range(60)] for _ in range(num)]


@pytest.mark.parametrize("temperature", [0.0, 0.8])
@pytest.mark.parametrize("rank", [0, 2])
def test_a_monitor_that_allows_everything_changes_nothing(tiny: MakeModel, temperature: float, rank: int) -> None:
    model = tiny("qwen2")[0]
    for seed, prompt in enumerate(prompts(3)):
        params = DecodeParams(30, frozenset({3}), temperature, seed, first_rank=rank)
        plain = run(model, prompt, params)
        monitored = run(model, prompt, params, Bars(SIZE, lambda *_: False))
        assert monitored.tokens == plain.tokens and monitored.end == plain.end
        assert monitored.logprobs == plain.logprobs
        assert len(monitored.monitor_ms) >= len(plain.tokens) and not plain.monitor_ms


def test_greedy_takes_the_best_of_what_is_allowed(tiny: MakeModel) -> None:
    model = tiny("qwen2")[0]
    for prompt in prompts(3):
        answer = run(model, prompt, DecodeParams(12, frozenset()), Bars(SIZE, bars_after))
        cache = LiveCache(model, 256)
        hidden, _ = cache.sync(prompt)
        for number, token in enumerate(answer.tokens):
            logits = model.logits(hidden)[0]
            logits[SIZE:] = -torch.inf
            logits[:SIZE][torch.from_numpy(bars_after(answer.tokens[:number], np.arange(SIZE)))] = -torch.inf
            assert token == int(logits.argmax())
            hidden = cache.extend([token])


@pytest.mark.parametrize("cost", [0.05, inf])
@pytest.mark.parametrize("temperature", [0.0, 0.8])
@pytest.mark.parametrize("share_wrong", [0.0, 0.3, 1.0])
def test_drafts_change_no_token_and_a_barred_one_is_never_verified(
    tiny: MakeModel, temperature: float, share_wrong: float, cost: float
) -> None:
    model = tiny("qwen2")[0]
    rng = random.Random(SEED)
    for seed, prompt in enumerate(prompts(3)):
        params = DecodeParams(40, frozenset(), temperature, seed)
        plain = run(model, prompt, params, Bars(SIZE, bars_after, cost))
        monitor = Bars(SIZE, bars_after, cost)
        drafted = run(model, prompt, params, monitor, Guesser(plain.tokens, rng, share_wrong))
        assert drafted.tokens == plain.tokens == monitor.answer
        assert drafted.logprobs == pytest.approx(plain.logprobs, abs=1e-3)
        if share_wrong == 0.0 and cost == inf:
            assert drafted.num_passes < plain.num_passes / 2
        if share_wrong == 1.0:  # two of three wrong guesses are barred, and cost no verification
            assert drafted.num_drafted < plain.num_passes * 2


def test_an_engine_with_speculation_answers_as_without_under_a_monitor(tiny: MakeModel) -> None:
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    model = tiny("qwen2", weight_format="int8")[0]
    engines = [Engine(model, max_tokens=256, memory_bytes=1 << 30, speculate=speculate) for speculate in (True, False)]
    caches = [engine.open() for engine in engines]
    motif = [rng.randrange(500) for _ in range(12)]
    text, num_drafted = motif * 8, 0
    for _ in range(6):
        text.append(rng.choice(motif))
        answers = [
            engine.generate(
                cache, text, DecodeParams(16, frozenset()), accept=lambda *_: True, monitor=Bars(SIZE, bars_after)
            ).decoded
            for engine, cache in zip(engines, caches, strict=True)
        ]
        assert answers[0].tokens == answers[1].tokens
        num_drafted += answers[0].num_draft_accepted
    assert num_drafted > 0


def test_what_costs_something_comes_where_it_is_still_the_best(tiny: MakeModel) -> None:
    model = tiny("qwen2")[0]
    cost, num_paid = 0.05, 0  # a random model's logits lie close together
    for prompt in prompts(6):
        answer = run(model, prompt, DecodeParams(12, frozenset()), Bars(SIZE, bars_after, cost))
        plain = run(model, prompt, DecodeParams(12, frozenset()))
        cache = LiveCache(model, 256)
        hidden, _ = cache.sync(prompt)
        for number, token in enumerate(answer.tokens):
            weighed = model.logits(hidden)[0]
            bars = bars_after(answer.tokens[:number], np.arange(SIZE))
            weighed[:SIZE][torch.from_numpy(bars)] -= cost
            weighed[SIZE:] -= cost
            assert token == int(weighed.argmax())
            num_paid += bool(bars[token])
            hidden = cache.extend([token])
        assert run(model, prompt, DecodeParams(12, frozenset()), Bars(SIZE, bars_after, 1e-9)).tokens == plain.tokens
    assert 0 < num_paid < 6 * 12


@pytest.mark.parametrize("cost", [inf, 1.0])
def test_sampling_is_sampling_from_what_is_left_renormalised(tiny: MakeModel, cost: float) -> None:
    """Chi-squared of 1,500 first tokens against the masked or weighed, and renormalised distribution."""
    model = tiny("qwen2")[0]
    prompt = list(range(40, 60))
    cache = LiveCache(model, 64)
    hidden, _ = cache.sync(prompt)
    logits = model.logits(hidden)[0]
    likeliest = logits.topk(3).indices.numpy()

    def bars(answer: list[int], token: Any) -> Any:
        return np.isin(token, likeliest) | (token % 2 == 0)

    left = [token for token in range(SIZE) if not bars([], token)]
    masked = logits - cost
    masked[left] = logits[left]
    expected = torch.softmax(masked / 0.7, dim=-1)
    seen: Counter[int] = Counter()
    num = 1500
    for seed in range(num):
        params = DecodeParams(1, frozenset(), temperature=0.7, seed=seed)
        answer = decode(cache, hidden, params, accept=lambda *_: True, monitor=Bars(SIZE, bars, cost))
        seen[answer.tokens[0]] += 1
        cache.truncate(len(prompt))
    assert any(bars([], token) for token in seen) == (cost < inf)
    top = expected.topk(8).indices.tolist()
    chi2 = sum((seen[t] - num * expected[t].item()) ** 2 / (num * expected[t].item()) for t in top)
    print(f"chi-squared {chi2:.1f} over {len(top)} cells")
    assert chi2 < 30  # 8 cells: beyond 26.1 once in a thousand


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_monitor_may_bar_most_tokens(tiny: MakeModel, temperature: float) -> None:
    model = tiny("qwen2")[0]
    for seed, prompt in enumerate(prompts(3)):
        params = DecodeParams(20, frozenset(), temperature, seed)
        answer = run(model, prompt, params, Bars(SIZE, lambda _, token: (token % 2 == 0) | (token % 3 == 0)))
        assert all(token % 2 and token % 3 for token in answer.tokens)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_monitor_that_leaves_nothing_does_not_count(tiny: MakeModel, rank: int) -> None:
    model = tiny("qwen2")[0]
    (prompt,) = prompts(1)
    params = DecodeParams(20, frozenset(), first_rank=rank)
    plain = run(model, prompt, params)
    bars_all = Bars(SIZE, lambda _, token: token >= 0)
    assert run(model, prompt, params, bars_all).tokens == plain.tokens


def test_alternatives_are_ranked_among_what_is_allowed(tiny: MakeModel) -> None:
    model = tiny("qwen2")[0]

    def first(prompt: list[int], rank: int, bars: Callable[[list[int], Any], Any]) -> int:
        return run(model, prompt, DecodeParams(1, frozenset(), first_rank=rank), Bars(SIZE, bars)).tokens[0]

    for prompt in prompts(3):
        cache = LiveCache(model, 256)
        order = model.logits(cache.sync(prompt)[0])[0].argsort(descending=True).tolist()
        allowed = [token for token in order if token < SIZE and token % 3 == 0]
        assert [first(prompt, rank, lambda _, token: token % 3 != 0) for rank in range(4)] == allowed[:4]
        two = np.array(allowed[:2])
        few = [first(prompt, rank, lambda _, token, two=two: ~np.isin(token, two)) for rank in range(4)]
        assert few == [allowed[0], allowed[1], allowed[0], allowed[0]]
