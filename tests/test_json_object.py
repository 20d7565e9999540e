"""JSON that others wrote: what is nested too deeply is told from what is not, however deep the caller stands itself."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest

from codeassist.json_object import MOST_DEPTH, parse_json

ROOT = Path(__file__).resolve().parents[1]


def nested(depth: int, rng: random.Random) -> str:
    """A text of arrays and objects, each within the other."""
    opened = [rng.choice(["[", '{"a": ', '["b", ', "[[], "]) for _ in range(depth)]
    return "".join(opened) + "1" + "".join("}" if each[0] == "{" else "]" for each in reversed(opened))


def test_depth_is_bounded() -> None:
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    for depth in (0, 1, MOST_DEPTH - 2):
        text = nested(depth, rng)
        assert parse_json(text) == json.loads(text), f"seed {seed}"
    for depth in (MOST_DEPTH + 1, 500, 900, 950, 1_000, 100_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            parse_json(nested(depth, rng))
    with pytest.raises(ValueError, match="Expecting"):
        parse_json("[1,")


def test_a_caller_that_stands_deep_itself() -> None:
    def within(num_calls: int) -> object:
        return parse_json("[" * 40 + "]" * 40) if num_calls == 0 else within(num_calls - 1)

    def depth() -> int:
        frame, num = sys._getframe(), 0
        while frame.f_back is not None:
            frame, num = frame.f_back, num + 1
        return num

    with pytest.raises(ValueError, match="nested too deeply"):  # not RecursionError, which nobody waits for
        within(sys.getrecursionlimit() - depth() - 20)


def test_whoever_reads_what_others_send_reads_it_so() -> None:
    folders = [ROOT / "codeassist/remote", ROOT / "lsp/codeassist_lsp"]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    assert len(files) > 50
    assert not [file.name for file in files if "json.loads" in file.read_text("utf-8")]
