"""A model as a Hugging Face folder, for transformers, vLLM and SGLang; from GGUF, from another folder, or converted.

Knows no forward pass. The tests use it as their oracle: transformers runs what our readers made of a file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import torch

from codeassist.engine.loading.converted import MANIFEST_NAME, open_weights
from codeassist.engine.loading.safetensors_folder import hf_name
from codeassist.engine.loading.safetensors_writer import SafetensorsPlan, SafetensorsWriter, Stored
from codeassist.engine.loading.tensor_layout import model_tensors
from codeassist.engine.loading.weights import WeightSource, check_shapes, check_space, open_source, read_in_pieces
from codeassist.errors import ModelError

ExportDtype = Literal["bfloat16", "float16", "float32"]

_DTYPES: dict[ExportDtype, torch.dtype] = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
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
        text = json.dumps(config.to_hf() | {"torch_dtype": dtype}, indent=1)
        (out_dir / "config.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise ModelError(f"cannot write the model into {out_dir}: {error.strerror or error}") from error
