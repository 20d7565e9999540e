"""A stage of training on disk: what the model and the optimiser held after so many steps, in safetensors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from codeassist_eval.errors import EvaluationError


@dataclass(frozen=True, slots=True)
class State:
    """Where a stage stands: after so many steps, what the model and the optimiser hold."""

    step: int
    model: dict[str, Any]
    optimiser: dict[str, Any]


def save_state(path: Path, state: State) -> None:
    """Write a state; the file is there whole or not at all."""
    tensors = {f"model/{name}": tensor for name, tensor in state.model.items()}
    for number, kept in state.optimiser["state"].items():
        tensors.update({f"optimiser/{number}/{name}": torch.as_tensor(value) for name, value in kept.items()})
    described = {"step": state.step, "groups": state.optimiser["param_groups"]}
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(save(tensors, {"state": json.dumps(described)}))
        partial.replace(path)
    except OSError as error:
        raise EvaluationError(
            f"{path}: cannot be written ({error.strerror}); name another folder with --out"
        ) from error


def load_state(path: Path) -> State | None:
    """Read a state; None where none was written."""
    if not path.exists():
        return None
    model: dict[str, Any] = {}
    kept: dict[int, dict[str, Any]] = {}
    try:
        with safe_open(path, "pt") as file:
            described = json.loads((file.metadata() or {})["state"])
            for key in file.keys():  # noqa: SIM118 — no dictionary
                tensor = file.get_tensor(key)
                kind, _, name = key.partition("/")
                if kind == "model":
                    model[name] = tensor
                else:
                    number, _, name = name.partition("/")
                    kept.setdefault(int(number), {})[name] = tensor
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise EvaluationError(f"{path}: not a state of training ({error}); delete it to begin anew") from error
    return State(described["step"], model, {"state": kept, "param_groups": described["groups"]})
