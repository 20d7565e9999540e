"""The live cache against fresh prefills: after healing always equal, in exact mode at once; and what it cost."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.cache.reuse import MIN_KEPT_RUN, SnippetStates, align, common_prefix, gaps, passes
from codeassist.engine.layers.attention import Move
from codeassist.engine.layers.model import PREFILL_CHUNK, Block, Model
from codeassist.engine.layers.rotary import rotate
from codeassist.errors import Cancelled
from tests.engine.conftest import MakeModel

SEED = 20261121
CAPACITY = 256
FEW = st.lists(st.integers(0, 5), max_size=60)


def edited(tokens: list[int], rng: random.Random) -> list[int]:
    """One to three splices anywhere: insertions, deletions, replacements, a slid window, a whole new text."""
    out = list(tokens)
    if rng.random() < 0.02:
        return [rng.randrange(500) for _ in range(rng.randrange(1, CAPACITY - 20))]
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        start = rng.randrange(len(out) + 1)
        end = min(len(out), start + rng.choice([0, 0, 0, 1, 2, 5, 30]))
        out[start:end] = [rng.randrange(500) for _ in range(rng.choice([0, 1, 1, 2, 8, 25]))]
    if len(out) > CAPACITY - 20:
        del out[: len(out) - (CAPACITY - 40)]
    return out or [1]


def fresh_hidden(model: object, tokens: list[int]) -> torch.Tensor:

    assert isinstance(model, Model)
    return model.forward(torch.tensor(tokens), torch.arange(len(tokens)), model.new_cache(CAPACITY))


def assert_equals_fresh(cache: LiveCache, tokens: list[int]) -> None:
    reference = cache.model.new_cache(CAPACITY)
    cache.model.forward(torch.tensor(tokens), torch.arange(len(tokens)), reference)
    n = len(tokens)
    for name in ("k_raw", "k", "v"):
        ours, theirs = getattr(cache.states, name)[:, :, :n], getattr(reference, name)[:, :, :n]
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("family", ["qwen2", "starcoder2"])
def test_random_edits_healed_equal_a_fresh_prefill(tiny: MakeModel, family: str) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    cache = LiveCache(tiny(family)[0], CAPACITY)
    tokens = [rng.randrange(500) for _ in range(150)]
    for step in range(400):
        tokens = edited(tokens, rng)
        refresh = range(max(0, len(tokens) - 10), len(tokens))
        _, report = cache.sync(tokens, [refresh])
        assert cache.tokens == tokens
        assert report.num_kept + report.num_shifted + report.num_encoded - report.num_refreshed == len(tokens)
        if step % 20 == 0:
            cache.check()
            while cache.heal(16):
                pass
            cache.check()
            assert_equals_fresh(cache, tokens)


def test_random_edits_in_exact_mode_always_equal_a_fresh_prefill(tiny: MakeModel) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    model = tiny("qwen2")[0]
    cache = LiveCache(model, CAPACITY)
    tokens = [rng.randrange(500) for _ in range(150)]
    for _ in range(60):
        tokens = edited(tokens, rng)
        hidden, _ = cache.sync(tokens, exact=True)
        assert cache.num_stale == 0
        torch.testing.assert_close(hidden, fresh_hidden(model, tokens)[-1:], rtol=1e-3, atol=1e-3)


def test_thousands_of_edits_leave_document_and_cache_whole(tiny: MakeModel) -> None:
    """Cheap checks at every one of 3,000 edits, the full comparison at the end."""
    print(f"seed {SEED + 1}")
    rng = random.Random(SEED + 1)
    cache = LiveCache(tiny("llama")[0], CAPACITY)
    tokens = [rng.randrange(500) for _ in range(100)]
    cache.sync(tokens)
    for _ in range(3000):
        tokens = edited(tokens, rng)
        cache.sync(tokens)
        assert cache.tokens == tokens
    cache.check()
    while cache.heal(64):
        pass
    assert_equals_fresh(cache, tokens)


def test_typing_one_token_encodes_the_refresh_budget_and_no_more(tiny: MakeModel) -> None:
    rng = random.Random(SEED)
    cache = LiveCache(tiny("qwen2")[0], CAPACITY)
    prefix, suffix = [rng.randrange(500) for _ in range(100)], [rng.randrange(500) for _ in range(80)]
    budget = 12
    cache.sync(prefix + suffix)
    for _ in range(20):
        prefix.append(rng.randrange(500))
        head = range(len(prefix), len(prefix) + budget - 1)
        _, report = cache.sync(prefix + suffix, [head])
        assert report.num_encoded <= budget + 1
        assert report.num_shifted >= len(suffix) - 2
        assert report.num_exact == len(prefix) + budget - 1


def test_ten_thousand_shifts_leave_keys_freshly_rotated(tiny: MakeModel) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    cache = LiveCache(tiny("qwen2")[0], CAPACITY)
    cache.sync([rng.randrange(500) for _ in range(60)])
    states = cache.states
    raw = states.k_raw[:, :, :60].clone()
    place = 0
    for _ in range(10_000):
        new_place = rng.randrange(CAPACITY - 60)
        states.move([Move(place, new_place, 60)])
        place = new_place
    wanted = rotate(raw, states.rotations[place : place + 60])
    torch.testing.assert_close(states.k[:, :, place : place + 60], wanted, rtol=1e-6, atol=1e-6)
    assert torch.equal(states.k_raw[:, :, place : place + 60], raw)


def test_moves_over_each_other_lose_nothing(tiny: MakeModel) -> None:
    rng = random.Random(SEED)
    model = tiny("qwen2")[0]
    for _ in range(200):
        states = model.new_cache(CAPACITY)
        states.v.copy_(torch.arange(CAPACITY).view(1, 1, -1, 1).expand_as(states.v))
        states.k_raw.copy_(states.v)
        moves: list[Move] = []
        src = dst = 0
        while True:
            src, dst = src + rng.choice([0, 1, 7, 40]), dst + rng.choice([0, 1, 7, 40])
            length = rng.randrange(1, 60)
            if max(src, dst) + length > CAPACITY:
                break
            moves.append(Move(src, dst, length))
            src, dst = src + length, dst + length
        states.move(moves)
        for move in moves:
            got = states.v[0, 0, move.dst : move.dst + move.length, 0]
            assert torch.equal(got, torch.arange(move.src, move.src + move.length, dtype=got.dtype))


@pytest.mark.parametrize("look", range(1, 14))
def test_a_sync_stopped_anywhere_is_made_up_for(tiny: MakeModel, look: int) -> None:
    rng = random.Random(SEED)
    model = tiny("qwen2")[0]
    cache = LiveCache(model, CAPACITY)
    before = [rng.randrange(500) for _ in range(200)]
    cache.sync(before)
    wanted = before[:50] + [7] * 30 + before[60:120] + [9] * 20 + before[120:]
    wanted = wanted[: CAPACITY - 10]
    looks: list[int] = []

    def stop() -> bool:
        looks.append(1)
        return len(looks) == look

    try:
        cache.sync(wanted, stopped=stop)
    except Cancelled:
        cache.check()
    cache.sync(wanted)
    assert cache.tokens == wanted
    while cache.heal(50):
        pass
    assert_equals_fresh(cache, wanted)


def test_healing_gives_way_between_layers(tiny: MakeModel) -> None:
    rng = random.Random(SEED)
    cache = LiveCache(tiny("qwen2")[0], CAPACITY)
    tokens = [rng.randrange(500) for _ in range(100)]
    cache.sync(tokens)
    cache.sync([5, *tokens])
    stale = cache.num_stale
    answers = iter([False, True])
    with pytest.raises(Cancelled):
        cache.heal(20, lambda: next(answers))
    assert cache.num_stale == stale
    assert cache.heal(20) == stale - 20


def counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the layers' inputs from now on, one entry for each layer that ran."""
    ran: list[int] = []
    real = Block.mlp

    def mlp(block: Block, x: torch.Tensor) -> torch.Tensor:
        ran.append(len(x))
        return real(block, x)

    monkeypatch.setattr(Block, "mlp", mlp)
    return ran


