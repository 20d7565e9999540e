"""A Hugging Face folder: config.json and safetensors files, whole or sharded, as float32 rows under our part names.

Runs no code from the folder and reads no pickle.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from codeassist.engine.configuration.families import family_of
from codeassist.engine.configuration.model_config import ModelConfig, token_ids
from codeassist.engine.loading.tensor_layout import pairs_to_halves, rows_before, rows_of
from codeassist.errors import ModelError
from codeassist.json_object import read_json_object
from codeassist.model_files import read_bounded

_OUTSIDE = {
    "embed": "model.embed_tokens.weight",
    "head": "lm_head.weight",
    "norm.weight": "model.norm.weight",
    "norm.bias": "model.norm.bias",
}
_IN_LAYER = {
    "attn_norm": "input_layernorm",
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "q_norm": "self_attn.q_norm",
    "k_norm": "self_attn.k_norm",
    "o": "self_attn.o_proj",
    "mlp_norm": "post_attention_layernorm",
    "attn_post_norm": "post_attention_norm",
    "mlp_post_norm": "post_feedforward_norm",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}
_FLOATS = ("F64", "F32", "F16", "BF16")


def hf_name(part: str, architecture: str) -> str:
    """`layers.0.q.weight` -> `model.layers.0.self_attn.q_proj.weight`."""
    match = re.fullmatch(r"layers\.(\d+)\.(\w+)\.(weight|bias)", part)
    if match is None:
        return _OUTSIDE[part]
    name = family_of(architecture).hf_layer_names.get(match[2], _IN_LAYER[match[2]])
    return f"model.layers.{match[1]}.{name}.{match[3]}"


class SafetensorsFolder:
    """An open Hugging Face folder. Raises ModelError for a file that is missing, cut short or not what it should be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        config = read_json_object(path / "config.json")
        # Chat models list further end tokens only here.
        generation = path / "generation_config.json"
        ends = read_json_object(generation).get("eos_token_id") if generation.exists() else None
        both = [*token_ids(config.get("eos_token_id")), *token_ids(ends)]
        self.config = ModelConfig.from_hf(config | {"eos_token_id": both})
        self._family = family_of(self.config.architecture)
        self._files: dict[str, Any] = {}  # tensor name -> the open file that holds it
        for file_path in _weight_files(path):
            try:
                file: Any = safe_open(file_path, framework="pt")
            except (OSError, SafetensorError) as error:
                raise ModelError(f"{file_path} is not a whole safetensors file ({error}); fetch it again") from error
            self._files |= dict.fromkeys(file.keys(), file)

    def part_shape(self, part: str) -> tuple[int, ...] | None:
        """The shape of a part, rows first; None when the folder has no such tensor."""
        name = hf_name(part, self.config.architecture)
        if name not in self._files:
            return None
        tensor = self._files[name].get_slice(name)
        if tensor.get_dtype() not in _FLOATS:
            raise ModelError(f"{self.path}: {name} is {tensor.get_dtype()}; only plain floats are read ({_FLOATS})")
        shape = tuple(tensor.get_shape())
        kind = _kind(part)
        shared = rows_before(self.config, self._family.hf_layer_names, kind)
        return shape if shared is None or shape[0] != shared[1] else (rows_of(self.config, kind) or 0, *shape[1:])

    def read_rows(self, part: str, start: int, stop: int) -> torch.Tensor:
        """Rows [start, stop) of a part: (stop - start, cols) or (stop - start,) float32 on the CPU."""
        name, kind = hf_name(part, self.config.architecture), _kind(part)
        first, _ = rows_before(self.config, self._family.hf_layer_names, kind) or (0, 0)
        tensor = self._files[name].get_slice(name)
        if self._family.hf_rotates_pairs and kind in ("q", "k"):
            whole = tensor[first : first + (rows_of(self.config, kind) or 0)]
            return whole[pairs_to_halves(self.config, start, stop)].float()
        rows: torch.Tensor = tensor[first + start : first + stop].float()
        return rows + self._family.hf_norm_offset if "norm" in kind else rows

    def tokenizer_files(self) -> dict[str, bytes]:
        """tokenizer.json and tokenizer_config.json as they are."""
        if not (self.path / "tokenizer.json").exists():
            raise ModelError(f"{self.path} has no tokenizer.json; save it with transformers' AutoTokenizer first")
        names = ("tokenizer.json", "tokenizer_config.json")
        return {name: read_bounded(self.path / name) for name in names if (self.path / name).exists()}


def _kind(part: str) -> str:
    return part.split(".")[2] if part.startswith("layers.") else part.partition(".")[0]


def _weight_files(folder: Path) -> list[Path]:
    index, single = folder / "model.safetensors.index.json", folder / "model.safetensors"
    if index.exists():
        names = sorted({str(name) for name in read_json_object(index).get("weight_map", {}).values()})
        if any(Path(name).name != name for name in names):
            raise ModelError(f"{index} names files outside of its folder; it is not to be trusted")
        missing = [name for name in names if not (folder / name).exists()]
        if missing or not names:
            raise ModelError(f"{folder} lacks {', '.join(missing) or 'its weights'}; fetch the model again")
        return [folder / name for name in names]
    if single.exists():
        return [single]
    pickles = [path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pth", ".ckpt", ".pkl")]
    if pickles:
        raise ModelError(
            f"{folder} holds only pickled weights ({pickles[0]}); they can run code, take safetensors or GGUF"
        )
    raise ModelError(f"{folder} holds no model.safetensors; name a folder with one, or a GGUF file")
