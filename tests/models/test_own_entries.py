"""Models of the user's own: entries added to config.toml, and what is fetched from the hub without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeassist.errors import ModelError, ModelMissing, SettingsError
from codeassist.model_files import read_bounded
from codeassist.models import model_store
from codeassist.models.model_choice import find_model
from codeassist.models.own_entries import add_entry
from codeassist.models.registry import choose_installed, find_entry, find_installed, known_models, pull, remove
from codeassist.models.sources import FolderSource, GgufSource, HubSource
from codeassist.progress import Progress, silent
from codeassist.settings import Settings, UserModel, resolve
from tests.models.test_model_store import SMALL_CPU


def settings_of(home: Path) -> Settings:
    return resolve(None, (), {"CODEASSIST_HOME": str(home)}).settings


def test_entries_are_added_and_what_stands_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    before = "# mine\n[model]\nname = 'a'  # the one I like"
    file.write_text(before)
    file.chmod(0o640)
    odd = tmp_path / 'a "quoted"\\ größe.gguf'
    add_entry(file, "a", GgufSource(odd), {"template": "plain"})
    add_entry(file, "b.c", FolderSource(tmp_path), {})
    add_entry(file, "d", HubSource("o/r", "main", "x.gguf"), {})
    assert file.read_text().startswith(before + "\n\n[models.a]\n") and '[models."b.c"]' in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o640
    assert settings_of(tmp_path).models == {
        "a": UserModel(gguf=odd, template="plain"),
        "b.c": UserModel(folder=tmp_path),
        "d": UserModel(hub="o/r", revision="main", file="x.gguf"),
    }
    assert sorted(each.name for each in tmp_path.iterdir()) == ["config.toml"]


def test_a_file_that_is_a_link_stays_one_and_a_missing_one_is_made(tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "codeassist.toml"
    kept.parent.mkdir()
    kept.write_text("")
    (tmp_path / "config.toml").symlink_to(kept)
    add_entry(tmp_path / "config.toml", "a", HubSource("o/r"), {})
    assert (tmp_path / "config.toml").is_symlink() and kept.read_text() == '[models.a]\nhub = "o/r"\n'
    add_entry(tmp_path / "new" / "config.toml", "a", HubSource("o/r"), {})
    assert (tmp_path / "new" / "config.toml").read_text() == kept.read_text()


@pytest.mark.parametrize(
    ("before", "name", "message"),
    [
        ("[models.a]\nhub = 'o/r'\n", "a", "has a model a already"),
        ("", "auto", "not a model's name"),
        ("", "a b", "not a model's name"),
        ("models = {}\n", "a", "by hand"),
        ("[model\n", "a", "by hand"),
    ],
)
def test_what_cannot_be_added_changes_nothing(tmp_path: Path, before: str, name: str, message: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(before)
    with pytest.raises(SettingsError, match=message):
        add_entry(file, name, HubSource("o/r"), {})
    assert file.read_text() == before


def test_what_is_fetched_from_the_hub_needs_no_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[HubSource] = []

    def fetch_hub(source: HubSource, into: Path, progress: Progress) -> list[Path]:
        calls.append(source)
        (into / "m-Q8_0.gguf").write_bytes(b"GGUF")
        return [into / "m-Q8_0.gguf"]

    monkeypatch.setattr(model_store, "fetch_hub", fetch_hub)
    settings = settings_of(tmp_path)
    name = "hub:some/model:m-Q8_0.gguf"
    assert find_installed(name, settings) is None
    fetched = pull(find_entry(name, settings), settings)
    assert calls == [HubSource("some/model", file="m-Q8_0.gguf")] and fetched.kind == "gguf"
    assert find_installed(name, settings) == fetched and pull(find_entry(name, settings), settings) == fetched
    assert len(calls) == 1
    assert fetched.name == "some--model--m-Q8_0" and list(known_models(settings))[-1] == fetched.name
    assert find_installed(fetched.name, settings) == fetched
    chosen = choose_installed(SMALL_CPU, settings)
    assert chosen is not None and chosen.entry.name == fetched.name
    assert find_model(settings, lambda *_: None)[0] == fetched
    assert remove(find_entry(name, settings), settings) > 0
    assert fetched.name not in known_models(settings)


def test_a_folder_without_a_models_files_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json: there is no such file"):
        read_bounded(tmp_path / "config.json")
    with pytest.raises(ModelError, match="it is no file"):
        read_bounded(tmp_path)


def test_a_file_of_the_users_own_that_went_away_is_not_to_be_fetched(tmp_path: Path) -> None:
    gone = tmp_path / "gone.gguf"
    (tmp_path / "config.toml").write_text(f"[model]\nname = 'own'\n[models.own]\ngguf = '{gone.as_posix()}'\n")
    with pytest.raises(ModelError, match=r"gone\.gguf does not exist; correct the path") as raised:
        find_model(settings_of(tmp_path), silent)
    assert not isinstance(raised.value, ModelMissing)
