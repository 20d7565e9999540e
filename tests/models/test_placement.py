"""Where a model runs, and what is tried next where memory does not hold it. The GPU and its memory are imagined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from codeassist.completion.session import Session, open_session
from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.decode import DecodeParams
from codeassist.engine.engine import Engine, PromptCache
from codeassist.engine.layers import model as module
from codeassist.errors import ModelError
from codeassist.models.placement import placements
from codeassist.models.registry import InstalledModel
from codeassist.settings import Settings
from codeassist.settings.sections import ModelSettings
from tests.engine.conftest import MakeModel, tiny
from tests.tiny_models import save_model

__all__ = ["tiny"]

CPU = torch.device("cpu")


def tried(wanted: ModelSettings, has_cuda: bool = True) -> list[tuple[str, str, int]]:
    return [(p.device, p.format, p.context_tokens) for p in placements(wanted, has_cuda=has_cuda, has_int8=True)]


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


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(ModelError, match="sees no GPU"):
        tried(ModelSettings(device="cuda"), has_cuda=False)
    with pytest.raises(ModelError, match="int8 weights do not run on cuda"):
        tried(ModelSettings(format="int8"))


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
