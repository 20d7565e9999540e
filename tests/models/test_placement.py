"""Where a model runs, and what is tried next where memory does not hold it. The GPU and its memory are imagined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from codeassist.completion.open_session import open_session
from codeassist.completion.session import Session
from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.decode import DecodeParams
from codeassist.engine.device_trial import try_model
from codeassist.engine.engine import Engine
from codeassist.engine.layers import model as module
from codeassist.engine.prompt_cache import PromptCache
from codeassist.errors import ModelError
from codeassist.models.placement import placements
from codeassist.models.registry import InstalledModel
from codeassist.settings import Settings
from codeassist.settings.sections import ModelSettings
from tests.engine.conftest import MakeModel, tiny
from tests.tiny_models import save_model

__all__ = ["tiny"]

CPU = torch.device("cpu")


def tried(wanted: ModelSettings, has_cuda: bool = True, has_mps: bool = False) -> list[tuple[str, str, int]]:
    found = placements(wanted, has_cuda=has_cuda, has_mps=has_mps, has_int8=True)
    return [(p.device, p.format, p.context_tokens) for p in found]


def test_the_wanted_place_is_first_and_the_cpu_last() -> None:
    wanted = ModelSettings(context_tokens=8192)
    assert tried(wanted) == [
        ("cuda", "bf16", 8192),
        ("cuda", "bf16", 4096),
        ("cuda", "bf16", 2048),
        ("cpu", "int8", 8192),
    ]
    assert tried(wanted, has_cuda=False) == [("cpu", "int8", 8192)]
    assert tried(replace(wanted, device="cpu", format="bf16")) == [("cpu", "bf16", 8192)]
    assert tried(replace(wanted, device="cuda:1", context_tokens=1500))[0] == ("cuda:1", "bf16", 1500)
    assert len(tried(replace(wanted, context_tokens=1500))) == 2, "half of that is not worth it"
    assert tried(wanted, has_mps=True)[0] == ("cuda", "bf16", 8192)
    found = tried(wanted, has_cuda=False, has_mps=True)
    assert (found[0], found[-1]) == (("mps", "bf16", 8192), ("cpu", "int8", 8192))
    assert tried(replace(wanted, device="cpu"), has_mps=True) == [("cpu", "int8", 8192)]


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(ModelError, match="sees no GPU"):
        tried(ModelSettings(device="cuda"), has_cuda=False)
    with pytest.raises(ModelError, match="int8 weights do not run on cuda"):
        tried(ModelSettings(format="int8"))
    with pytest.raises(ModelError, match="no GPU of Apple's"):
        tried(ModelSettings(device="mps"))
    with pytest.raises(ModelError, match="int8 weights do not run on mps"):
        tried(ModelSettings(device="mps", format="int8"), has_mps=True)


@pytest.fixture
def open_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Session]:
    """Open a session where a GPU holds so many tokens of context."""
    folder = tmp_path / "model"
    save_model(folder, "qwen2", "plain", max_position_embeddings=8192)
    real = module.Model

    class OnImaginedGPU(real):
        most = 0

        def __init__(self, weights: object, device: torch.device, max_positions: int) -> None:
            if device.type == "cuda" and max_positions > self.most:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
            super().__init__(weights, CPU, max_positions)  # type: ignore[arg-type]

    def open_it(most: int) -> Session:
        OnImaginedGPU.most = most
        defaults = Settings()
        settings = replace(
            defaults,
            model=replace(defaults.model, context_tokens=4096, format="float32"),
            places=replace(defaults.places, cache=tmp_path / "cache"),
        )
        return open_session(settings, InstalledModel("tiny", folder, "0" * 64, "safetensors"))

    monkeypatch.setattr(module, "Model", OnImaginedGPU)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    return open_it


@pytest.mark.parametrize(
    ("most", "tokens", "notice"),
    [(9000, 4096, None), (3000, 2048, "holds 2048 of 4096"), (0, 4096, "it runs on the CPU")],
)
def test_a_full_gpu_gets_a_smaller_window_then_the_cpu_takes_over(
    open_with: Callable[[int], Session], most: int, tokens: int, notice: str | None
) -> None:
    session = open_with(most)
    assert session.prompter.budget.total == tokens
    said = [each for each in session.notices if "GPU" in each]
    assert (len(said) == 1 and notice in said[0]) if notice is not None else not said


def test_memory_that_runs_out_later_costs_the_caches_and_not_the_answer(
    tiny: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(tiny("qwen2")[0], max_tokens=128, memory_bytes=1 << 30)
    params = DecodeParams(4, frozenset())

    a, b = engine.open("a.py"), engine.open("b.py")

    def complete(cache: PromptCache) -> list[int]:
        return engine.generate(cache, list(range(40)), params, accept=lambda *_: True).decoded.tokens

    wanted = complete(a)
    real, failures = LiveCache.sync, [1]

    def sync(self: LiveCache, *args: object, **more: object) -> object:
        if failures:
            failures.pop()
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(LiveCache, "sync", sync)
    assert complete(b) == wanted
    assert engine.held == (b,)
    failures.extend([1, 1])
    with pytest.raises(ModelError, match=r"lower model\.context_tokens"):
        complete(b)
    assert complete(b) == wanted


@pytest.mark.parametrize("device", ["auto", "mps"])
def test_a_gpu_that_lacks_an_operation_is_left_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    folder = tmp_path / "model"
    save_model(folder, "qwen2", "plain", max_position_embeddings=1024)
    real = module.Model
    places: list[str] = []

    class OnImaginedGPU(real):
        def __init__(self, weights: object, device: torch.device, max_positions: int) -> None:
            places.append(device.type)
            super().__init__(weights, CPU, max_positions)  # type: ignore[arg-type]

        def logits(self, hidden: torch.Tensor) -> torch.Tensor:
            if places[-1] == "mps":
                raise NotImplementedError("The operator 'aten::imagined' is not implemented for the MPS device.\nMore")
            return super().logits(hidden)

    monkeypatch.setattr(module, "Model", OnImaginedGPU)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    defaults = Settings()
    settings = replace(
        defaults,
        model=replace(defaults.model, device=device, context_tokens=512, format="float32"),
        places=replace(defaults.places, cache=tmp_path / "cache"),
    )
    installed = InstalledModel("tiny", folder, "0" * 64, "safetensors")
    if device == "mps":
        with pytest.raises(ModelError, match=r"aten::imagined.* for the MPS device"):
            open_session(settings, installed)
        assert places == ["mps"]
        return
    session = open_session(settings, installed)
    assert places == ["mps", "cpu"]
    (notice,) = [each for each in session.notices if "GPU" in each]
    assert "aten::imagined" in notice and "\n" not in notice


@pytest.mark.parametrize("family", ["llama", "qwen3", "starcoder2"])
def test_what_runs_passes_the_trial(tiny: MakeModel, family: str) -> None:
    try_model(tiny(family)[0])
