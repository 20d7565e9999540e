"""The whole of `codeassist next-edit` with a real model: callers follow a new parameter, and then nothing does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Program
from tests.git_repositories import commit_files, git

MODELS = Path(os.environ.get("CODEASSIST_TEST_MODELS", Path.home() / ".cache" / "codeassist-models"))
REAL = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
KEPT = Path(__file__).parents[2] / "build" / "model-home"  # converted weights, as the editors' tests have them
BOXES = '''"""Sizes of boxes."""


def area(width, height):
    """Return the area of a box."""
    return width * height


def cost(width, height, scale):
    total = area(width, height)
    return 3 * total
'''
ORDER = """from shop.boxes import area


def weight(width, height, scale):
    total = area(width, height)
    return total / 100
"""


@pytest.mark.real_model
@pytest.mark.skipif(not (MODELS / REAL).exists(), reason=f"needs {REAL} in CODEASSIST_TEST_MODELS")
def test_callers_follow_a_new_parameter_and_then_nothing_does(tmp_path: Path) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    config = f"[model]\nname = 'qwen'\n[models.qwen]\ngguf = {json.dumps(str(MODELS / REAL))}\n"
    (KEPT / "config.toml").write_text(config)
    program = Program(KEPT, tmp_path / "repo", MODELS / REAL)
    commit_files(program.root, {"shop/__init__.py": "", "shop/boxes.py": BOXES, "shop/order.py": ORDER})
    edited = BOXES.replace("area(width, height):", "area(width, height, scale):")
    program.write("shop/boxes.py", edited.replace("return width", "return scale * width"))

    def run(*arguments: str) -> str:
        done = program.run("next-edit", *arguments)
        assert done.code == 0, done
        return done.out

    edits = json.loads(run("--json"))["edits"]
    assert {(each["path"], *each["new"]) for each in edits} == {
        ("shop/boxes.py", "    total = area(width, height, scale)"),
        ("shop/order.py", "    total = area(width, height, scale)"),
    }
    assert all(each["reason"] == "calls `area`, whose parameters changed" for each in edits)
    run("--patch-out", str(tmp_path / "next.diff"))
    git(program.root, "apply", str(tmp_path / "next.diff"))
    assert json.loads(run("--json"))["edits"] == []
