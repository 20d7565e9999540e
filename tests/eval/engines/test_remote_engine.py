"""Runs on a server: everything is asked once, in order, many at a time, and nothing that was finished is ever lost."""

from __future__ import annotations

import _thread
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from transformers import PreTrainedTokenizerFast

from codeassist.errors import CodeAssistError
from codeassist_eval.cli import experiment
from codeassist_eval.cli.eval.group import eval_group
from tests.completions_server import CompletionsServer, Die, Reset, Status
from tests.eval.fakes import row, write_rows
from tests.tiny_models import train_tokenizer

NUM_TASKS = 12


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> tuple[PreTrainedTokenizerFast, Path]:
    folder = tmp_path_factory.mktemp("tokenizer")
    made = train_tokenizer("qwen2")
    made.save_pretrained(folder)
    return made, folder


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings and caches of the test's own; no report, whose plots take most of a test's time."""
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CODEASSIST_BENCH", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(experiment, "write_report", lambda path, runs: None)


@pytest.fixture
def server(tokenizer: tuple[PreTrainedTokenizerFast, Path]) -> Iterator[CompletionsServer]:
    with CompletionsServer(tokenizer[0], lambda prompt: f"area({prompt.count('z')})\n") as running:
        yield running


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """Tasks in two files, in turns; their prompts differ in how many z they have."""
    return write_rows(
        tmp_path / "tasks.jsonl",
        [
            row(f"demo/{i}", prompt="z" * i + "\nprint(", groundtruth=f"area({i})", metadata__file=f"{i % 2}.py")
            for i in range(NUM_TASKS)
        ],
    )


Run = Any


@pytest.fixture
def run(server: CompletionsServer, tokenizer: tuple[PreTrainedTokenizerFast, Path], tasks: Path, tmp_path: Path) -> Run:
    def invoke(*options: object, out: str = "out", retries: int = 0) -> Result:
        arguments = (
            "run", "--tasks", tasks, "--engine", server.url, "--tokenizer", tokenizer[1], "--context", "none",
            "--retries", retries, "--out", tmp_path / out, "--json", *options,
        )  # fmt: skip
        return CliRunner().invoke(eval_group, [str(argument) for argument in arguments])

    return invoke


def predictions(out: Path) -> dict[str, str]:
    rows = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    found = {row["task_id"]: row["pred"] for row in rows}
    assert len(found) == len(rows), "a task was written twice"
    return found


def test_a_run_on_a_server(run: Run, server: CompletionsServer, tmp_path: Path) -> None:
    result = run("--concurrency", 1)

    assert result.exit_code == 0, result.output
    metrics = json.loads(result.stdout)
    assert (metrics["n"], metrics["em"], metrics["server"]) == (
        NUM_TASKS,
        100,
        {"retries": 0, "cached_tokens_told": True},
    )
    assert metrics["cached_tokens"] == 3 and 0 <= metrics["harness"]["share"] < 1
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["model"], manifest["settings"]["prompts"]) == ("tiny", "token ids")
    assert manifest["server"]["kind"] == "vllm"
    asked = [server.tokenizer.decode(prompt) for prompt in server.prompts()[-NUM_TASKS:]]
    files = ["0.py" if "0.py" in prompt else "1.py" for prompt in asked]
    assert files == ["0.py"] * 6 + ["1.py"] * 6, "tasks of one file do not follow each other"
    lengths = [len(prompt) for prompt in asked]
    assert lengths[:6] == sorted(lengths[:6]) and lengths[6:] == sorted(lengths[6:])


def test_as_many_at_once_as_allowed_and_no_more(run: Run, server: CompletionsServer) -> None:
    together = threading.Barrier(4)
    first = len(server.requests)

    def meet(connection: socket.socket) -> None:
        if len(server.requests) > first + 2:  # after the two that find out what the server can do
            together.wait(120)

    server.before_answer = meet

    result = run("--concurrency", 4)

    assert result.exit_code == 0, result.output
    assert server.num_most == 4
    assert len(server.requests) == 2 + NUM_TASKS


def test_the_answers_do_not_depend_on_order_or_number_at_once(run: Run, tmp_path: Path) -> None:
    assert run("--concurrency", 1).exit_code == run("--concurrency", 8, out="other").exit_code == 0

    assert predictions(tmp_path / "out") == predictions(tmp_path / "other")


def test_hiccups_do_not_show(run: Run, server: CompletionsServer) -> None:
    warm_up = [None, None]
    server.faults.extend([*warm_up, Reset(), Status(429, headers={"Retry-After": "0.01"}), Status(200, b"<html>")])

    result = run("--concurrency", 3, retries=3)

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["server"]["retries"] == 3


def test_a_server_that_dies_and_comes_back(run: Run, server: CompletionsServer, tmp_path: Path) -> None:
    """It dies while requests are under way: what is done stays, the end says why, the same command goes on."""
    whole = run("--concurrency", 4, out="whole")
    assert whole.exit_code == 0, whole.output
    server.faults.extend([None] * 7 + [Die()])

    result = run("--concurrency", 4, retries=1)

    assert isinstance(result.exception, CodeAssistError) and result.exception.exit_code != 0
    said = str(result.exception)
    assert server.url in said and "stopped after 3 failures in a row" in said and "the same command goes on" in said
    done = predictions(tmp_path / "out")
    assert 0 < len(done) < NUM_TASKS and not (tmp_path / "out" / "metrics.json").exists()
    dead = run("--concurrency", 4, retries=1)
    assert isinstance(dead.exception, CodeAssistError) and "Is the server running" in str(dead.exception)
    assert predictions(tmp_path / "out") == done

    server.start()
    first = len(server.requests)
    again = run("--concurrency", 4, retries=1)

    assert again.exit_code == 0, again.output
    assert len(server.requests) - first == 2 + NUM_TASKS - len(done)
    assert predictions(tmp_path / "out") == predictions(tmp_path / "whole")


def test_an_interrupt_ends_at_once_and_keeps_what_is_done(run: Run, server: CompletionsServer, tmp_path: Path) -> None:
    def interrupt(connection: socket.socket) -> None:
        if len(server.requests) == 8:
            _thread.interrupt_main()
        if len(server.requests) >= 8:
            connection.recv(1)  # until the client hangs up

    server.before_answer = interrupt

    assert run("--concurrency", 3).exit_code != 0

    done = predictions(tmp_path / "out")
    assert 3 <= len(done) < NUM_TASKS
    server.before_answer = lambda connection: None
    assert run("--concurrency", 3).exit_code == 0
    assert len(predictions(tmp_path / "out")) == NUM_TASKS


def test_one_task_that_the_server_refuses_costs_only_itself(
    run: Run, server: CompletionsServer, tmp_path: Path
) -> None:
    server.faults.extend([None, None, None, Status(400, b'{"detail": "prompt too long"}')])

    result = run("--concurrency", 2)

    assert "1 tasks failed" in str(result.exception) and "prompt too long" in str(result.exception)
    assert len(predictions(tmp_path / "out")) == NUM_TASKS - 1


def test_no_thread_is_left_behind(run: Run, server: CompletionsServer) -> None:
    before = {thread.name for thread in threading.enumerate()}
    server.faults.extend([None, None, *[Status(400)] * 9])

    run("--concurrency", 4)

    left = {thread.name for thread in threading.enumerate()} - before
    assert not any("portal" in name.lower() or "anyio" in name.lower() for name in left), left


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--engine", "gpu"), "not the address of a server"),
        (("--model", "other"), "does not serve other"),
        (("--tokenizer", "no-such-model"), "no-such-model"),
        (("--set", "model.context_tokens=500"), "add --set model.context_tokens=450"),
    ],
)
def test_what_cannot_run_is_said_before_anything_is_written(
    run: Run, server: CompletionsServer, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    server.max_model_len = 500

    result = run(*options)

    assert isinstance(result.exception, CodeAssistError) and said in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_another_model_does_not_go_on_in_the_same_folder(run: Run, server: CompletionsServer) -> None:
    assert run().exit_code == 0
    server.model = "larger"

    assert "its model was tiny, now it is larger" in str(run().exception)


def test_the_key_is_in_no_file(
    run: Run, server: CompletionsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEASSIST_API_KEY", "sk-very-secret")

    result = run()

    assert result.exit_code == 0 and "secret" not in result.output
    assert server.headers[-1]["Authorization"] == "Bearer sk-very-secret"
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or b"secret" not in path.read_bytes()
