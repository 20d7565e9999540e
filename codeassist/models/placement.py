"""Where a model runs, in what format, with how large a window; and what to try next where memory does not hold it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from codeassist.errors import ModelError
from codeassist.settings.sections import ModelSettings

Format = Literal["int8", "bf16", "float32"]

_SMALLEST_WINDOW = 1024
"""Tokens. With less than that on a GPU, a CPU gives the better completions."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One way to run a model. `device` as torch spells it; `notice` says what the user did not get."""

    device: str
    format: Format
    context_tokens: int
    notice: str | None = None


def placements(wanted: ModelSettings, *, has_cuda: bool, has_mps: bool, has_int8: bool) -> Iterator[Placement]:
    """The ways to run a model, the wanted one first: on a GPU then with half and a quarter of the window, then on CPU.

    `has_mps`: Apple's GPU.

    Raises ModelError for a device that is not there and a format that does not run on it.
    """
    if wanted.device.startswith("cuda") and not has_cuda:
        raise ModelError(
            f"model.device is {wanted.device!r}, but torch sees no GPU; set it to auto (`codeassist docs install`)"
        )
    if wanted.device == "mps" and not has_mps:
        raise ModelError("model.device is 'mps', but torch sees no GPU of Apple's; set it to auto")
    found = "cuda" if has_cuda else "mps" if has_mps else "cpu"
    device = found if wanted.device == "auto" else wanted.device
    on_gpu = device != "cpu"
    if wanted.format == "int8" and (on_gpu or not has_int8):
        raise ModelError(f"int8 weights do not run on {device.partition(':')[0]} here; set model.format to auto")
    on_cpu: Format = "int8" if has_int8 else "float32"
    tokens = wanted.context_tokens
    if not on_gpu:
        yield Placement(device, on_cpu if wanted.format == "auto" else wanted.format, tokens)
        return
    format: Format = "bf16" if wanted.format == "auto" else wanted.format
    yield Placement(device, format, tokens)
    for smaller in (tokens // 2, tokens // 4):
        if smaller >= _SMALLEST_WINDOW:
            yield Placement(device, format, smaller, f"the GPU's memory holds {smaller} of {tokens} tokens of context")
    notice = "the GPU's memory does not hold the model: it runs on the CPU; a smaller one would run on the GPU"
    yield Placement("cpu", on_cpu, tokens, notice)
