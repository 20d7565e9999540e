"""Conversion of models: the same numbers in canonical order, whole or not at all, clear words for what is damaged."""

from __future__ import annotations

import errno
import os
import random
import shutil
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from codeassist.engine.configuration.rope_scaling import FrequencyFactors
from codeassist.engine.loading import weights
from codeassist.engine.loading.gguf_file import GgufFile
from codeassist.engine.loading.tensor_layout import model_tensors
from codeassist.engine.loading.weights import WeightFormat, Weights, open_source, open_weights, prepare, quantise_rows
from codeassist.errors import ModelError
from tests.tiny_models import FAMILIES, build_model, save_gguf, save_model

SHA = "0123456789abcdef" * 4


def convert(model_path: Path, cache_dir: Path, weight_format: WeightFormat = "float32") -> Weights:
    return open_weights(prepare(model_path, weight_format, cache_dir, SHA, lambda done, total: None))


def expected_tensors(family: str, model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The canonical tensors, stacked here by hand from transformers' own."""
    theirs = model.state_dict()
    ours = {"embed": theirs["model.embed_tokens.weight"], "norm.weight": theirs["model.norm.weight"]}
    if not model.config.tie_word_embeddings:
        ours["head"] = theirs["lm_head.weight"]
    if family == "starcoder2":
        ours["norm.bias"] = theirs["model.norm.bias"]
    for i in range(model.config.num_hidden_layers):
        layer = {k.removeprefix(f"model.layers.{i}."): v for k, v in theirs.items() if f".layers.{i}." in k}
        renamed: dict[str, list[str]] = {
            "attn_norm": ["input_layernorm"],
            "mlp_norm": ["post_attention_layernorm"],
            "q_norm": ["self_attn.q_norm"],
            "k_norm": ["self_attn.k_norm"],
            "qkv": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
            "o": ["self_attn.o_proj"],
            "gate_up": ["mlp.gate_proj", "mlp.up_proj"],
            "up": ["mlp.c_fc"],
            "down": ["mlp.down_proj" if family != "starcoder2" else "mlp.c_proj"],
        }
        for name, parts in renamed.items():
            for suffix in ("weight", "bias"):
                if f"{parts[0]}.{suffix}" in layer:
                    ours[f"layers.{i}.{name}.{suffix}"] = torch.cat([layer[f"{part}.{suffix}"] for part in parts])
    return ours


def assert_same(converted: Weights, expected: dict[str, torch.Tensor]) -> None:
    assert converted.names == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(converted.get(name), tensor), name


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("qwen2")
    save_model(folder, "qwen2")
    return folder


@pytest.fixture(scope="module")
def qwen_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "qwen2.gguf"
    save_gguf(path, "qwen2", build_model("qwen2"))
    return path


@pytest.mark.parametrize("family", FAMILIES)
def test_safetensors_and_gguf_give_the_same_tensors(family: str, tmp_path: Path) -> None:
    model = save_model(tmp_path / "hf", family)
    save_gguf(tmp_path / "m.gguf", family, model)
    expected = expected_tensors(family, model)
    from_folder = convert(tmp_path / "hf", tmp_path / "cache")
    assert_same(from_folder, expected)
    assert_same(convert(tmp_path / "m.gguf", tmp_path / "cache2"), expected)
    assert {spec.name: spec.shape for spec in model_tensors(from_folder.config)} == {
        name: tuple(tensor.shape) for name, tensor in expected.items()
    }


@pytest.mark.parametrize(
    ("family", "overrides"),
    [
        ("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
        ("llama", {"head_dim": 32, "num_key_value_heads": 4}),
        ("qwen3", {"attention_bias": True}),
        ("starcoder2", {"use_bias": False, "tie_word_embeddings": False}),
    ],
)
def test_unusual_members_of_a_family(family: str, overrides: dict[str, Any], tmp_path: Path) -> None:
    model = save_model(tmp_path / "hf", family, **overrides)
    expected = expected_tensors(family, model)
    assert_same(convert(tmp_path / "hf", tmp_path / "cache"), expected)


def test_gguf_vectors_of_permuted_projections(tmp_path: Path) -> None:
    model = build_model("llama", attention_bias=True)
    save_gguf(tmp_path / "m.gguf", "llama", model)
    assert_same(convert(tmp_path / "m.gguf", tmp_path / "cache"), expected_tensors("llama", model))


def test_shards(tmp_path: Path) -> None:
    model = save_model(tmp_path / "hf", "qwen2")
    (tmp_path / "hf" / "model.safetensors").unlink()
    model.save_pretrained(tmp_path / "hf", max_shard_size="100KB")
    shards = list((tmp_path / "hf").glob("model-*.safetensors"))
    assert len(shards) > 2
    assert_same(convert(tmp_path / "hf", tmp_path / "cache"), expected_tensors("qwen2", model))
    shards[0].unlink()
    with pytest.raises(ModelError, match=shards[0].name):
        convert(tmp_path / "hf", tmp_path / "cache2")


def test_int8_is_nearest_and_symmetric(tmp_path: Path) -> None:
    model = save_model(tmp_path / "hf", "qwen2")
    converted = convert(tmp_path / "hf", tmp_path / "cache", "int8")
    for name, wanted in expected_tensors("qwen2", model).items():
        found = converted.get(name)
        if wanted.ndim == 1:
            assert torch.equal(found, wanted) and found.dtype == torch.float32
            continue
        scale = converted.get(name.removesuffix(".weight") + ".scale")
        assert found.dtype == torch.int8 and scale.shape == wanted.shape[:1]
        assert torch.equal(scale, wanted.abs().amax(dim=1) / 127)
        assert ((found.float() * scale[:, None] - wanted).abs() <= scale[:, None] * 0.5001).all()
    assert len(converted.names) == len(expected_tensors("qwen2", model)) + 2 + 4 * 2


def test_rows_of_zeros_stay_zeros() -> None:
    quantised, scale = quantise_rows(torch.tensor([[0.0, 0.0], [1.0, -2.0], [1e-39, 0.0]]))
    assert quantised[0].tolist() == [0, 0] and quantised[1].tolist() == [64, -127]
    assert torch.isfinite(quantised.float() * scale[:, None]).all()


def test_bf16_rounds_matrices_only(tmp_path: Path) -> None:
    model = save_model(tmp_path / "hf", "llama")
    converted = convert(tmp_path / "hf", tmp_path / "cache", "bf16")
    for name, wanted in expected_tensors("llama", model).items():
        assert torch.equal(converted.get(name), wanted if wanted.ndim == 1 else wanted.bfloat16())


@pytest.mark.parametrize("kind", ["F16", "BF16", "Q8_0", "Q5_0", "Q5_1", "Q4_0", "Q4_1"])
def test_gguf_block_formats(kind: str, tmp_path: Path) -> None:
    model = build_model("llama")
    save_gguf(tmp_path / "m.gguf", "llama", model, kind)
    reader = {tensor.name: tensor for tensor in gguf.GGUFReader(tmp_path / "m.gguf").tensors}
    converted = convert(tmp_path / "m.gguf", tmp_path / "cache")
    wanted = expected_tensors("llama", model)
    for ours, theirs in (("embed", "token_embd.weight"), ("layers.1.o.weight", "blk.1.attn_output.weight")):
        values = gguf.quants.dequantize(reader[theirs].data, reader[theirs].tensor_type)
        assert torch.equal(converted.get(ours), torch.as_tensor(values))
    for name in wanted:
        assert (converted.get(name) - wanted[name]).abs().max() < 0.08, name


def test_header_equals_the_gguf_package_s_reader(qwen_gguf: Path) -> None:
    reader = gguf.GGUFReader(qwen_gguf)
    ours = GgufFile(qwen_gguf).metadata
    theirs = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    assert ours == theirs


def test_frequency_factors_of_a_gguf_file(tmp_path: Path) -> None:
    factors = torch.linspace(1, 8, 8)
    save_gguf(tmp_path / "m.gguf", "llama", build_model("llama"), extra={"rope_freqs.weight": factors})
    scaling = convert(tmp_path / "m.gguf", tmp_path / "cache").config.rope_scaling
    assert scaling == FrequencyFactors(tuple(factors.tolist()))
    save_gguf(tmp_path / "bad.gguf", "llama", build_model("llama"), extra={"rope_freqs.weight": factors[:5]})
    with pytest.raises(ModelError, match=r"rope_freqs\.weight"):
        GgufFile(tmp_path / "bad.gguf")


def test_a_second_start_reads_nothing_of_the_source(qwen: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    folder = prepare(qwen, "int8", tmp_path, SHA, lambda done, total: calls.append((done, total)))
    assert calls[-1][0] == calls[-1][1] == (folder / "weights.safetensors").stat().st_size
    assert calls == sorted(calls)
    assert (
        prepare(tmp_path / "gone", "int8", tmp_path, SHA, lambda done, total: pytest.fail("converted again")) == folder
    )
    assert folder.name == f"{SHA[:16]}-int8-v2"
    assert {path.name for path in folder.iterdir()} == {
        *("config.json", "manifest.json", "tokenizer.json", "tokenizer_config.json", "weights.safetensors")
    }
    assert load_file(folder / "weights.safetensors").keys() == open_weights(folder).names  # the library agrees


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _overwrite_start(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(20)
        file.write(b"\0")


@pytest.mark.parametrize("damage", [_cut, _overwrite_start, Path.unlink])
@pytest.mark.parametrize("name", ["weights.safetensors", "config.json", "tokenizer.json", "manifest.json"])
def test_a_damaged_conversion_is_made_again(
    name: str, damage: Callable[[Path], None], qwen: Path, tmp_path: Path
) -> None:
    folder = prepare(qwen, "int8", tmp_path, SHA, lambda done, total: None)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    damage(folder / name)
    assert prepare(qwen, "int8", tmp_path, SHA, lambda done, total: None) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_another_source_with_the_same_first_digits_is_not_taken_for_it(qwen: Path, tmp_path: Path) -> None:
    prepare(qwen, "int8", tmp_path, SHA, lambda done, total: None)
    with pytest.raises(ModelError, match="no model"):
        prepare(tmp_path / "gone", "int8", tmp_path, SHA[:32] + "f" * 32, lambda done, total: None)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, OSError(errno.ENOSPC, "No space left on device")])
def test_an_interrupted_conversion_leaves_nothing(
    error: BaseException | type[BaseException], qwen: Path, tmp_path: Path
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > total / 2:
            raise error

    expected: Any = ModelError if isinstance(error, OSError) else error
    with pytest.raises(expected):
        prepare(qwen, "bf16", tmp_path / "cache", SHA, interrupt)
    assert list((tmp_path / "cache").iterdir()) == []
    convert(qwen, tmp_path / "cache", "bf16")


def test_no_space(qwen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, 1))
    with pytest.raises(ModelError, match="free some space"):
        convert(qwen, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_written(qwen: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="cannot write"):
        convert(qwen, tmp_path / "file" / "cache")


def test_several_at_once(qwen: Path, tmp_path: Path) -> None:
    barrier = threading.Barrier(4)
    folders: list[Path] = []

    def start() -> None:
        barrier.wait()
        folders.append(prepare(qwen, "int8", tmp_path, SHA, lambda done, total: None))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(folders)) == 1 and len(folders) == 4
    assert [path.name for path in tmp_path.iterdir()] == [folders[0].name]
    open_weights(folders[0])


def test_what_a_killed_process_left_is_swept(qwen: Path, tmp_path: Path) -> None:
    gone, young = tmp_path / f".{'0' * 16}-int8-v2.999999999-ab", tmp_path / f".{'0' * 16}-int8-v2.999999998-ab"
    ours = tmp_path / f".{'0' * 16}-int8-v2.{os.getpid()}-ab"
    for folder in (gone, young, ours):
        folder.mkdir()
        (folder / "weights.safetensors").write_bytes(b"half")
    for folder in (gone, ours):
        for path in (folder / "weights.safetensors", folder):
            os.utime(path, (time.time() - 3600,) * 2)
    vanished = tmp_path / f".{'0' * 16}-int8-v2.999999997-ab"  # listed, and gone when it is looked at
    vanished.symlink_to(tmp_path / "nowhere")
    of_earlier_versions = tmp_path / f"{'a' * 16}-int8-v1"
    of_earlier_versions.mkdir()
    (of_earlier_versions / "weights.safetensors").write_bytes(b"large, and read by nobody")
    another = tmp_path / "notes-int8-v1"
    another.mkdir()
    converted = prepare(qwen, "int8", tmp_path, SHA, lambda done, total: None)
    assert set(tmp_path.iterdir()) == {young, ours, vanished, another, converted}


def test_numbers_that_are_none_are_named(tmp_path: Path) -> None:
    save_model(tmp_path / "hf", "qwen2")
    tensors = load_file(tmp_path / "hf" / "model.safetensors")
    for bad in (float("nan"), float("inf"), float("-inf")):
        tensors["model.layers.1.mlp.up_proj.weight"][3, 5] = bad
        save_file(tensors, tmp_path / "hf" / "model.safetensors")
        for weight_format in ("int8", "bf16", "float32"):
            with pytest.raises(ModelError, match=r"layers\.1\.up\.weight.*NaN or infinity"):
                convert(tmp_path / "hf", tmp_path / "cache", weight_format)
    assert list((tmp_path / "cache").iterdir()) == []


def test_tensors_that_do_not_fit_are_named(tmp_path: Path) -> None:
    save_model(tmp_path / "hf", "qwen2")
    path = tmp_path / "hf" / "model.safetensors"
    tensors = load_file(path)
    save_file({k: v for k, v in tensors.items() if "layers.1.self_attn.k_proj.bias" not in k}, path)
    with pytest.raises(ModelError, match=r"no tensor 'layers\.1\.k\.bias'"):
        convert(tmp_path / "hf", tmp_path / "cache")
    save_file(tensors | {"model.norm.weight": torch.ones(63)}, path)
    with pytest.raises(ModelError, match=r"'norm\.weight' is \(63,\)"):
        convert(tmp_path / "hf", tmp_path / "cache")
    save_file(tensors | {"model.norm.weight": torch.ones(64, dtype=torch.int8)}, path)
    with pytest.raises(ModelError, match="I8"):
        convert(tmp_path / "hf", tmp_path / "cache")


def test_folders_that_are_no_models(tmp_path: Path) -> None:
    save_model(tmp_path / "hf", "qwen2")
    weights_path = tmp_path / "hf" / "model.safetensors"
    whole = weights_path.read_bytes()
    weights_path.write_bytes(whole[:1000])
    with pytest.raises(ModelError, match="fetch it again"):
        open_source(tmp_path / "hf")
    weights_path.unlink()
    with pytest.raises(ModelError, match=r"no model\.safetensors"):
        open_source(tmp_path / "hf")
    (tmp_path / "hf" / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelError, match="pickle"):
        open_source(tmp_path / "hf")
    (tmp_path / "hf" / "model.safetensors.index.json").write_text('{"weight_map": {"x": "../x.safetensors"}}')
    with pytest.raises(ModelError, match="trusted"):
        open_source(tmp_path / "hf")
    (tmp_path / "hf" / "config.json").write_text("[]")
    with pytest.raises(ModelError, match="JSON object"):
        open_source(tmp_path / "hf")
    (tmp_path / "m.pt").write_bytes(b"pickle")
    for path in (tmp_path / "m.pt", tmp_path / "nothing", tmp_path / "empty.gguf"):
        if path.suffix == ".gguf":
            path.touch()
        with pytest.raises(ModelError):
            open_source(path)


def test_a_folder_without_a_fast_tokenizer_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path / "hf", "qwen2")
    (tmp_path / "hf" / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        convert(tmp_path / "hf", tmp_path / "cache")


def test_truncated_gguf_files(qwen_gguf: Path, tmp_path: Path) -> None:
    seed = 7
    whole = qwen_gguf.read_bytes()
    path = tmp_path / "cut.gguf"
    for length in [*random.Random(seed).sample(range(len(whole)), 60), 0, 4, 23, 24, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError) as caught:
            GgufFile(path)
        assert "\n" not in str(caught.value), (seed, length)


def test_tampered_gguf_headers_never_break_out(qwen_gguf: Path, tmp_path: Path) -> None:
    """Whatever stands in the header: a model or a ModelError, soon."""
    seed = 11
    rng = random.Random(seed)
    whole = qwen_gguf.read_bytes()
    header_size = whole.index(b"output_norm.weight") + 60
    path = tmp_path / "tampered.gguf"
    for round_idx in range(250):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            offset = rng.randrange(min(header_size, 600) if round_idx % 2 else header_size)
            value = rng.choice([b"\xff" * 8, struct.pack("<Q", 2**40), bytes([rng.randrange(256)])])
            data[offset : offset + len(value)] = value
        path.write_bytes(data)
        try:
            GgufFile(path).tokenizer_files()
        except ModelError as error:
            assert "\n" not in str(error), (seed, round_idx)


def test_pieces_of_split_gguf_models_are_named(tmp_path: Path, qwen_gguf: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "a-00001-of-00002.gguf", "qwen2")
    writer.add_uint16("split.count", 2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelError, match="llama-gguf-split"):
        GgufFile(tmp_path / "a-00001-of-00002.gguf")
