"""States on the disk: read back they are what was computed, to half a step of eight bits; damaged ones are not used."""

from __future__ import annotations

import logging
import os
import random
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.cache.quantized_states import GROUP_SLOTS, quantize
from codeassist.engine.cache.reuse import LEAST_PLACED
from codeassist.engine.cache.states_on_disk import StatesOnDisk, states_folder
from codeassist.engine.engine import Engine
from codeassist.engine.inference_thread import InferenceThread
from codeassist.engine.layers.model import Model, never
from codeassist.engine.prompt_cache import Layout, PromptCache
from codeassist.errors import Cancelled
from tests.engine.conftest import MakeModel

SEED = 20261130
TEXT = [random.Random(SEED).randrange(500) for _ in range(180)]
TIMEOUT_S = 60


def disk_of(model: Model, tmp_path: Path, max_bytes: int = 1 << 30) -> StatesOnDisk:
    return StatesOnDisk(tmp_path / "states" / "m", model.config, max_bytes)


def engine_of(model: Model, on_disk: StatesOnDisk | None) -> Engine:
    return Engine(model, max_tokens=256, memory_bytes=1 << 30, on_disk=on_disk)


def read(engine: Engine, tokens: Sequence[int], name: str = "a.py") -> PromptCache:
    """Read a prompt through the way for prompts that wait for idle time."""
    cache = engine.open(name)
    cache.outlives = True
    engine.await_reading(cache, Layout(tokens, (), ()))
    engine.read_awaited(cache)
    return cache


def assert_near_fresh(model: Model, live: LiveCache | None, tokens: Sequence[int], tolerance: float) -> None:
    assert live is not None and live.tokens == list(tokens)
    live.check()
    fresh = LiveCache(model, 256)
    fresh.sync(tokens)
    for name in ("k_raw", "k", "v"):
        ours, theirs = (getattr(each.states, name)[:, :, : len(tokens)] for each in (live, fresh))
        torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance * float(theirs.abs().amax()))


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "states" / "m").iterdir())


@pytest.mark.parametrize("num_slots", [1, GROUP_SLOTS - 1, GROUP_SLOTS, GROUP_SLOTS + 1, 180])
def test_eight_bits_are_off_by_half_a_step(tiny: MakeModel, num_slots: int) -> None:
    cache = LiveCache(tiny("qwen2")[0], 256)
    cache.sync(TEXT)
    true = cache.states.export(0, num_slots)
    quantized = quantize(cache.states, num_slots, never)
    assert quantized.num_slots == num_slots and quantized.k.dtype == quantized.v.dtype == torch.uint8
    rng = random.Random(SEED)
    for _ in range(20):
        start = rng.randrange(num_slots)
        stop = rng.randrange(start, num_slots) + 1
        part = quantized.states(start, stop)
        k_step = quantized.k_step.expand_as(quantized.k).flatten(2, 3)[:, :, start:stop]
        v_step = quantized.v_step[:, :, start:stop]
        assert bool(((part.k_raw - true.k_raw[:, :, start:stop]).abs() <= k_step * 0.501 + 1e-6).all())
        assert bool(((part.v - true.v[:, :, start:stop]).abs() <= v_step * 0.501 + 1e-6).all())


def test_equal_numbers_and_a_constant_channel_survive(tiny: MakeModel) -> None:
    cache = LiveCache(tiny("qwen2")[0], 256)
    cache.sync(TEXT)
    cache.states.k_raw[:, :, :100, 3] = 123.456
    cache.states.v[:, :, 5] = 0.0
    back = quantize(cache.states, 100, never).states(0, 100)
    assert torch.equal(back.k_raw[..., 3], torch.full_like(back.k_raw[..., 3], 123.456))
    assert not back.v[:, :, 5].any()


def test_quantizing_gives_way_between_layers(tiny: MakeModel) -> None:
    cache = LiveCache(tiny("qwen2")[0], 256)
    cache.sync(TEXT)
    with pytest.raises(Cancelled):
        quantize(cache.states, len(TEXT), lambda: True)


def test_a_file_opened_another_day_is_read_back_and_healed(tiny: MakeModel, tmp_path: Path) -> None:
    model = tiny("qwen2")[0]
    before = engine_of(model, disk_of(model, tmp_path))
    read(before, TEXT)
    before.close()
    engine = engine_of(model, disk_of(model, tmp_path))
    cache = engine.open("a.py")
    cache.outlives = True
    assert engine.missing(cache, Layout(TEXT, (), ())) == []
    hidden, report = engine.use(cache).sync(TEXT, kept=engine.on_disk.prompts_of("a.py") if engine.on_disk else ())
    assert (report.num_placed, report.num_encoded, report.num_exact) == (len(TEXT), 1, 0)
    assert_near_fresh(model, cache.live, TEXT, 0.02)
    fresh, _ = LiveCache(model, 256).sync(TEXT)
    assert float(torch.cosine_similarity(hidden, fresh).min()) > 0.99
    while engine.heal(cache, 64):
        pass
    assert_near_fresh(model, cache.live, TEXT, 1e-4)


