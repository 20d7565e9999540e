"""Model files that a stranger wrote: a model or one clear error, exit code 4, soon, and in little memory."""

from __future__ import annotations

import contextlib
import json
import random
import resource
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codeassist.cli.app import run
from codeassist.engine.loading.weights import open_source, open_weights, prepare
from codeassist.errors import ModelError
from codeassist.tokenization.tokens import Tokenizer
from tests.tiny_models import build_model, save_gguf, save_model

SEED = 20261130
SHA = "0123456789abcdef" * 4
_MOST_KIB = 400 << 10
_ROUNDS = 500
DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("qwen2")
    save_model(path, "qwen2")
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "qwen2.gguf"
    save_gguf(path, "qwen2", build_model("qwen2"), "Q8_0")
    return path


def config(**values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return change


def text(name: str, content: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_text(content)

    return change


def tokenizer(change: Callable[[Any], None]) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        path = folder / "tokenizer.json"
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))

    return rewrite


def cut(name: str, length: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:length])

    return change


def header(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """Rewrite the header of the safetensors file; the numbers stay."""

    def rewrite(folder: Path) -> None:
        path = folder / "model.safetensors"
        data = path.read_bytes()
        (size,) = struct.unpack("<Q", data[:8])
        value = json.loads(data[8 : 8 + size])
        change(value)
        written = json.dumps(value).encode()
        path.write_bytes(struct.pack("<Q", len(written)) + written + data[8 + size :])

    return rewrite


def _embed(value: dict[str, Any]) -> dict[str, Any]:
    return value["model.embed_tokens.weight"]


FOLDERS: dict[str, Callable[[Path], None]] = {
    "nested config": text("config.json", DEEP),
    "nested in config": text("config.json", '{"model_type": "qwen2", "rope_scaling": ' + DEEP + "}"),
    "nested tokenizer": text("tokenizer.json", DEEP),
    "nested tokenizer settings": text("tokenizer_config.json", DEEP),
    "nested generation": text("generation_config.json", DEEP),
    "nested index": text("model.safetensors.index.json", DEEP),
    "index of a list": text("model.safetensors.index.json", '{"weight_map": []}'),
    "a long number": text("config.json", '{"hidden_size": ' + "9" * 10_000 + "}"),
    "not text": text("config.json", "\x00\x00\x00"),
    "billions of layers": config(num_hidden_layers=2**31 - 1),
    "layers beyond all": config(num_hidden_layers=10**30),
    "half a layer": config(num_hidden_layers=0.5),
    "huge vectors": config(hidden_size=2**31 - 2),
    "huge heads": config(head_dim=2**31 - 2),
    "many heads": config(num_attention_heads=2**30, num_key_value_heads=2**30),
    "huge inside": config(intermediate_size=2**31 - 1),
    "huge vocabulary": config(vocab_size=2**31 - 1),
    "small vocabulary": config(vocab_size=3),
    "no eps": config(rms_norm_eps=[1]),
    "ends of words": config(eos_token_id={"a": 1}),
    "scaling as a list": config(rope_parameters=[1, 2, 3]),
    "scaling of text": config(rope_parameters={"rope_type": "yarn", "factor": {"a": 1}}),
    "quantised, in a word": config(quantization_config="gptq"),
    "activation of a megabyte": config(hidden_act="x" * 1_000_000),
    "tokens beyond the model": tokenizer(lambda value: value["model"]["vocab"].update(strange=2**31)),
    "tokens below": tokenizer(lambda value: value["model"]["vocab"].update(strange=-1)),
    "tokens of text": tokenizer(lambda value: value["model"]["vocab"].update(strange="one")),
    "merges of numbers": tokenizer(lambda value: value["model"].update(merges=[1, 2])),
    "merges of what is not there": tokenizer(lambda value: value["model"].update(merges=[["xx", "yy"]])),
    "no vocabulary": tokenizer(lambda value: value["model"].update(vocab={})),
    "steps of text": tokenizer(lambda value: value.update(pre_tokenizer="ByteLevel")),
    "a step of no kind": tokenizer(lambda value: value.update(pre_tokenizer={"type": "Sequence", "pretokenizers": 1})),
    "no weights": cut("model.safetensors", 0),
    "half a header": cut("model.safetensors", 100),
    "half the weights": cut("model.safetensors", 40_000),
    "offsets beyond": header(lambda value: _embed(value).update(data_offsets=[2**60, 2**61])),
    "offsets backwards": header(lambda value: _embed(value).update(data_offsets=[100, 0])),
    "a shape beyond": header(lambda value: _embed(value).update(shape=[2**40, 2**40])),
    "a type of no kind": header(lambda value: _embed(value).update(dtype="Q1_0")),
    "whole numbers": header(lambda value: _embed(value).update(dtype="I32")),
    "no tensors": header(lambda value: value.clear()),
}  # fmt: skip


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, 1)

    return change