def after(num_looks: int) -> Callable[[], bool]:
    """Stops at the `num_looks`-th look."""
    looks = iter(range(1, num_looks))
    return lambda: next(looks, None) is None


def test_who_types_faster_than_a_pass_takes_still_gets_on(tiny: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request is superseded after one layer; the layers that ran are those of one prefill and no more."""
    monkeypatch.setattr(Model, "pass_tokens", 32)
    rng = random.Random(SEED)
    model = tiny("qwen2")[0]
    num_layers = len(model.blocks)
    cache = LiveCache(model, CAPACITY)
    prefix = [rng.randrange(500) for _ in range(96)]
    ran = counting(monkeypatch)
    typed: list[int] = []
    for _ in range(2 * num_layers):
        typed.append(rng.randrange(500))
        with pytest.raises(Cancelled):
            cache.sync([*prefix, *typed], stopped=after(3))
        cache.check()
    cache.sync([*prefix, *typed])
    assert sum(ran) == num_layers * (len(prefix) + len(typed))
    monkeypatch.undo()
    assert_equals_fresh(cache, [*prefix, *typed])


def test_an_interrupted_slice_of_healing_is_gone_on_with_even_behind_a_keystroke(
    tiny: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(SEED)
    model = tiny("qwen2")[0]
    cache = LiveCache(model, CAPACITY)
    tokens = [rng.randrange(500) for _ in range(100)]
    cache.sync(tokens)
    cache.sync([5, *tokens])
    with pytest.raises(Cancelled):
        cache.heal(20, after(2))
    start = cache.num_exact
    typed = [5, *tokens, 6]
    cache.sync(typed)
    ran = counting(monkeypatch)
    cache.heal(20)
    assert cache.num_exact == start + 20 and ran == [20] * (len(model.blocks) - 1)
    monkeypatch.undo()
    while cache.heal(50):
        pass
    assert_equals_fresh(cache, typed)


@pytest.mark.parametrize("exact", [False, True])
def test_what_was_done_of_a_pass_does_not_outlive_a_change_before_it(
    tiny: MakeModel, monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    monkeypatch.setattr(Model, "pass_tokens", 32)
    rng = random.Random(SEED)
    tokens = [rng.randrange(500) for _ in range(96)]
    cache = LiveCache(tiny("qwen2")[0], CAPACITY)
    with pytest.raises(Cancelled):
        cache.sync(tokens, exact=exact, stopped=after(6))
    assert cache.num_exact == 32  # and one layer of the next 32
    other = [*tokens[:3], 499 - tokens[3], *tokens[4:]]
    cache.sync(other, exact=exact)
    assert cache.num_exact == (len(other) if exact else 4)
    while cache.heal(50):
        pass
    assert_equals_fresh(cache, other)


@pytest.mark.parametrize("family", ["qwen2", "starcoder2"])
@pytest.mark.parametrize("exact", [False, True])
def test_random_edits_with_work_stopped_anywhere_equal_a_fresh_prefill(
    tiny: MakeModel, family: str, exact: bool
) -> None:
    print(f"seed {SEED}")
    rng = random.Random(f"{SEED} {family} {exact}")
    model = tiny(family)[0]
    cache = LiveCache(model, CAPACITY)
    store = SnippetStates(1 << 20)
    tokens = [rng.randrange(500) for _ in range(60)]
    num_stopped = 0
    for _ in range(600):
        if rng.random() < 0.7:
            tokens = edited(tokens, rng)
        limit = rng.choice([1, 2, 3, 4, 6, 9, 10_000])
        start = rng.randrange(len(tokens))
        refresh = [range(start, min(start + rng.randrange(12), len(tokens)))]
        snippets = [range(5, 25)] if len(tokens) > 30 and rng.random() < 0.5 else []
        try:
            if rng.random() < 0.6:
                cache.sync(tokens, refresh, snippets=snippets, store=store, exact=exact, stopped=after(limit))
            else:
                cache.heal(rng.choice([3, 10, 40]), after(limit))
        except Cancelled:
            num_stopped += 1
        cache.check()
        if rng.random() < 0.1:
            cache.sync(tokens, refresh, exact=exact)
            while cache.heal(50):
                pass
            assert_equals_fresh(cache, tokens)
    assert num_stopped > 100


@settings(max_examples=300, deadline=None)
@given(cached=FEW, target=FEW)
def test_alignment_is_an_order_preserving_match(cached: list[int], target: list[int]) -> None:
    moves = align(list(cached), target)
    last_src = last_dst = 0
    for move in moves:
        assert move.length > 0
        assert move.src >= last_src and move.dst >= last_dst
        assert cached[move.src : move.src + move.length] == target[move.dst : move.dst + move.length]
        last_src, last_dst = move.src + move.length, move.dst + move.length
    filled = {slot for move in moves for slot in range(move.dst, move.dst + move.length)}
    missing = {slot for gap in gaps(moves, len(target)) for slot in gap}
    assert filled | missing == set(range(len(target))) and not filled & missing
    assert common_prefix(cached, target) == (moves[0].length if moves and moves[0].dst == moves[0].src == 0 else 0)


def test_alignment_survives_several_splices() -> None:
    old = list(range(300))
    new = [*old[:40], 900, 901, *old[40:100], *old[130:200], *range(700, 720), *old[200:]]
    assert align(list(old), new) == [Move(0, 0, 40), Move(40, 42, 60), Move(130, 102, 70), Move(200, 192, 100)]


def test_slots_without_a_state_match_nothing() -> None:
    cached: list[int | None] = [1, 2, 3, None, *range(10, 30)]
    assert align(cached, [1, 2, 3, 4, *range(10, 30)]) == [Move(0, 0, 3), Move(4, 4, 20)]


def test_short_chance_matches_are_dropped() -> None:
    short = list(range(50, 50 + MIN_KEPT_RUN - 1))
    moves = align([1, 2, *range(100, 120), *short, *range(200, 220), 3], [1, 2, *range(300, 320), *short, 400, 3])
    assert moves == [Move(0, 0, 2), Move(22 + len(short) + 20, 22 + len(short) + 1, 1)]


def test_passes_keep_order_and_bound_their_size() -> None:
    slots = [*range(0, 700), 705, 706, *range(900, 910)]
    parts = passes(slots)
    assert [slot for part in parts for slot in part] == slots
    assert all(0 < len(part) <= PREFILL_CHUNK for part in parts)


def test_only_runs_are_read_in_the_large_passes_of_a_gpu() -> None:
    scattered = [*range(6000, 7000, 2)]
    parts = passes([*range(5000), *scattered], 2048)
    assert [len(part) for part in parts[:3]] == [2048, 2048, 5000 - 2 * 2048]
    assert [slot for part in parts[3:] for slot in part] == scattered
    assert all(len(part) <= PREFILL_CHUNK for part in parts[3:])


def test_a_snippet_that_returns_costs_no_encoding_and_heals_to_exact(tiny: MakeModel) -> None:
    rng = random.Random(SEED)
    store = SnippetStates(1 << 30)
    cache = LiveCache(tiny("qwen2")[0], CAPACITY)
    one, two = [rng.randrange(500) for _ in range(40)], [rng.randrange(500) for _ in range(30)]
    file = [rng.randrange(500) for _ in range(50)]
    cache.sync(one + file, snippets=[range(0, 40)], store=store)
    cache.sync(two + file, snippets=[range(0, 30)], store=store)
    _, report = cache.sync(two + one + file, snippets=[range(0, 30), range(30, 70)], store=store)
    assert report.num_placed == 40 and report.num_encoded == 1
    assert (store.num_hits, store.num_misses) == (1, 2)
    cache.check()
    while cache.heal(32):
        pass
    assert_equals_fresh(cache, two + one + file)


def test_each_slot_says_how_its_state_came_there(tiny: MakeModel) -> None:
    cache, store = LiveCache(tiny("qwen2")[0], CAPACITY), SnippetStates(1 << 30)

    def told() -> list[tuple[str, int, int]]:
        cache.check()
        return [(run.state, run.start, run.stop) for run in cache.runs()]

    head, snippet, tail = list(range(20)), list(range(100, 130)), list(range(200, 240))
    cache.sync(head + snippet + tail, snippets=[range(20, 50)], store=store)
    assert told() == [("exact", 0, 90)]
    cache.sync(head + tail, store=store)
    assert told() == [("exact", 0, 20), ("shifted", 20, 59), ("stale", 59, 60)], "the last is always computed anew"
    cache.sync([301, 302, 303, *head[3:], *snippet, *tail], snippets=[range(20, 50)], store=store)
    assert told() == [
        ("exact", 0, 3), ("stale", 3, 20), ("placed", 20, 50), ("shifted", 50, 89), ("stale", 89, 90)
    ]  # fmt: skip
    while cache.heal(16):
        told()
    assert told() == [("exact", 0, 90)]


def test_snippet_states_are_bounded(tiny: MakeModel) -> None:
    states = LiveCache(tiny("qwen2")[0], CAPACITY)
    states.sync(list(range(100)))
    part = states.states.export(0, 10)
    store = SnippetStates(3 * part.num_bytes)
    for first in range(5):
        store.put((first,), part)
        store.put((first,), part)
    assert len(store) == 3 and store.num_bytes == 3 * part.num_bytes
    assert (0,) not in store and (4,) in store
    store.put((9,), states.states.export(0, 100))
    assert (9,) not in store
