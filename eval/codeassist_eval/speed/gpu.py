"""How fast the engine is on a GPU, by a random model, and whether it is right there: prompts, tokens, keys, the caches.

Every part makes what it needs and returns figures ready for JSON. On a CPU they run as well, to try them.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.decode import DecodeParams, decode
from codeassist.engine.layers.attention_kernels import attend_masked, attend_run, visible_mask
from codeassist.engine.layers.model import Model

# Bytes a second that memory is sold with, by a part of the GPU's name.
_SOLD_GB_S = {"H200": 4800, "H100": 3350, "A100": 2039, "L40S": 864, "RTX 4090": 1008, "RTX 5090": 1792}
_AROUND_CURSOR = 64  # tokens whose states count most
_ROOM = 128


@dataclass(frozen=True, slots=True)
class GpuPlan:
    """What is measured: prompts of these lengths, so many repeats, tokens decoded and keys typed."""

    shape: str = "7b"
    prompt_tokens: tuple[int, ...] = (2048, 8192, 16384)
    repeats: int = 3
    num_decoded: int = 64
    num_keys: int = 24


SMALL = GpuPlan("tiny", (128, 256), 2, 8, 4)
"""For a CPU."""


def settle(device: torch.device) -> None:
    """Wait for what was launched on a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def timed_ms(device: torch.device, work: Callable[[], object]) -> float:
    """Milliseconds of work, with what it launched."""
    settle(device)
    started = time.perf_counter()
    work()
    settle(device)
    return (time.perf_counter() - started) * 1e3


