"""A remote engine on a real server: llama-cpp-python's, started here, or one that runs already. `make test-remote`.

CODEASSIST_TEST_LLAMA_PYTHON names a Python with llama-cpp-python and its server; CODEASSIST_TEST_REMOTE_URL a server
on this machine that has the same model. Without either there is nothing to test.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from codeassist.errors import Cancelled
from codeassist.remote.breaker import Breaker
from codeassist.remote.fallback import Patience, RemoteWithFallback
from codeassist.remote.tokenizer_files import load_tokenizer
from codeassist.request import AllowedNames, CompletionRequest, NamePosition, NoRetriever
from tests.remote.engine_at import Local, engine_at
from tests.remote.test_names import Knows

MODELS = Path(os.environ.get("CODEASSIST_TEST_MODELS", Path.home() / ".cache" / "codeassist-models"))
MODEL = MODELS / "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
PYTHON, URL = os.environ.get("CODEASSIST_TEST_LLAMA_PYTHON"), os.environ.get("CODEASSIST_TEST_REMOTE_URL")
PATIENCE = Patience(first_token_s=300, timeout_s=600, num_retries=0)
START_S = 600

pytestmark = [
    pytest.mark.skipif(not (PYTHON or URL), reason="no real server: make test-remote LLAMA_PYTHON=path/to/python"),
    pytest.mark.skipif(not MODEL.exists(), reason=f"{MODEL} is not there"),
    pytest.mark.timeout(3000),
]
ADD = CompletionRequest("add.py", "def add(a, b):\n    return a", "\n", max_new_tokens=16, max_lines=1)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if URL:
        yield URL
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(PYTHON), "-m", "llama_cpp.server", "--model", str(MODEL), "--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path_factory.mktemp("llama") / "log"
    with log.open("wb") as writing:
        process = subprocess.Popen(
            [*command, "--n_ctx", "3072", "--cache", "true"], stdout=writing, stderr=subprocess.STDOUT
        )
    try:
        address = f"http://127.0.0.1:{port}/v1"
        deadline = time.monotonic() + START_S
        while True:
            try:
                if httpx.get(f"{address}/models", timeout=5, trust_env=False).is_success:
                    break
            except httpx.HTTPError:
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[RemoteWithFallback]:
    made = engine_at(
        url,
        load_tokenizer(MODEL),
        Local(),
        patience=PATIENCE,
        falls_back=False,
        breaker=Breaker(1000),
        with_features=True,
        analysts=Knows(Colours()),
    )
    with closing(made) as engine:
        yield engine


class Colours:
    """Knows what may stand after `palette.`."""

    def place(self, text: str) -> NamePosition | None:
        found = re.search(r"palette\.(\w*)$", text)
        return None if found is None else NamePosition("member", found.start(1))

    def names(self, text: str, place: NamePosition) -> AllowedNames:
        return AllowedNames(frozenset({"zyxblue", "zyxgreen"}), "test")


def test_it_completes_and_says_what_it_can(engine: RemoteWithFallback) -> None:
    completion = engine.complete(ADD, NoRetriever())
    assert completion.text.strip() == "+ b" and completion.finish_reason in ("eos", "max_lines")
    assert engine._session is not None and completion.trace.sent is not None
    capabilities = engine._session.capabilities
    print(capabilities, completion.trace.sent, sep="\n")
    assert capabilities.dialect.name != "unknown"
    assert abs(completion.trace.num_prompt_tokens - completion.trace.sent.num_tokens) <= 1


def test_a_second_request_of_the_same_text_says_the_same(engine: RemoteWithFallback) -> None:
    first, second = (engine.complete(ADD, NoRetriever()) for _ in range(2))
    assert first.text == second.text
    print(second.trace.sent, second.trace.stage_ms)


def test_cancelling_frees_the_server(engine: RemoteWithFallback) -> None:
    request = CompletionRequest("story.py", "def f():\n", "", max_new_tokens=2000, max_lines=None)
    asked = iter(range(1_000_000))
    with pytest.raises(Cancelled):
        engine.complete(request, NoRetriever(), lambda: next(asked) > 100)
    assert engine.complete(ADD, NoRetriever()).text.strip() == "+ b"


def test_names_that_an_analysis_knows(engine: RemoteWithFallback) -> None:
    """No model would write these: they come from the constraint, or the answer is cut before what the model wrote."""
    request = CompletionRequest(
        "a.py", "import palette\n\nx = palette.", "\n", max_new_tokens=16, max_lines=1, monitor_deadline_ms=1000
    )
    completion = engine.complete(request, NoRetriever())
    assert engine._session is not None
    if engine._session.capabilities.features.constraint is None:
        assert completion.text == ""
    else:
        assert completion.text.startswith(("zyxblue", "zyxgreen"))
    print(completion.text, completion.trace.monitor_acts)
