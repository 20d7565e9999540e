"""The load test of a completions server: whom it may hit, what it counts. The server is the tests' own."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from codeassist.cli.app import run
from codeassist.remote.tokenizer_files import load_tokenizer
from codeassist_eval.errors import EvaluationError
from codeassist_eval.speed.remote import endpoint_to_load, load_figures, remote_plot, run_remote_bench
from codeassist_eval.speed.remote_load import Load, LoadPlan, Request
from codeassist_eval.tasks.task import Task
from codeassist_eval.typing.typing_sessions import EditSession
from codeassist_eval.typing.typing_trace import typed_line
from codeassist_eval.typing.typist import Typist
from tests.completions_server import CompletionsServer
from tests.tiny_models import CODE, train_tokenizer


def sessions(num: int) -> list[EditSession]:
    at = CODE.index("pairs = sorted")
    line = "pairs = sorted(self.items())"
    tasks = [Task(f"t{n}", "repo", f"f{n}.py", "python", CODE[:at], "\n" + CODE[at:], line) for n in range(num)]
    return [EditSession(typed_line(task), ()) for task in tasks]


def plan(**changes: float) -> LoadPlan:
    made = {"seconds": 60.0, "max_new_tokens": 8, "timeout_s": 60.0, "debounce_s": 0.0} | changes
    return LoadPlan(num_typists=3, typist=Typist(0.001, 0.001), **made)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["http://gpu.example:8000/v1", "http://10.0.0.7/v1", "https://localhost.example/v1"])
def test_somebody_elses_server_is_left_alone(url: str) -> None:
    with pytest.raises(EvaluationError, match=r"is not this machine.*--own-server"):
        endpoint_to_load(url, is_own=False)
    assert endpoint_to_load(url, is_own=True).url == url
    assert endpoint_to_load("http://127.0.0.1:8000", is_own=False).is_loopback


def test_the_command_refuses_it_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path))
    assert run(["bench", "remote", "http://gpu.example/v1", "--tasks", str(tmp_path / "none.jsonl")]) == 6
    assert "--own-server" in capsys.readouterr().err


def test_typists_are_counted(tmp_path: Path) -> None:
    """Three type a line each, faster than the server answers."""
    theirs = train_tokenizer("qwen2")
    theirs.save_pretrained(tmp_path)
    cancelled = threading.Event()
    with CompletionsServer(theirs, lambda prompt: " x") as server:
        server.metrics = 'vllm:prefix_cache_queries_total{engine="0"} 0\nvllm:prefix_cache_hits_total{engine="0"} 0\n'

        def hold(connection: object) -> None:
            cancelled.wait(0.02)  # keys come faster than this

        server.before_answer = hold
        endpoint = endpoint_to_load(server.url, is_own=False)
        document = run_remote_bench(endpoint, None, load_tokenizer(tmp_path), sessions(3), 200, plan())

    line = len("pairs = sorted(self.items())")
    assert document["num_keys"] == 3 * line
    assert sum(document["outcomes"].values()) == document["num_requests"] == len(document["requests"]) > 0
    assert document["outcomes"]["answered"] >= 3, "the last key of each is answered"
    assert document["first_token_ms"] is not None and document["cached_share"]["of_the_servers_count"] is None
    assert document["server"]["kind"] == "vllm" and document["server"]["features"]["metrics"]
    assert remote_plot(document).startswith(b"\x89PNG")
    json.dumps(document)


def test_what_requests_come_to() -> None:
    requests = (
        Request(0.0, "answered", 10.0, 20.0, 100, 80, 4),
        Request(0.1, "empty", None, 30.0, 100, None, 0),
        Request(0.2, "cancelled", None, 5.0),
        Request(0.3, "failed", None, 50.0, problem="status 500"),
    )
    figures = load_figures(Load(requests, 9, 2.0, 0.75))
    assert (figures["requests_per_s"], figures["answers_per_s"]) == (2.0, 1.0)
    assert (figures["cancelled_share"], figures["failed_share"]) == (0.25, 0.25)
    assert figures["first_token_ms"] == {"p50": 10.0, "p95": 10.0, "p99": 10.0}
    assert figures["cached_share"] == {"of_answers_that_tell": 0.8, "of_the_servers_count": 0.75}
    assert figures["problems"] == {"status 500": 1}
    assert load_figures(Load((), 0, 1.0, None))["cancelled_share"] is None
