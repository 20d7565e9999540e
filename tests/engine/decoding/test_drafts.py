"""What drafts are copied from: bounded however long somebody edits, and what came last is always there."""

from __future__ import annotations

import random

import pytest
import torch

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.decode import DecodeParams
from codeassist.engine.decoding.drafts import (
    _LEAST_KEPT,
    _PROMPTS_KEPT,
    GAMMA,
    MAX_COPY,
    MAX_DRAFT,
    CopyIndex,
    Original,
    PassCost,
    Speculator,
)
from codeassist.engine.engine import Engine
from tests.engine.conftest import MakeModel

SEED = 20261121


def test_the_index_is_bounded_and_keeps_what_came_last() -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    index = CopyIndex()
    most = max(_LEAST_KEPT, _PROMPTS_KEPT * 3_000)
    for _ in range(60):
        prompt = [rng.randrange(50_000) for _ in range(3_000)]
        index.add(prompt, 0, len(prompt))
        for _ in range(200):
            index.append(rng.randrange(50_000))
        assert len(index.log) <= most
        assert len(index._ends) <= len(index.log)
        at = rng.randrange(GAMMA, len(prompt) - MAX_DRAFT)
        assert index.find(prompt[at - GAMMA : at], 5)[0] == prompt[at : at + 5]


def test_answers_alone_are_bounded_too() -> None:
    index = CopyIndex()
    for token in range(3 * _LEAST_KEPT):
        index.append(token)
        assert len(index.log) <= _LEAST_KEPT
    assert index.find([token - 8, token - 7, token - 6], 3)[0] == [token - 5, token - 4, token - 3]


def test_nothing_is_copied_across_a_marker() -> None:
    index = CopyIndex(frozenset({0}))
    index.add([5, 6, 7, 8, 0, 9, 10, 11, 12], 0, 9)
    assert index.find([5, 6, 7], 5)[0] == [8]
    assert index.find([6, 7, 8], 5)[0] == []
    assert index.find([9, 10, 11], 5)[0] == [12]


def test_drafted_tokens_get_to_the_last_bit_what_they_would_get_alone(tiny: MakeModel) -> None:
    """Otherwise int8 rounding would make another answer of the same model."""
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    model = tiny("qwen2", weight_format="int8")[0]
    tokens = [rng.randrange(500) for _ in range(130)]
    together, alone = LiveCache(model, 256), LiveCache(model, 256)
    for cache in (together, alone):
        cache.sync(tokens)
    for length in (1, 2, 6, 11):
        drafted = [rng.randrange(500) for _ in range(length)]
        ours = together.extend(drafted)
        theirs = torch.cat([alone.extend([token]) for token in drafted])
        assert torch.equal(ours, theirs)
        for name in ("k", "k_raw", "v"):
            n = len(together.tokens)
            assert torch.equal(getattr(together.states, name)[:, :, :n], getattr(alone.states, name)[:, :, :n])


def test_an_original_is_followed_and_found_again_after_a_change() -> None:
    original = Original([*range(10, 90)])
    assert list(original.next()) == [*range(10, 10 + MAX_COPY)]
    tail: list[int] = []

    def follow(*tokens: int) -> list[int]:
        for token in tokens:
            tail.append(token)
            original.follow(tail)
        return list(original.next())[:3]

    assert follow(10, 11) == [12, 13, 14]
    assert follow(500) == [12, 13, 14]  # something new: what stood there may come behind it
    assert follow(13) == [14, 15, 16]  # no, 12 was replaced
    assert follow(14) == [15, 16, 17]
    assert follow(20, 21) == [22, 23, 24]  # some were left out
    assert follow(10, 11) == [500, 13, 14]  # back again, where 12 is expected to be replaced once more
    assert follow(*range(12, 90)) == []  # at its end


def test_a_change_made_once_is_expected_wherever_the_original_has_the_same() -> None:
    """A call's name gets another, and an argument is added: both again in the drafts of the next calls."""
    name, paren, first, comma, end = range(1, 6)
    call = [name, paren, first, end]
    original = Original([9, *call, 9, *call, 9, *call])
    tail: list[int] = []
    for token in (9, 70, 71, paren, first, comma, 80, end, 9):
        tail.append(token)
        original.follow(tail)
    assert list(original.next()) == [70, 71, paren, first, comma, 80, end, 9, 70, 71, paren, first, comma, 80, end]


def test_what_is_new_for_long_loses_the_place_until_it_is_found_again() -> None:
    original = Original([*range(10, 90)])
    tail: list[int] = []
    for token in (10, 11, *range(500, 520)):
        tail.append(token)
        original.follow(tail)
    assert list(original.next()) == []
    for token in (60, 61):
        tail.append(token)
        original.follow(tail)
    assert list(original.next())[:2] == [62, 63]


def test_an_original_that_is_wrong_lets_the_context_try_and_the_other_way_round() -> None:
    """A region is to be written again, and the answer is something else that stands in the prompt; then the region."""
    elsewhere, region = [*range(100, 130)], [*range(10, 60)]
    drafter = Speculator()
    drafter.start([1, *elsewhere, 2, *region, 3], [range(83)], 83, original=region)

    def wrong(*tokens: int) -> list[int]:
        """Say that the last draft was wrong, and what came instead; return the next one."""
        drafter.observe(tokens, num_drafted=len(drafter.propose()), num_accepted=0, pass_ms=None)
        return list(drafter.propose())[:2]

    assert list(drafter.propose())[:2] == [10, 11]
    assert wrong(100) == [10, 11], "nothing in the context goes on so"
    assert wrong(101) == [102, 103]
    assert wrong(40, 41) == [42, 43], "the context was wrong: it is the original's turn"


def test_an_original_changes_no_token_and_saves_passes_where_it_is_right(
    tiny: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PassCost, "saw", lambda *_: None)  # how long drafts are must not follow from a busy machine
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    model, params = tiny("qwen2", weight_format="int8")[0], DecodeParams(60, frozenset())
    drafting, plain = (
        Engine(model, max_tokens=256, memory_bytes=1 << 30, speculate=speculate) for speculate in (True, False)
    )
    for _ in range(4):
        prompt = [rng.randrange(500) for _ in range(60)]
        truth = plain.generate(plain.open(), prompt, params, accept=lambda *_: True).decoded
        changed = [*truth.tokens[:20], 3, *truth.tokens[22:]]
        for original in (truth.tokens, changed, [rng.randrange(500) for _ in range(60)]):
            answer = drafting.generate(
                drafting.open(), prompt, params, original=original, accept=lambda *_: True
            ).decoded
            assert answer.tokens == truth.tokens
        followed = drafting.generate(drafting.open(), prompt, params, original=changed, accept=lambda *_: True).decoded
        assert followed.num_passes < truth.num_passes / 3
