"""`bench gpu` tried on a CPU: every part runs, one that fails is told, and the ablation leaves keys unrotated."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from codeassist.engine.layers.attention import KVCache, Move
from codeassist.progress import silent
from codeassist_eval.errors import EvaluationError
from codeassist_eval.speed import gpu_run
from codeassist_eval.speed.gpu import GpuPlan, exactness_figures
from codeassist_eval.speed.gpu_quality import UnrotatedCache, tasks_of
from codeassist_eval.speed.random_model import random_model

CPU = torch.device("cpu")
PLAN = GpuPlan("tiny", (64,), 1, 3, 2)


def test_every_part_runs_and_has_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    found = gpu_run.run_gpu_bench(CPU, PLAN, None, Path(), 0, 60, silent)
    assert gpu_run.is_whole(found), found
    row = found["speed"]["64"]
    assert row["prefill_tokens_s"] > 0 and row["decode_ms"] > 0 and row["keystroke_ms"]["p50"] > 0
    assert found["exact"]["draft_keeps_tokens"] and found["exact_float32"]["healed_difference"] < 1e-3
    gpu_run.print_gpu(found)
    assert "keystroke to first token" in capsys.readouterr().out


def test_a_part_that_fails_is_told_and_the_next_begins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> dict[str, object]:
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(gpu_run, "exactness_figures", fail)
    found = gpu_run.run_gpu_bench(CPU, PLAN, None, Path(), 0, 60, silent)
    assert not gpu_run.is_whole(found)
    assert found["exact"] == {"error": "RuntimeError: no kernel image"} and "64" in found["speed"]
    gpu_run.print_gpu(found)
    assert "exact failed: RuntimeError: no kernel image" in capsys.readouterr().out


def test_a_wrong_kernel_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model("tiny", CPU, torch.float32, 512)
    prompt = [1 + number % 400 for number in range(80)]
    right = exactness_figures(model, prompt)
    monkeypatch.setattr("codeassist_eval.speed.gpu.attend_run", lambda q, k, v, start: q.flatten(1) * 0.0)
    wrong = exactness_figures(model, prompt)
    assert right["attention_difference"] < 1e-4 < 0.5 < wrong["attention_difference"]


def test_the_ablation_leaves_moved_keys_as_they_were() -> None:
    model = random_model("tiny", CPU, torch.float32, 64)
    caches = [kind(model.config, model.rotations[:32], 32, torch.float32) for kind in (KVCache, UnrotatedCache)]
    for cache in caches:
        torch.manual_seed(0)
        model.forward(torch.arange(1, 17), torch.arange(16), cache)
        cache.move([Move(4, 10, 6)])
    rotated, unrotated = caches
    assert torch.equal(rotated.v[:, :, :16], unrotated.v[:, :, :16])
    rotated.check(16)
    with pytest.raises(AssertionError, match="drifted"):
        unrotated.check(16)


def test_tasks_are_made_of_the_files_at_hand(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="has 0 Python files"):
        tasks_of(tmp_path, 4, 512)
    for name in "abc":
        (tmp_path / f"{name}.py").write_text("".join(f"value_{name}_{n} = compute({n})\n" for n in range(90)))
    tasks = tasks_of(tmp_path, 5, 2048)
    assert len({task.task_id for task in tasks}) == 5
    for task in tasks:
        text = (tmp_path / task.path).read_text()
        assert task.prefix + task.groundtruth + task.suffix == text and task.groundtruth
        assert task.provided and all(snippet.path != task.path for snippet in task.provided)