def value_after(key: bytes, value: bytes) -> Callable[[bytes], bytes]:
    """Overwrite what stands behind a key and the 4 bytes of its type."""

    def change(data: bytes) -> bytes:
        at = data.index(key) + len(key) + 4
        return data[:at] + value + data[at + len(value) :]

    return change


def tensor_field(name: bytes, field: int, value: bytes) -> Callable[[bytes], bytes]:
    """Overwrite a field of a matrix's entry: 0 and 1 its dimensions, 2 its type, 3 its offset."""

    def change(data: bytes) -> bytes:
        at = data.index(name) + len(name) + 4 + (0, 8, 16, 20)[field]
        return data[:at] + value + data[at + len(value) :]

    return change


def count_at(offset: int, number: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:offset] + struct.pack("<Q", number) + data[offset + 8 :]


EMBED, ARCHITECTURE = b"token_embd.weight", b"general.architecture"
FILES: dict[str, Callable[[bytes], bytes]] = {
    "billions of layers": value_after(b"qwen2.block_count", struct.pack("<I", 2**31 - 1)),
    "no layers": value_after(b"qwen2.block_count", struct.pack("<I", 0)),
    "huge vectors": value_after(b"qwen2.embedding_length", struct.pack("<I", 2**31 - 2)),
    "many heads": value_after(b"qwen2.attention.head_count", struct.pack("<I", 2**30)),
    "an architecture of numbers": replaced(ARCHITECTURE + struct.pack("<I", 8), ARCHITECTURE + struct.pack("<I", 4)),
    "Q1_0": tensor_field(EMBED, 2, struct.pack("<I", 41)),
    "Q8_1": tensor_field(EMBED, 2, struct.pack("<I", 9)),
    "whole numbers": tensor_field(EMBED, 2, struct.pack("<I", 26)),
    "an unknown type": tensor_field(EMBED, 2, struct.pack("<I", 99)),
    "a type that is gone": tensor_field(EMBED, 2, struct.pack("<I", 4)),
    "an offset beyond": tensor_field(EMBED, 3, struct.pack("<Q", 2**62)),
    "a dimension beyond": tensor_field(EMBED, 0, struct.pack("<Q", 2**63)),
    "no dimension": tensor_field(EMBED, 1, struct.pack("<Q", 0)),
    "many tensors": count_at(8, 2**63),
    "many values": count_at(16, 2**63),
    "a list of 2^62": lambda data: count_at(data.index(b"tokenizer.ggml.tokens") + 29, 2**62)(data),
    "an alignment beyond": lambda data: _with_value(data, "general.alignment", struct.pack("<II", 4, 2**32 - 1)),
    "an alignment of 0": lambda data: _with_value(data, "general.alignment", struct.pack("<II", 4, 0)),
    "an end of text": lambda data: _with_value(data, "tokenizer.ggml.bos_token_id", struct.pack("<IQ", 8, 1) + b"x"),
    "experts of text": lambda data: _with_value(data, "qwen2.expert_count", struct.pack("<IQ", 8, 1) + b"x"),
    "scaling of text": lambda data: _with_value(data, "qwen2.rope.scale_linear", struct.pack("<IQ", 8, 1) + b"x"),
    "half of it": lambda data: data[: len(data) // 2],
    "its mark alone": lambda data: data[:4],
    "nothing": lambda data: b"",
    "another file": lambda data: b"PK\x03\x04" + data[4:],
    "a list in lists": lambda data: _with_value(
        data, "x", struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 10_000 + struct.pack("<IQ", 0, 0)
    ),
    "many small values": lambda data: _with_value(data, "x", struct.pack("<IIQ", 9, 0, 5 << 20) + bytes(5 << 20)),
}  # fmt: skip


def _with_value(data: bytes, key: str, typed: bytes) -> bytes:
    """Put a value first among a GGUF file's; its tensors move with it, and the alignment is lost on purpose."""
    (count,) = struct.unpack("<Q", data[16:24])
    entry = struct.pack("<Q", len(key)) + key.encode() + typed
    return data[:16] + struct.pack("<Q", count + 1) + entry + data[24:]


def peak_kib() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def refusal(path: Path, cache: Path) -> str:
    """Convert and open a model; return what it is refused with, "" where it is not."""
    try:
        weights = open_weights(prepare(path, "float32", cache, SHA, lambda done, total: None))
        Tokenizer.load(weights.path)
    except ModelError as error:
        assert "\n" not in str(error) and len(str(error)) < 900
        return str(error)
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    return ""


@pytest.mark.parametrize("name", FOLDERS)
def test_hostile_folders(name: str, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "model")
    FOLDERS[name](tmp_path / "model")
    before = peak_kib()
    assert refusal(tmp_path / "model", tmp_path / "cache")
    assert peak_kib() - before < _MOST_KIB


@pytest.mark.parametrize("name", FILES)
def test_hostile_files(name: str, file: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(FILES[name](file.read_bytes()))
    before = peak_kib()
    assert refusal(path, tmp_path / "cache")
    assert peak_kib() - before < _MOST_KIB


def test_what_was_not_changed_is_a_model(folder: Path, file: Path, tmp_path: Path) -> None:
    assert not refusal(folder, tmp_path / "cache")
    assert not refusal(file, tmp_path / "cache")


@pytest.mark.parametrize(
    "name", ["nested tokenizer", "billions of layers", "tokens beyond the model", "a type of no kind"]
)
def test_the_command_ends_with_code_4(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder, tmp_path / "model")
    FOLDERS[name](tmp_path / "model")
    _assert_code_4(f"folder = {json.dumps(str(tmp_path / 'model'))}", tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("name", ["Q1_0", "an unknown type", "billions of layers", "half of it", "many values"])
def test_the_command_ends_with_code_4_for_a_file(
    name: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(FILES[name](file.read_bytes()))
    _assert_code_4(f"gguf = {json.dumps(str(path))}", tmp_path, monkeypatch, capsys)


def _assert_code_4(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text(f"[models.own]\n{source}\n[model]\nname = 'own'\n")
    monkeypatch.setenv("CODEASSIST_HOME", str(home))
    (tmp_path / "a.py").write_text("x = 1\n")
    assert run(["complete", str(tmp_path / "a.py:1:3"), "--no-server"]) == 4
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and printed.err.startswith("codeassist: error: ")


def test_mutated_files(file: Path, tmp_path: Path) -> None:
    """A few bytes of a GGUF file at a time, most of them in its header: a model or an error."""
    whole = file.read_bytes()
    rng = random.Random(SEED)
    header_size = whole.index(b"output_norm.weight") + 60
    before = peak_kib()
    for number in range(_ROUNDS):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(rng.choice((600, header_size, header_size, len(data))))
            value = rng.choice((b"\xff" * 8, bytes(8), struct.pack("<Q", 2**40), rng.randbytes(rng.randint(1, 9))))
            data[at : at + len(value)] = value
        if rng.random() < 0.1:
            del data[rng.randrange(len(data)) :]
        path = tmp_path / "model.gguf"
        path.write_bytes(data)
        try:
            refusal(path, tmp_path / "cache")
        except Exception as error:
            raise AssertionError(f"seed {SEED}, file {number}") from error
    assert peak_kib() - before < _MOST_KIB


STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 3, 2**31, 2**63, 10**40, 0.5, 1e308, "", "x", "\ud800", "x" * 10_000, [], [[]], [None],
    {}, {"type": "x"},
)  # fmt: skip


def test_mutated_folders(folder: Path, tmp_path: Path) -> None:
    """A few values of config.json, tokenizer.json and the header of safetensors at a time: a model or an error."""
    rng = random.Random(SEED)
    model = tmp_path / "model"
    before = peak_kib()
    for number in range(_ROUNDS):
        shutil.copytree(folder, model)
        for _ in range(rng.randint(1, 3)):
            name = rng.choice(("config.json", "tokenizer.json", "tokenizer_config.json", "header", "bytes"))
            if name == "header":
                with contextlib.suppress(ValueError, struct.error):  # its bytes were mutated before
                    header(lambda value: _mutate(value, rng))(model)
            elif name == "bytes":
                path = model / rng.choice(("config.json", "tokenizer.json", "model.safetensors"))
                data = bytearray(path.read_bytes())
                at = rng.randrange(min(len(data), 4_000))
                data[at : at + 4] = rng.randbytes(4)
                path.write_bytes(data)
            elif (path := model / name).exists():
                try:
                    value = json.loads(path.read_bytes())
                except ValueError:
                    continue  # it was mutated before
                _mutate(value, rng)
                path.write_text(json.dumps(value))
        try:
            refusal(model, tmp_path / "cache")
        except Exception as error:
            raise AssertionError(f"seed {SEED}, folder {number}") from error
        shutil.rmtree(model)
    assert peak_kib() - before < _MOST_KIB


def _mutate(value: Any, rng: random.Random) -> None:
    """Put something strange in a random place of a JSON value."""
    while True:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(value[key], dict | list) and rng.random() < 0.7:
            value = value[key]
        else:
            value[key] = rng.choice(STRANGE)
            return


def test_a_small_file_that_is_too_large(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "model")
    with (tmp_path / "model" / "tokenizer.json").open("wb") as out:
        out.truncate(1 << 40)
    before = peak_kib()
    with pytest.raises(ModelError, match="more than 64 MiB"):
        prepare(tmp_path / "model", "float32", tmp_path / "cache", SHA, lambda done, total: None)
    assert peak_kib() - before < _MOST_KIB
    (tmp_path / "model" / "config.json").unlink()
    (tmp_path / "model" / "config.json").symlink_to("/dev/zero")
    with pytest.raises(ModelError, match="no file"):
        open_source(tmp_path / "model")
