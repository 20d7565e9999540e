"""Both benches on a tiny random model: every field is there, files are left, an interrupted run goes on."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from codeassist.cli.app import run
from codeassist.prompts.templates import ORDERS
from tests.tiny_models import CODE, save_model

Bench = Callable[..., tuple[int, dict[str, object] | None, str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    save_model(folder / "tiny", "qwen2", max_position_embeddings=1024)
    (folder / "config.toml").write_text(f"[models.tiny]\nfolder = {json.dumps(str(folder / 'tiny'))}\n")
    chooser = random.Random(5)
    rows = []
    for number in range(3):
        text = 2 * CODE.replace("Counter", f"Counter{number}")
        at = text.index("\n", chooser.randrange(200, 500)) + 9
        end = text.index("\n", at)
        metadata = {"task_id": f"r/{number}", "repository": "r", "file": f"r/file_{number}.py"}
        rows.append(
            {"prompt": text[:at], "groundtruth": text[at:end], "right_context": text[end:], "metadata": metadata}
        )
    (folder / "tasks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def command(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    monkeypatch.setenv("CODEASSIST_HOME", str(home))

    def invoke(*arguments: str) -> tuple[int, dict[str, object] | None, str]:
        shared = ("--model", "tiny", "--tasks", str(home / "tasks.jsonl"), "--threads", "1", "--json")
        code = run(("bench", arguments[0], *shared, *arguments[1:]))
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else None, err

    return invoke


def test_engine(command: Bench, tmp_path: Path) -> None:
    code, figures, err = command(
        "engine", "--prompt-tokens", "256", "--repeats", "2", "--lines", "1", "--out", str(tmp_path / "out")
    )
    assert code == 0, err
    assert figures is not None
    assert "our own figures only" in err
    for key in ("prefill", "decode", "speculative", "rewrite"):
        sides = figures[key]
        assert isinstance(sides, dict)
        assert sides["ours"] > 0
        assert sides["llama_cpp"] is sides["ratio"] is None
    for key in ("machine", "model", "threads", "peak_rss_bytes", "load_s"):
        assert figures[key]
    assert (tmp_path / "out" / "engine.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "out" / "engine.json").read_text()) == figures


def test_typing_goes_on_where_it_was_interrupted(command: Bench, tmp_path: Path) -> None:
    out = tmp_path / "out"
    small = ("--sessions", "2", "--samples", "3", "--prompt-tokens", "256", "--max-new-tokens", "3")
    arguments = ("typing", *small, "--out", str(out))
    code, figures, err = command(*arguments)
    assert code == 0, err
    assert figures is not None
    for key in ("keystroke_p50_ratio", "keystroke_p95_ratio", "encoded_tokens_p50", "same_first_line", "exact_share"):
        value = figures[key]
        assert isinstance(value, float | int)
        assert value >= 0
    assert "em_delta" in figures
    assert figures["num_samples"] == 6
    assert (out / "typing.png").read_bytes().startswith(b"\x89PNG")

    lines = (out / "sessions.jsonl").read_text().splitlines(keepends=True)
    assert len(lines) == 2
    (out / "sessions.jsonl").write_text(lines[0] + lines[1][:40])
    code, again, err = command(*arguments)
    assert code == 0, err
    assert again is not None
    assert again["num_keystrokes"] == figures["num_keystrokes"]
    assert (out / "sessions.jsonl").read_text().startswith(lines[0])

    code, _, err = command(*arguments, "--seed", "1")
    assert code == 6
    assert "holds another run (plan)" in err


def test_too_many_sessions_are_refused(command: Bench) -> None:
    code, _, err = command("typing", "--sessions", "9")
    assert code == 6
    assert "3 files, 9 sessions" in err


def test_order_measures_each_order(command: Bench) -> None:
    code, found, err = command("order", "--limit", "2", "--prompt-tokens", "256")
    assert code == 0, err
    assert found is not None
    orders = found["orders"]
    assert isinstance(orders, list)
    assert [each["order"] for each in orders] == list(ORDERS)
    first, *suffix_first = orders
    assert all(each["n"] == 2 and each["num_keystrokes"] > 3 for each in orders)
    for each in suffix_first:  # what is typed stands last: nothing after it becomes stale
        assert each["encoded_tokens"]["p50"] <= first["encoded_tokens"]["p50"]
        assert each["encoded_tokens"]["p95"] < first["encoded_tokens"]["p95"]


def test_files_opened_again(command: Bench) -> None:
    code, found, err = command("reopen", "--limit", "2", "--prompt-tokens", "256")
    assert code == 0, err
    assert found is not None
    share = found["reopened_share"]
    assert found["num_tasks"] == 2 and isinstance(share, dict) and share["p50"] > 0
    assert isinstance(found["num_same"], int)


def test_jumps(command: Bench, home: Path, tmp_path: Path) -> None:
    for number in range(3):
        (home / "repos" / "r" / "r").mkdir(parents=True, exist_ok=True)
        (home / "repos" / "r" / "r" / f"file_{number}.py").write_text(2 * CODE.replace("Counter", f"Counter{number}"))
    out = tmp_path / "out"
    shared = ("--repos", str(home / "repos"), "--prompt-tokens", "768", "--limit", "2", "--out", str(out))
    code, found, err = command("jump", *shared, "--snippets-ms", "0", "--snippets-ms", "1e6")
    assert code == 0, err
    assert found is not None
    figures = found["figures"]
    assert isinstance(figures, list)
    assert [each["snippets_ms"] for each in figures] == [0.0, 1e6, None]
    none, enough, whole = figures
    assert none["snippets_mean"] <= enough["snippets_mean"] == whole["snippets_mean"] > 0
    assert enough["num_hasty"] == whole["num_hasty"] == 0
    assert none["read_ms"]["p50"] <= enough["read_ms"]["p50"] <= whole["read_ms"]["p50"]
    rows = [json.loads(line) for line in (out / "answers.jsonl").read_text().splitlines()]
    assert len(rows) == 2 and all(len(row["answers"]) == 3 for row in rows)
