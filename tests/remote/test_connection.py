"""How a remote engine is reached: keys that no text ever holds, authorities of one's own, proxies; what it counts."""

from __future__ import annotations

import logging
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
import keyring
import keyring.backend
import keyring.errors
import pytest
from transformers import PreTrainedTokenizerFast

from codeassist.errors import SettingsError
from codeassist.remote.client import CompletionsClient
from codeassist.remote.connection import endpoint_of, route_of
from codeassist.remote.errors import RefusedError
from codeassist.remote.metrics import Metrics, read_metrics
from codeassist.remote.openai_api import ServedModel
from codeassist.remote.retry import RetryPolicy
from codeassist.remote.tokenizer_files import load_tokenizer
from codeassist.request import CompletionRequest, NoRetriever
from codeassist.settings import RemoteSettings
from tests.completions_server import CompletionsServer, Status
from tests.remote.engine_at import Local, engine_at

SECRET = "sk-very-secret-0123456789"


class Ring(keyring.backend.KeyringBackend):
    """A keyring with one key."""

    priority = 1  # type: ignore[assignment]
    is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise keyring.errors.KeyringLocked(SECRET)
        return SECRET if (service, username) == ("codeassist", "gpu.example") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture
def ring() -> Iterator[Ring]:
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def models(remote: RemoteSettings) -> tuple[ServedModel, ...]:
    async def ask() -> tuple[ServedModel, ...]:
        async with CompletionsClient(endpoint_of(remote, {}), route=route_of(remote)) as client:
            return await client.models(RetryPolicy(1))

    return anyio.run(ask)


def test_keys_come_from_a_variable_or_the_keyring(ring: Ring) -> None:
    url = "http://gpu.example:8000"
    named = RemoteSettings(url=url, key_env="TEAM_KEY")
    assert endpoint_of(named, {"TEAM_KEY": SECRET, "CODEASSIST_API_KEY": "other"}).api_key == SECRET
    with pytest.raises(SettingsError, match="TEAM_KEY, which is not set"):
        endpoint_of(named, {"CODEASSIST_API_KEY": "other"})
    in_ring = RemoteSettings(url=url, keyring="codeassist")
    assert endpoint_of(in_ring, {"CODEASSIST_API_KEY": "other"}).api_key == SECRET
    with pytest.raises(SettingsError, match=r"keyring set elsewhere gpu\.example"):
        endpoint_of(RemoteSettings(url=url, keyring="elsewhere"), {})
    ring.is_locked = True
    with pytest.raises(SettingsError, match="KeyringLocked") as raised:
        endpoint_of(in_ring, {})
    assert SECRET not in str(raised.value)
    with pytest.raises(SettingsError, match="no key has") as raised:
        endpoint_of(named, {"TEAM_KEY": SECRET + "\nx"})
    assert SECRET not in str(raised.value)
    assert endpoint_of(RemoteSettings(url=url), {"CODEASSIST_API_KEY": "own"}).api_key == "own"


@pytest.mark.slow
def test_a_key_is_in_no_text(
    theirs: PreTrainedTokenizerFast, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever is logged, at every level, by us and the libraries below; errors, notices, what is told of an answer."""
    theirs.save_pretrained(tmp_path)
    caplog.set_level(logging.DEBUG)
    said = b'{"error": {"message": "Incorrect key: ' + SECRET.encode() + b'"}}'
    request = CompletionRequest("a.py", "x", "", root="/src")
    texts: list[str] = []
    with CompletionsServer(theirs, lambda prompt: " y") as server:
        for fault in (Status(401, said), Status(500, said), None):
            environment = {"CODEASSIST_API_KEY": SECRET}
            with closing(engine_at(server.url, load_tokenizer(tmp_path), Local(), environment=environment)) as engine:
                engine.reach()
                server.faults.extend([fault] * 2)
                completion = engine.complete(request, NoRetriever())
                texts += [repr(completion), repr(engine.problem), repr(vars(engine))]
        assert all(headers["Authorization"] == f"Bearer {SECRET}" for headers in server.headers)
    assert "Incorrect key: ***" in "".join(texts) and len(caplog.records) > 20
    assert SECRET not in "".join(texts) and SECRET not in caplog.text and SECRET not in "".join(capfd.readouterr())


def test_authorities_of_ones_own(theirs: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    made = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x -keyout k -out c -addext subjectAltName=IP:127.0.0.1"
    try:
        subprocess.run(["openssl", *made.split()], cwd=tmp_path, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no openssl that makes a certificate")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "c", tmp_path / "k")
    with CompletionsServer(theirs, lambda prompt: "x", tls=tls) as server:
        with pytest.raises(RefusedError, match=r"not trusted.*remote.ca_file"):
            models(RemoteSettings(url=server.url))
        assert models(RemoteSettings(url=server.url, ca_file=tmp_path / "c"))[0].name == "tiny"
    (tmp_path / "none").write_text("no certificate")
    for name in ("none", "missing"):
        with pytest.raises(SettingsError, match=f"ca_file.*{name} cannot be read"):
            route_of(RemoteSettings(url="https://gpu.example", ca_file=tmp_path / name))


def test_proxies(theirs: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with CompletionsServer(theirs, lambda prompt: "x") as server:
        proxy = server.url.removesuffix("/v1")
        monkeypatch.setenv("HTTP_PROXY", proxy)
        assert models(RemoteSettings(url="http://gpu.invalid"))[0].name == "tiny"
        assert server.num_gets == 1
        monkeypatch.setenv("NO_PROXY", "gpu.invalid")
        with pytest.raises(Exception, match="cannot be reached"):
            models(RemoteSettings(url="http://gpu.invalid"))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.delenv("NO_PROXY")
        here = models(RemoteSettings(url=server.url))
        assert here[0].name == "tiny", "a server on this machine is asked without it"


def test_what_servers_count() -> None:
    text = (
        "# HELP vllm:prefix_cache_queries_total tokens\n"
        'vllm:prefix_cache_queries_total{engine="0",model_name="m"} 1000.0\n'
        'vllm:prefix_cache_queries_total{engine="1",model_name="m"} 500.0\n'
        'vllm:prefix_cache_hits_total{engine="0",model_name="m"} 6e+02\n'
        'vllm:num_requests_running{engine="0"} NaN\n'
    )
    before = read_metrics(text)
    assert (before.num_queried_tokens, before.num_hit_tokens, before.num_drafted_tokens) == (1500, 600, None)
    after = Metrics(2500, 1350)
    assert after.cached_share_since(before) == 0.75
    assert before.cached_share_since(before) is None and Metrics(hit_rate=0.4).cached_share_since(Metrics()) == 0.4
    assert read_metrics("<html>no</html>") == Metrics()


def test_metrics_are_asked_for_beside_the_version(theirs: PreTrainedTokenizerFast) -> None:
    async def ask(url: str) -> str | None:
        async with CompletionsClient(endpoint_of(RemoteSettings(url=url), {})) as client:
            return await client.metrics()

    with CompletionsServer(theirs, lambda prompt: "x") as server:
        assert anyio.run(partial(ask, server.url)) is None
        server.metrics = "sglang:cache_hit_rate 0.5\n"
        assert anyio.run(partial(ask, server.url)) == server.metrics