def device_figures(device: torch.device) -> dict[str, Any]:
    """Name, memory, and how fast memory is: as it is sold, and as a copy of half a gigabyte runs."""
    name, memory = device.type, None
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        name, memory = properties.name, properties.total_memory
    source = torch.empty(1 << (29 if device.type == "cuda" else 26), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    ms = min(timed_ms(device, lambda: target.copy_(source)) for _ in range(5))
    sold = next((speed for part, speed in _SOLD_GB_S.items() if part in name), None)
    return {
        "name": name,
        "memory_bytes": memory,
        "sold_gb_s": sold,
        "copied_gb_s": round(2 * source.numel() / ms / 1e6, 1),
        "torch": torch.__version__,
    }


def speed_figures(model: Model, plan: GpuPlan, device: dict[str, Any]) -> dict[str, Any]:
    """Reading, decoding and typing at every length, each by its median."""
    found: dict[str, Any] = {}
    for num_tokens in plan.prompt_tokens:
        cache = LiveCache(model, num_tokens + plan.num_decoded + _ROOM)
        chooser = random.Random(num_tokens)
        prompt = [chooser.randrange(1, model.config.vocab_size) for _ in range(num_tokens)]
        cache.sync(prompt, exact=True)  # libraries choose their kernels
        cache.truncate(0)
        reading = [_read_ms(cache, prompt) for _ in range(plan.repeats)]
        decoding = [_decode_ms(cache, prompt, plan.num_decoded) for _ in range(plan.repeats + 1)][1:]
        typing, recording = _typing_ms(cache, prompt, plan.num_keys, chooser)
        decode_ms = statistics.median(decoding)
        moved = _bytes_a_token(model, num_tokens)
        sold = device["sold_gb_s"] or device["copied_gb_s"]
        found[str(num_tokens)] = {
            "prefill_tokens_s": round(num_tokens / statistics.median(reading) * 1e3, 1),
            "decode_ms": round(decode_ms, 3),
            "decode_gb_s": round(moved / decode_ms / 1e6, 1),
            "bandwidth_share": round(moved / decode_ms / 1e6 / sold, 3),
            "keystroke_ms": {"p50": round(statistics.median(typing), 2), "max": round(max(typing), 2)},
            "first_keystrokes_ms": [round(ms, 1) for ms in recording],  # shapes are recorded while they are typed
            "recorded_shapes": None if cache.fixed_passes is None else cache.fixed_passes.num_recorded,
        }
        del cache
    if model.device.type == "cuda":
        found["peak_memory_bytes"] = torch.cuda.max_memory_allocated(model.device)
    return found


def _read_ms(cache: LiveCache, prompt: Sequence[int]) -> float:
    cache.truncate(0)
    return timed_ms(cache.model.device, lambda: cache.model.logits(cache.sync(prompt, exact=True)[0]).argmax())


def _decode_ms(cache: LiveCache, prompt: Sequence[int], num_tokens: int) -> float:
    """Milliseconds a token, one token a pass, behind the prompt."""
    hidden, _ = cache.sync(prompt)
    params = DecodeParams(num_tokens + 1, frozenset())
    started = time.perf_counter()
    answer = decode(cache, hidden, params, accept=lambda *_: True)
    settle(cache.model.device)
    total_ms = (time.perf_counter() - started) * 1e3
    cache.truncate(len(prompt))
    return (total_ms - answer.first_token_ms) / num_tokens


def _typing_ms(
    cache: LiveCache, prompt: list[int], num_keys: int, chooser: random.Random
) -> tuple[list[float], list[float]]:
    """From a key typed in the last fifth of the prompt to the next token; those of the first keys apart."""
    cache.sync(prompt)
    cursor = len(prompt) * 4 // 5
    text = prompt[: len(prompt) - 2 * num_keys - 4]
    times: list[float] = []
    for number in range(2 * num_keys):
        at = cursor + number
        text = [*text[:at], chooser.randrange(1, cache.model.config.vocab_size), *text[at:]]
        refresh = [range(at, min(at + _AROUND_CURSOR // 2, len(text)))]

        def key(text: list[int] = text, refresh: list[range] = refresh) -> None:
            hidden, _ = cache.sync(text, refresh)
            int(cache.model.logits(hidden)[0].argmax())

        times.append(timed_ms(cache.model.device, key))
    return times[num_keys:], times[:num_keys]


def _bytes_a_token(model: Model, num_keys: int) -> float:
    """What decoding one token reads: the layers' weights, the output matrix, the keys and values of those before."""
    config = model.config
    size = torch.empty((), dtype=model.dtype).element_size()
    weights = (config.num_layer_parameters + config.vocab_size * config.d_model) * size
    return weights + 2 * config.num_layers * config.num_kv_heads * config.head_dim * size * num_keys


def exactness_figures(model: Model, prompt: Sequence[int], seed: int = 0) -> dict[str, Any]:
    """A live cache through edits against a fresh one, kernels against plain ones, drafts against single tokens.

    Largest differences of hidden states relative to the largest number there; `same_choice` of the next tokens.
    """
    chooser = random.Random(seed)
    text = list(prompt)
    capacity = len(text) + 256
    live, healed, same = LiveCache(model, capacity), [], []
    live.sync(text)
    for _ in range(6):
        at = chooser.randrange(len(text) // 4, len(text) - 40)
        new = [chooser.randrange(1, min(model.config.vocab_size, 500)) for _ in range(chooser.randrange(1, 12))]
        text = [*text[:at], *new, *text[at + chooser.randrange(0, 9) :]]
        edited, _ = live.sync(text, [range(len(text) - 32, len(text))])
        fresh, _ = LiveCache(model, capacity).sync(text, exact=True)
        same.append(_chosen(model, edited) == _chosen(model, fresh))
        while live.heal(512):
            pass
        live.check()
        again, _ = live.sync(text)
        healed.append(_difference(again, fresh))
    return {
        "healed_difference": round(max(healed), 5),
        "same_choice_unhealed": sum(same) / len(same),
        "attention_difference": round(_attention_difference(model), 5),
        "fixed_pass_difference": round(_fixed_pass_difference(model, text), 5),
        "draft_keeps_tokens": _draft_keeps_tokens(model, text),
    }


def _chosen(model: Model, hidden: Tensor) -> int:
    return int(model.logits(hidden)[0].argmax())


def _difference(found: Tensor, due: Tensor) -> float:
    return float((found.float() - due.float()).abs().max() / due.float().abs().max())


def _attention_difference(model: Model) -> float:
    """Runs as they attend, without a mask, against the same with one."""
    config, worst = model.config, 0.0
    generator = torch.Generator(model.device).manual_seed(1)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, device=model.device).to(model.dtype)

    for start, num_tokens in ((0, 7), (0, 200), (333, 1), (333, 64), (1000, 300)):
        q = drawn(num_tokens, config.num_heads, config.head_dim)
        k, v = (drawn(config.num_kv_heads, start + num_tokens, config.head_dim) for _ in range(2))
        slots = torch.arange(start, start + num_tokens, device=model.device)
        due = attend_masked(q.float(), k.float(), v.float(), visible_mask(slots, start + num_tokens, torch.float32))
        worst = max(worst, _difference(attend_run(q, k, v, start), due))
    return worst


def _fixed_pass_difference(model: Model, text: Sequence[int]) -> float:
    """Short passes as they run here (on an NVIDIA GPU recorded) against ordinary ones."""
    fixed, plain = (LiveCache(model, len(text) + 64) for _ in range(2))
    plain.fixed_passes = None
    for cache in (fixed, plain):
        cache.sync(text, exact=True)
    return max(_difference(fixed.extend(more), plain.extend(more)) for more in ([5], [6, 7, 8], list(range(9, 40))))


def _draft_keeps_tokens(model: Model, text: Sequence[int]) -> bool:
    """Whether tokens verified together are those that come one by one."""
    cache = LiveCache(model, len(text) + 64)
    hidden, _ = cache.sync(text, exact=True)
    answer = decode(cache, hidden, DecodeParams(16, frozenset()), accept=lambda *_: True).tokens
    cache.truncate(len(text))
    hidden, _ = cache.sync(text)
    together = cache.extend(answer[:-1])
    return [_chosen(model, row[None]) for row in torch.cat([hidden, together])] == answer
