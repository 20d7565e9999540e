"""The peer: what it asks, what it makes of answers, and what it says when the other side fails."""

from __future__ import annotations

import io
import json
import random
import sys
from pathlib import Path

import pytest

from codeassist_eval.engines.llama_child import common_prefix, serve, shifted_runs
from codeassist_eval.engines.llama_peer import LlamaPeer, find_llama_python
from codeassist_eval.errors import EvaluationError

CHILD = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    match asked["op"]:
        case "load":
            answer = {"version": "1.2", "load_s": 0.5, "asked": asked}
            if not asked["path"].endswith(".gguf"):
                answer = {"error": "ValueError: no such file"}
        case "memory":
            answer = {"peak_rss_bytes": 123}
        case "prefill" | "sync":
            answer = {"ms": 2.0 * len(asked["ids"]), "num_encoded": len(asked["ids"]), "token": asked["ids"][-1]}
        case "decode" if asked["num_tokens"] > 99:
            print("out of memory", file=sys.stderr)
            sys.exit(3)
        case "decode":
            answer = {"ms": 1.5, "num_encoded": asked["num_tokens"], "token": 9, "tokens": [9]}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    (tmp_path / "child.py").write_text(CHILD)
    return [sys.executable, str(tmp_path / "child.py")]


def test_questions_and_answers(command: list[str]) -> None:
    with LlamaPeer(command) as peer:
        peer.load(Path("model.gguf"), 512, 2)
        assert (peer.version, peer.load_s) == ("1.2", 0.5)
        timed = peer.prefill([5, 6, 7])
        assert (timed.ms, timed.num_encoded, timed.token) == (6.0, 3, 7)
        assert peer.sync((1, 2)).num_encoded == 2
        assert peer.decode(4).num_encoded == 4
        assert peer.peak_rss_bytes() == 123


def test_an_error_over_there_is_told(command: list[str]) -> None:
    with LlamaPeer(command) as peer, pytest.raises(EvaluationError, match="cannot load: ValueError: no such file"):
        peer.load(Path("model.bin"), 512, 2)


def test_a_child_that_dies_leaves_its_last_words(command: list[str]) -> None:
    with LlamaPeer(command) as peer, pytest.raises(EvaluationError, match="asked to decode: out of memory"):
        peer.decode(100)


def test_a_python_that_is_not_there() -> None:
    with pytest.raises(EvaluationError, match="--llama-python"):
        LlamaPeer(["/no/such/python", "child.py"])


def test_the_named_python_is_taken() -> None:
    assert find_llama_python(Path("theirs")) == Path("theirs").absolute()


def test_the_child_answers_a_failure_with_an_error() -> None:
    answers = io.StringIO()
    serve(io.StringIO('{"op": "prefill", "ids": [1]}\n{"op": "memory"}\n'), answers)
    first, second = (json.loads(line) for line in answers.getvalue().splitlines())
    assert "load comes first" in first["error"]
    assert second["peak_rss_bytes"] is None or second["peak_rss_bytes"] > 0


def test_shifted_runs_are_what_moved_to_the_left() -> None:
    old = list(range(100))
    new = [*range(10), *range(20, 100)]  # ten tokens deleted
    kept = common_prefix(old, new)
    assert kept == 10
    assert shifted_runs(old, new, kept, 16) == [(20, 10, 80)]
    assert shifted_runs(new, old, kept, 16) == []  # an insertion
    assert shifted_runs(old, new, kept, 81) == []


def test_shifted_runs_hold_the_same_tokens() -> None:
    chooser = random.Random(7)
    for _ in range(200):
        old = [chooser.randrange(5) for _ in range(60)]
        new = [token for token in old if chooser.random() > 0.1]
        kept = common_prefix(old, new)
        for source, target, length in shifted_runs(old, new, kept, 3):
            assert source >= target >= kept
            assert old[source : source + length] == new[target : target + length]
