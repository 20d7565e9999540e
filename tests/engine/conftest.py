"""Tiny converted models for the engine's tests; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from codeassist.engine.layers.model import Model
from codeassist.engine.loading.weights import WeightFormat, open_weights, prepare
from tests.tiny_models import save_model

torch.set_num_threads(1)  # tiny matrices: a second thread only waits for the first

CPU = torch.device("cpu")
MakeModel = Callable[..., tuple[Model, PreTrainedModel]]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """make(family, rope="plain", weight_format="float32", device=cpu, **config) -> (ours, transformers')."""
    made: dict[object, tuple[Path, PreTrainedModel]] = {}

    def make(
        family: str,
        rope: str = "plain",
        weight_format: WeightFormat = "float32",
        device: torch.device = CPU,
        **overrides: object,
    ) -> tuple[Model, PreTrainedModel]:
        key = (family, rope, *sorted(overrides.items()))
        if key not in made:
            folder = tmp_path_factory.mktemp(f"{family}-{rope}")
            made[key] = (folder, save_model(folder, family, rope, **overrides))
        folder, theirs = made[key]
        converted = prepare(folder, weight_format, folder / "cache", f"{hash(key):064x}"[-64:], lambda *_: None)
        return Model(open_weights(converted), device, max_positions=256), theirs

    return make
