"""Decoding: speculation changes no token and no distribution; every stop leaves a valid cache."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
import torch

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.decode import Decoded, DecodeParams, Drafter, choose_ranked, decode
from codeassist.engine.engine import Engine
from codeassist.engine.layers.model import Model, never
from tests.engine.conftest import MakeModel

SEED = 20261121


class Guesser:
    """Drafts the truth with some wrong tokens strewn in."""

    def __init__(self, truth: Sequence[int], rng: random.Random, share_wrong: float) -> None:
        self.truth, self.rng, self.share_wrong, self.at = truth, rng, share_wrong, 0

    def propose(self) -> Sequence[int]:
        ahead = self.truth[self.at : self.at + self.rng.randrange(7)]
        return [t if self.rng.random() > self.share_wrong else self.rng.randrange(500) for t in ahead]

    def observe(self, tokens: Sequence[int], num_drafted: int, num_accepted: int, pass_ms: float | None) -> None:
        self.at += len(tokens)


def run(
    model: Model, prompt: list[int], params: DecodeParams, drafter: Drafter | None = None
) -> tuple[Decoded, LiveCache]:
    cache = LiveCache(model, 256)
    hidden, _ = cache.sync(prompt)
    return decode(cache, hidden, params, accept=lambda *_: True, drafter=drafter), cache


@pytest.mark.parametrize("temperature", [0.0, 0.8])
@pytest.mark.parametrize("share_wrong", [0.0, 0.3, 1.0])
def test_drafts_change_no_token(tiny: MakeModel, temperature: float, share_wrong: float) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    model = tiny("qwen2")[0]
    for seed in range(6):
        prompt = [rng.randrange(500) for _ in range(60)]
        params = DecodeParams(50, frozenset(), temperature, seed)
        plain, _ = run(model, prompt, params)
        drafted, cache = run(model, prompt, params, Guesser(plain.tokens, rng, share_wrong))
        assert drafted.tokens == plain.tokens
        assert drafted.num_passes <= plain.num_passes
        if share_wrong == 0.0:
            assert drafted.num_passes < plain.num_passes / 2
        assert cache.tokens == (prompt + plain.tokens)[: len(cache.tokens)]
        cache.check()


def test_sampling_with_drafts_keeps_the_distribution(tiny: MakeModel) -> None:
    """Chi-squared of 3,000 first-two-token samples with a stubborn draft against the exact distribution."""
    model = tiny("qwen2")[0]
    prompt = list(range(40, 60))
    cache = LiveCache(model, 64)
    hidden, _ = cache.sync(prompt)
    first = torch.softmax(model.logits(hidden)[0] / 0.7, dim=-1)
    likely = int(first.argmax())

    class Stubborn:
        def propose(self) -> Sequence[int]:
            return [likely]

        def observe(self, *_: object) -> None:
            pass

    seconds: Counter[int] = Counter()
    num = 3000
    for seed in range(num):
        cache.truncate(len(prompt))
        params = DecodeParams(2, frozenset(), temperature=0.7, seed=seed)
        answer = decode(cache, hidden, params, accept=lambda *_: True, drafter=Stubborn())
        seconds[answer.tokens[1]] += answer.tokens[0] == likely
    cache.truncate(len(prompt))
    after = torch.softmax(model.logits(cache.extend([likely]))[0] / 0.7, dim=-1)
    total = sum(seconds.values())
    top = after.topk(8).indices.tolist()
    chi2 = sum((seconds[t] - total * after[t].item()) ** 2 / (total * after[t].item()) for t in top)
    print(f"chi-squared {chi2:.1f} over {len(top)} cells, {total} samples")
    assert total > 300
    assert chi2 < 30  # 8 cells: beyond 26.1 once in a thousand


@pytest.mark.parametrize("stop_at", range(1, 12))
def test_cancelling_at_any_token_leaves_a_valid_cache(tiny: MakeModel, stop_at: int) -> None:
    model = tiny("llama")[0]
    rng = random.Random(SEED)
    prompt = [rng.randrange(500) for _ in range(60)]
    params = DecodeParams(12, frozenset())
    plain, _ = run(model, prompt, params)
    cache = LiveCache(model, 256)
    hidden, _ = cache.sync(prompt)
    looks: list[int] = []

    def stop() -> bool:
        looks.append(1)
        return len(looks) >= stop_at

    cut = decode(cache, hidden, params, accept=lambda *_: True, stopped=stop)
    assert cut.tokens == plain.tokens[: len(cut.tokens)]
    assert cut.end == "cancelled" and len(cut.tokens) == stop_at
    cache.check()
    again, _ = cache.sync([*prompt, *plain.tokens])
    fresh = model.forward(torch.tensor([*prompt, *plain.tokens]), torch.arange(len(prompt) + 12), model.new_cache(256))
    torch.testing.assert_close(again, fresh[-1:], rtol=1e-3, atol=1e-3)


def test_stop_ids_end_the_answer_and_are_not_part_of_it(tiny: MakeModel) -> None:
    model = tiny("qwen2")[0]
    prompt = list(range(30))
    plain, _ = run(model, prompt, DecodeParams(20, frozenset()))
    stop = plain.tokens[7]
    cut, _ = run(model, prompt, DecodeParams(20, frozenset({stop})))
    assert cut.tokens == plain.tokens[: plain.tokens.index(stop)] and cut.end == "stop_token"


@pytest.mark.parametrize("weight_format", ["float32", "int8"])
def test_an_engine_with_speculation_answers_as_without(tiny: MakeModel, weight_format: str) -> None:
    """A typing session over a repetitive text: every answer equal, fewer passes, drafts really used."""
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    model = tiny("qwen2", weight_format=weight_format)[0]
    fast = Engine(model, max_tokens=256, memory_bytes=1 << 30)
    slow = Engine(model, max_tokens=256, memory_bytes=1 << 30, speculate=False)
    caches = {"fast": fast.open(), "slow": slow.open()}
    motif = [rng.randrange(500) for _ in range(12)]
    text = motif * 8
    passes, drafted = Counter[str](), 0
    for _ in range(15):
        text.append(rng.choice(motif))
        params = DecodeParams(16, frozenset())
        answers = {
            name: engine.generate(caches[name], text, params, accept=lambda *_: True)
            for name, engine in (("fast", fast), ("slow", slow))
        }
        assert answers["fast"].decoded.tokens == answers["slow"].decoded.tokens
        drafted += answers["fast"].decoded.num_draft_accepted
        for name, answer in answers.items():
            passes[name] += answer.decoded.num_passes
    print(passes, drafted)
    assert passes["fast"] < passes["slow"] and drafted > 0


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_alternatives_begin_with_tokens_of_their_own_and_speculation_changes_none(
    tiny: MakeModel, temperature: float
) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    model = tiny("qwen2")[0]
    for _ in range(4):
        prompt = [rng.randrange(500) for _ in range(60)]
        cache = LiveCache(model, 256)
        hidden, _ = cache.sync(prompt)
        order = model.logits(hidden)[0].argsort(descending=True).tolist()
        stops = frozenset(order[1:3])  # the second and third best would end the answer: they are no alternatives
        firsts: list[int] = []
        for rank in range(4):
            params = DecodeParams(30, stops, temperature, seed=1, first_rank=rank)
            plain, _ = run(model, prompt, params)
            drafted, drafted_cache = run(model, prompt, params, Guesser(plain.tokens, rng, 0.3))
            assert drafted.tokens == plain.tokens
            drafted_cache.check()
            firsts.append(plain.tokens[0])
            if temperature == 0:  # behind the first token it goes on as if that had stood in the prompt
                onward, _ = run(model, [*prompt, plain.tokens[0]], DecodeParams(29, stops))
                assert plain.tokens[1:] == onward.tokens
        assert firsts[1:] == order[3:6]
        assert len(set(firsts)) == 4
        if temperature == 0:
            assert firsts[0] == order[0]


def test_alternatives_of_equally_good_tokens_are_distinct() -> None:
    params = [DecodeParams(1, frozenset({0}), first_rank=rank) for rank in (1, 2)]
    logits = torch.tensor([5.0, 7.0, 7.0, 7.0])
    assert [choose_ranked(logits, each)[0] for each in params] == [2, 3]
    assert int(logits.argmax()) == 1


def test_documents_are_dropped_least_recently_used_first(tiny: MakeModel) -> None:
    model = tiny("qwen2")[0]
    slot = model.new_cache(1).bytes_per_slot
    engine = Engine(model, max_tokens=128, memory_bytes=250 * slot)
    params = DecodeParams(1, frozenset())
    a, b, c = (engine.open(name) for name in "abc")
    for cache in (a, b, a, c):
        engine.generate(cache, list(range(100)), params, accept=lambda *_: True)
    engine.generate(a, list(range(100)), params, accept=lambda *_: True)
    assert engine.generate(a, list(range(100)), params, accept=lambda *_: True).sync.num_encoded == 1
    assert engine.generate(b, list(range(100)), params, accept=lambda *_: True).sync.num_encoded == 100
    assert never() is False