def test_a_text_edited_meanwhile_takes_what_still_stands(tiny: MakeModel, tmp_path: Path) -> None:
    model = tiny("qwen2")[0]
    before = engine_of(model, disk_of(model, tmp_path))
    read(before, TEXT)
    before.close()
    engine = engine_of(model, disk_of(model, tmp_path))
    now = [*TEXT[:60], *range(500, 507), *TEXT[63:]]
    cache = read(engine, now)
    assert cache.live is not None
    assert [(run.state, run.start, run.stop) for run in cache.live.runs()] == [
        ("placed", 0, 60), ("stale", 60, 67), ("placed", 67, 183), ("stale", 183, 184)
    ]  # fmt: skip
    assert cache.num_unkept == 7 and engine.next_to_keep() is None
    while engine.heal(cache, 64):
        pass
    assert_near_fresh(model, cache.live, now, 1e-4)


def test_who_comes_back_to_a_place_finds_it_read(tiny: MakeModel, tmp_path: Path) -> None:
    """In one run of the program, too: what a jump drops from the live cache comes back from the disk."""
    model = tiny("qwen2")[0]
    engine = engine_of(model, disk_of(model, tmp_path))
    elsewhere = [random.Random(SEED + 1).randrange(500) for _ in range(150)]
    cache = read(engine, TEXT)
    engine.keep(cache)
    for tokens, missing in ((elsewhere, 150), ([*elsewhere, 7], 1), (TEXT, 0), (elsewhere, 0)):
        prompt = Layout(tokens, (), ())
        assert sum(map(len, engine.missing(cache, prompt))) == missing
        engine.await_reading(cache, prompt)
        engine.read_awaited(cache)
        engine.keep(cache)
    engine.close()
    assert len(files(tmp_path)) == 2  # the longer `elsewhere` gave way to the one that holds most of it


def test_snippets_of_other_files_come_from_another_documents_prompt(tiny: MakeModel, tmp_path: Path) -> None:
    model = tiny("qwen2")[0]
    before = engine_of(model, disk_of(model, tmp_path))
    read(before, TEXT)
    before.close()
    engine = engine_of(model, disk_of(model, tmp_path))
    new = [*range(400, 420), *TEXT[30:110], *range(420, 450)]
    cache = read(engine, new, "b.py")
    assert cache.live is not None and cache.num_unkept == len(new) - 80
    assert [(run.state, run.start, run.stop) for run in cache.live.runs()] == [
        ("exact", 0, 20), ("placed", 20, 100), ("stale", 100, 130)
    ]  # fmt: skip
    while engine.heal(cache, 64):
        pass
    assert_near_fresh(model, cache.live, new, 1e-4)
    engine.keep(cache)
    another = read(engine, [7, *new[20:]], "c.py")  # of what is about to be written, or is written by now
    assert another.live is not None and another.num_unkept == 1
    assert [(run.state, run.start, run.stop) for run in another.live.runs()][:2] == [
        ("exact", 0, 1),
        ("placed", 1, 110),
    ]
    engine.close()


def test_short_matches_are_not_worth_a_file(tiny: MakeModel, tmp_path: Path) -> None:
    model = tiny("qwen2")[0]
    engine = engine_of(model, disk_of(model, tmp_path))
    engine.keep(read(engine, TEXT))
    cache = read(engine, TEXT[: LEAST_PLACED - 1], "a.py")
    assert cache.num_unkept == LEAST_PLACED - 1
    engine.close()


def _cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 100)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def _another_models(path: Path) -> None:
    """A whole file, of a model with other shapes."""
    from safetensors.torch import load, save

    tensors = load(path.read_bytes())
    tensors["v"] = tensors["v"][:, :, :, :4].clone()
    path.write_bytes(save(tensors))


