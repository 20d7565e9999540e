"""A model written as a Hugging Face folder, from GGUF, from another folder, or converted: transformers is the oracle.

transformers runs what our readers made of a file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import torch

from codeassist.engine.configuration.families import FAMILIES, Activation, HfSwitch
from codeassist.engine.configuration.model_config import ModelConfig
from codeassist.engine.configuration.rope_scaling import (
    FrequencyFactors,
    LinearScaling,
    Llama3Scaling,
    RopeScaling,
    YarnScaling,
)
from codeassist.engine.loading.converted import MANIFEST_NAME, open_weights
from codeassist.engine.loading.safetensors_folder import hf_name
from codeassist.engine.loading.safetensors_writer import SafetensorsPlan, SafetensorsWriter, Stored
from codeassist.engine.loading.tensor_layout import model_tensors
from codeassist.engine.loading.weight_source import WeightSource
from codeassist.engine.loading.weights import check_shapes, check_space, open_source, read_in_pieces
from codeassist.errors import ModelError

ExportDtype = Literal["bfloat16", "float16", "float32"]

_DTYPES: dict[ExportDtype, torch.dtype] = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
}
_HF_ACTIVATIONS: dict[Activation, str] = {"silu": "silu", "gelu_tanh": "gelu_pytorch_tanh", "gelu": "gelu"}
_HF_CLASSES = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "mistral": "MistralForCausalLM",
    "starcoder2": "Starcoder2ForCausalLM",
}


class ConvertedSource:
    """A folder that `weights.prepare` made, read back part by part; int8 matrices are multiplied out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._weights = open_weights(path)
        self.config = self._weights.config
        # part name -> (canonical name, first row, name of its row scales)
        self._places: dict[str, tuple[str, int, str]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        for spec in model_tensors(self.config):
            first_row = 0
            for part in spec.parts:
                self._places[part.name] = (spec.name, first_row, spec.scale_name)
                self._shapes[part.name] = (part.num_rows, *spec.shape[1:])
                first_row += part.num_rows

    def part_shape(self, part: str) -> tuple[int, ...] | None:
        """The shape of a part, rows first."""
        return self._shapes.get(part)

    def read_rows(self, part: str, start: int, stop: int) -> torch.Tensor:
        """Rows [start, stop) of a part: (stop - start, cols) or (stop - start,) float32."""
        name, first_row, scale_name = self._places[part]
        rows = self._weights.get(name)[first_row + start : first_row + stop]
        if rows.dtype != torch.int8:
            return rows.float()
        return rows.float() * self._weights.get(scale_name)[first_row + start : first_row + stop, None]

    def tokenizer_files(self) -> dict[str, bytes]:
        """tokenizer.json and tokenizer_config.json as the conversion kept them."""
        names = ("tokenizer.json", "tokenizer_config.json")
        return {name: (self.path / name).read_bytes() for name in names if (self.path / name).exists()}


def export_hf_folder(model_path: Path, out_dir: Path, dtype: ExportDtype) -> None:
    """Write config.json, model.safetensors and the tokenizer into a folder, which must be empty or new.

    `model_path` is a GGUF file, a Hugging Face folder or a converted model. Raises ModelError.
    """
    is_converted = (model_path / MANIFEST_NAME).exists()
    source: WeightSource = ConvertedSource(model_path) if is_converted else open_source(model_path)
    config = source.config
    specs = list(model_tensors(config))
    check_shapes(source, specs)
    names = {part.name: hf_name(part.name, config.architecture) for spec in specs for part in spec.parts}
    plan = SafetensorsPlan(
        Stored(names[part.name], _DTYPES[dtype], (part.num_rows, *spec.shape[1:]))
        for spec in specs
        for part in spec.parts
    )
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        if any(out_dir.iterdir()):
            raise ModelError(f"{out_dir} is not empty; name a new folder to export into")
        check_space(out_dir, plan.size)
        with SafetensorsWriter(out_dir / "model.safetensors", plan) as writer:
            for spec in specs:
                for part in spec.parts:
                    for rows in read_in_pieces(source, part, spec.num_cols):
                        writer.write(names[part.name], rows.to(_DTYPES[dtype]))
        for name, content in source.tokenizer_files().items():
            (out_dir / name).write_bytes(content)
        ends = {"bos_token_id": config.bos_token_id, "eos_token_id": list(config.eos_token_ids)}
        (out_dir / "generation_config.json").write_text(json.dumps(ends, indent=1), encoding="utf-8")
        # config.json last: without it the folder is no model.
        text = json.dumps(hf_config(config) | {"torch_dtype": dtype}, indent=1)
        (out_dir / "config.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise ModelError(f"cannot write the model into {out_dir}: {error.strerror or error}") from error


def hf_config(config: ModelConfig) -> dict[str, Any]:
    """A config.json that transformers 4 and 5, vLLM and SGLang read."""
    rope = hf_rope(config.rope_scaling, config.max_positions)
    family = FAMILIES[config.architecture]
    switches = {
        part.key: is_there
        for part, is_there in (
            (family.qkv_bias, config.qkv_bias),
            (family.mlp_bias, config.mlp_bias),
            (family.sliding_window, config.sliding_window is not None),
        )
        if isinstance(part, HfSwitch)
    }
    return switches | {
        "architectures": [_HF_CLASSES[config.architecture]],
        "model_type": config.architecture,
        "hidden_size": config.d_model,
        "intermediate_size": config.d_ff,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "hidden_act": _HF_ACTIVATIONS[config.activation],
        "max_position_embeddings": config.max_positions,
        "max_window_layers": 0,
        "vocab_size": config.vocab_size,
        "rope_theta": config.rope_theta,
        "rope_scaling": None if config.rope_scaling is None else rope,
        "rope_parameters": rope | {"rope_theta": config.rope_theta},
        "tie_word_embeddings": config.tied_embeddings,
        "sliding_window": config.sliding_window,
        "bos_token_id": config.bos_token_id,
        "eos_token_id": config.eos_token_ids[0] if len(config.eos_token_ids) == 1 else list(config.eos_token_ids),
        family.hf_eps[0]: config.norm_eps,
    }


def hf_rope(scaling: RopeScaling | None, max_positions: int) -> dict[str, Any]:
    """A rope scaling in transformers' words, without `rope_theta`."""
    match scaling:
        case LinearScaling():
            return {"rope_type": "linear", "factor": scaling.factor}
        case Llama3Scaling():
            return {
                "rope_type": "llama3",
                "factor": scaling.factor,
                "low_freq_factor": scaling.low_freq_factor,
                "high_freq_factor": scaling.high_freq_factor,
                "original_max_position_embeddings": scaling.original_max_positions,
            }
        case YarnScaling():
            return {
                "rope_type": "yarn",
                "factor": scaling.factor,
                "original_max_position_embeddings": scaling.original_max_positions,
                "attention_factor": scaling.attention_factor,
                "beta_fast": scaling.beta_fast,
                "beta_slow": scaling.beta_slow,
                "truncate": scaling.truncate,
            }
        case FrequencyFactors():
            factors = list(scaling.factors)
            return {
                "rope_type": "longrope",
                "short_factor": factors,
                "long_factor": factors,
                "attention_factor": 1.0,
                "original_max_position_embeddings": max_positions,
            }
        case _:
            return {"rope_type": "default"}
