"""Adapters: the entry's own, the one that comes with the program for a model's very file, none where that is said."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from safetensors import safe_open

from codeassist.edits.calibration_file import read_calibration
from codeassist.models import adapters
from codeassist.models.model_store import InstalledModel, look_up
from codeassist.models.registry import find_entry
from codeassist.settings import resolve

GGUF = b"GGUF" + bytes(1000)
DIGEST = hashlib.sha256(GGUF).hexdigest()
SHIPPED = sorted(set(adapters._FOLDERS.values()))  # pyright: ignore[reportPrivateUsage]


def model_with(tmp_path: Path, extra: str) -> InstalledModel:
    """What a user's entry for a file of their own comes to."""
    (tmp_path / "model.gguf").write_bytes(GGUF)
    (tmp_path / "config.toml").write_text(f'[models.own]\ngguf = "{tmp_path / "model.gguf"}"\n{extra}')
    settings = resolve(None, (), {"CODEASSIST_HOME": str(tmp_path)}).settings
    found = look_up(find_entry("own", settings), settings)
    assert found is not None
    return found


def test_a_model_that_was_trained_on_has_the_adapter_that_comes_with_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert model_with(tmp_path, "").adapter is None
    monkeypatch.setattr(adapters, "_FOLDERS", {DIGEST: SHIPPED[0]})
    found = model_with(tmp_path, "")
    assert found.adapter is not None and found.adapter.is_file()
    assert found.edit_calibration is not None and found.edit_calibration.is_file()
    assert found.sha256 != DIGEST  # it is converted apart from the model as it was


def test_an_entry_says_which_adapter_and_whether_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "_FOLDERS", {DIGEST: SHIPPED[0]})
    assert model_with(tmp_path, 'adapter = "none"').adapter is None
    assert model_with(tmp_path, 'adapter = "none"').sha256 == DIGEST
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"own")
    found = model_with(tmp_path, f'adapter = "{own}"')
    assert (found.adapter, found.edit_calibration) == (own, None)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_comes_with_the_program_is_small_and_can_be_read(name: str) -> None:
    folder = Path(adapters.__file__).parent / name
    assert (folder / "adapter.safetensors").stat().st_size < 5_000_000
    with safe_open(folder / "adapter.safetensors", framework="np") as file:
        parts = {key.rpartition(".")[0] for key in list(file.keys())}
    assert len(parts) == 24 * 7
    calibration = read_calibration(folder / "calibration.json", name)
    assert 0.3 < calibration.threshold < 0.9 and calibration.weights["site"] > 0