@pytest.mark.parametrize("damage", [_cut_short, _empty, _flip_a_bit, _another_models, Path.unlink])
def test_what_is_damaged_is_dropped_and_computed(
    tiny: MakeModel, tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    model = tiny("qwen2")[0]
    before = engine_of(model, disk_of(model, tmp_path))
    read(before, TEXT)
    before.close()
    engine = engine_of(model, disk_of(model, tmp_path))
    assert engine.on_disk is not None
    (path,) = files(tmp_path)
    if damage is Path.unlink:
        engine.on_disk.prompts_of("a.py")
    damage(path)
    with caplog.at_level(logging.WARNING):
        cache = read(engine, TEXT)
    assert cache.num_unkept == len(TEXT)
    assert_near_fresh(model, cache.live, TEXT, 1e-4)
    assert bool(caplog.records) == (damage is not Path.unlink)
    engine.close()
    assert path not in files(tmp_path)


def test_the_files_are_the_users_own(tiny: MakeModel, tmp_path: Path) -> None:
    model = tiny("qwen2")[0]
    engine = engine_of(model, disk_of(model, tmp_path))
    engine.keep(read(engine, TEXT))
    engine.close()
    (path,) = files(tmp_path)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_all_models_files_together_are_bounded(tiny: MakeModel, tmp_path: Path) -> None:
    model = tiny("qwen2")[0]
    engine = engine_of(model, disk_of(model, tmp_path))
    engine.keep(read(engine, TEXT, "first.py"))
    engine.close()
    (first,) = files(tmp_path)
    size = first.stat().st_size
    another = tmp_path / "states" / "another-model" / "0-0.states"
    another.parent.mkdir()
    another.write_bytes(b"0" * size)
    for age, path in ((300, first), (200, another)):
        then = path.stat().st_mtime - age
        os.utime(path, (then, then))
    engine = engine_of(model, disk_of(model, tmp_path, max_bytes=int(2.5 * size)))
    engine.keep(read(engine, [token + 1 for token in TEXT], "second.py"))
    engine.close()
    assert not first.exists() and another.exists() and len(files(tmp_path)) == 1


def test_a_document_has_a_few_places(tiny: MakeModel, tmp_path: Path) -> None:
    model = tiny("qwen2")[0]
    engine = engine_of(model, disk_of(model, tmp_path))
    rng = random.Random(SEED)
    for _ in range(9):
        cache = read(engine, [rng.randrange(500) for _ in range(60)])
        engine.keep(cache)
    engine.close()
    assert len(files(tmp_path)) == 6


def test_a_file_where_the_folder_should_be_ends_the_keeping(
    tiny: MakeModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "states").write_text("")
    model = tiny("qwen2")[0]
    engine = engine_of(model, disk_of(model, tmp_path))
    with caplog.at_level(logging.WARNING):
        for name in ("a.py", "b.py", "c.py"):
            cache = read(engine, TEXT, name)
            engine.keep(cache)
            assert_near_fresh(model, cache.live, TEXT, 0.02)  # by what is about to be written, maybe
        engine.close()
    assert 1 <= len(caplog.records) <= 3 and all("not kept" in record.message for record in caplog.records)


def test_only_what_outlives_is_kept_and_never_in_exact_mode(tiny: MakeModel, tmp_path: Path) -> None:
    model = tiny("qwen2")[0]
    engine = engine_of(model, disk_of(model, tmp_path))
    secret = read(engine, TEXT)
    secret.outlives = False
    engine.close()
    exact = Engine(model, max_tokens=256, memory_bytes=1 << 30, on_disk=disk_of(model, tmp_path), exact=True)
    read(exact, TEXT)
    exact.close()
    assert not (tmp_path / "states").exists()


def test_kept_in_idle_time_once_and_when_it_is_closed(tiny: MakeModel, tmp_path: Path) -> None:
    model = tiny("qwen2")[0]
    engine = engine_of(model, disk_of(model, tmp_path))
    assert engine.on_disk is not None
    thread = InferenceThread(engine)
    text = [random.Random(SEED + 2).randrange(500) for _ in range(250)]
    try:
        cache = thread.submit(lambda: read(engine, text)).result(TIMEOUT_S)
        cache.num_unkept = 1000  # as after a longer prompt
        for _ in range(1000):
            if thread.submit(lambda: cache.num_unkept).result(TIMEOUT_S) == 0:
                break
            threading_wait()
        assert cache.num_unkept == 0 and thread.is_alive
        small = thread.submit(lambda: read(engine, TEXT, "b.py")).result(TIMEOUT_S)
        assert small.num_unkept == len(TEXT)  # too few while its user works on
    finally:
        thread.submit(engine.close).result(TIMEOUT_S)
        thread.close()
    assert engine.on_disk.num_written == 2


def threading_wait() -> None:
    import threading

    threading.Event().wait(0.05)


def test_models_have_folders_of_their_own(tmp_path: Path) -> None:
    one, other = states_folder(tmp_path, "a-int8-v2"), states_folder(tmp_path, "a-bf16-v2")
    assert one != other and one.parent == other.parent == tmp_path / "states"
