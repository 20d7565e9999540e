"""Bits of converted weights that a disk flipped: doctor finds each, and the next start has the right ones again."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import pytest

from codeassist.cli.app import run
from codeassist.engine.loading.converted import WEIGHTS_NAME, damaged_tensors
from codeassist.engine.loading.weights import WeightFormat, drop_damaged, prepare, require_runnable
from codeassist.errors import ModelError
from tests.tiny_models import build_model, save_gguf, save_model

SEED = 20261130
SHA = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("qwen2")
    save_model(path, "qwen2")
    return path


def _flip(path: Path, rng: random.Random) -> None:
    """Flip one bit of the numbers."""
    data = bytearray(path.read_bytes())
    (header,) = struct.unpack("<Q", data[:8])
    data[rng.randrange(8 + header, len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


@pytest.mark.parametrize("weight_format", ["int8", "bf16", "float32"])
def test_every_flipped_bit_is_found(weight_format: WeightFormat, model: Path, tmp_path: Path) -> None:
    folder = prepare(model, weight_format, tmp_path, SHA, lambda done, total: None)
    path = folder / WEIGHTS_NAME
    whole = path.read_bytes()
    assert damaged_tensors(folder) == [] and drop_damaged(tmp_path, SHA) == []
    rng = random.Random(SEED)
    for number in range(40):
        _flip(path, rng)
        assert len(damaged_tensors(folder)) == 1, f"seed {SEED}, {number}"
        path.write_bytes(whole)
    _flip(path, rng)
    [said] = drop_damaged(tmp_path, SHA)
    assert "1 of its tensors" in said and not folder.exists()
    assert prepare(model, weight_format, tmp_path, SHA, lambda done, total: None) == folder
    assert path.read_bytes() == whole


def test_a_conversion_without_checksums_is_made_anew(model: Path, tmp_path: Path) -> None:
    folder = prepare(model, "int8", tmp_path, SHA, lambda done, total: None)
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["tensors"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    prepare(model, "int8", tmp_path, SHA, lambda done, total: None)
    assert json.loads((folder / "manifest.json").read_text())["tensors"]


def test_doctor_has_them_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("codeassist.cli.health.diagnosis.torch_problem", lambda gpu, build: None)
    home = tmp_path / "home"
    home.mkdir()
    save_gguf(tmp_path / "w.gguf", "qwen2", build_model("qwen2"))
    (home / "config.toml").write_text(
        f"[models.own]\ngguf = {json.dumps(str(tmp_path / 'w.gguf'))}\n[model]\nname = 'own'\nformat = 'float32'\n"
    )
    monkeypatch.setenv("CODEASSIST_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("x = 1\n")
    complete = ["complete", "a.py:1:3", "--no-server", "--max-new-tokens", "1"]
    assert run(complete) == 0
    assert run(["doctor"]) == 0
    [weights] = home.rglob(WEIGHTS_NAME)
    whole = weights.read_bytes()
    _flip(weights, random.Random(SEED))
    capsys.readouterr()
    assert run(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "were not as they were written" in printed and "no problems" not in printed
    assert run(complete) == 0
    assert weights.read_bytes() == whole
    assert run(["doctor"]) == 0
    _flip(weights, random.Random(SEED + 1))  # and without doctor
    capsys.readouterr()
    assert run(complete) == 0
    assert "the model was converted anew" in capsys.readouterr().err
    assert weights.read_bytes() == whole


def test_what_cannot_run(tmp_path: Path, model: Path) -> None:
    require_runnable(model)
    (tmp_path / "w.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelError):
        require_runnable(tmp_path / "w.gguf")
