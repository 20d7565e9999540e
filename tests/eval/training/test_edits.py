"""Training for next edits: what rows teach, that the model learns it, that a stopped run goes on, what is merged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from codeassist.edits.diff_prompt import DiffPrompt
from codeassist.engine.loading.weights import open_weights, prepare
from codeassist.models.model_store import InstalledModel
from codeassist.progress import silent
from codeassist.settings import Folders, Settings
from codeassist.tokenization.tokens import Tokenizer
from codeassist_eval.errors import EvaluationError
from codeassist_eval.training.edits.command import run_training
from codeassist_eval.training.edits.lora import LoraModel
from codeassist_eval.training.edits.rows import Row, row_of
from codeassist_eval.training.edits.training import LoraPlan, Step, train
from codeassist_eval.training.optimiser_state import State, load_state
from tests.tiny_models import save_model

FILES = {"a.py": "def g(a, b):\n    pass\n\n\ng(1)\nprint(g)\n", "b.py": "from a import g\n\ng(2)\n"}
TASK: dict[str, Any] = {
    "task_id": "o/n/1",
    "repository": "o/n",
    "kind": "far",
    "language": "python",
    "history": [{"path": "a.py", "start_line": 0, "old": ["def g(a):"], "new": ["def g(a, b):"]}],
    "files": FILES,
    "targets": [
        {"path": "a.py", "start_line": 4, "end_line": 5, "old": ["g(1)"], "new": ["g(1, 0)"]},
        {"path": "b.py", "start_line": 2, "end_line": 3, "old": ["g(2)"], "new": []},
    ],
}
QUIET = {**TASK, "task_id": "o/n/2", "kind": "quiet", "targets": []}
PLAN = LoraPlan(rank=4, rows=12, batch=2, rate=1e-2, warmup_steps=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("qwen2")
    save_model(folder, "qwen2", max_position_embeddings=512)
    return folder


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.load(folder)


def learned(row: Row, tokenizer: Tokenizer, weight: float = 1.0) -> str:
    return "".join(
        tokenizer.token_bytes(token).decode() for token, counts in zip(row.tokens, row.weights, strict=True)
        if counts == weight
    )  # fmt: skip


def test_a_row_teaches_the_markers_and_what_is_new_and_none_of_what_is_given(tokenizer: Tokenizer) -> None:
    row = row_of(TASK, DiffPrompt(tokenizer.encode), seed=0)
    text = tokenizer.decode_bytes(row.tokens).decode()
    assert text.startswith(
        "--- a/a.py\n+++ b/a.py\n@@ @@\n-def g(a):\n+def g(a, b):\n     pass\n \n"
    )  # fmt: skip
    assert "\n-g(1)\n+g(1, 0)\n print(g)\n" in text
    assert "--- a/b.py\n+++ b/b.py\n@@ @@\n from a import g\n \n-g(2)\n " in text
    said = learned(row, tokenizer)
    assert "-+g(1, 0)\n " in said and "def" not in said and "import" not in said
    assert len(row.tokens) == len(row.weights)


def test_a_quiet_row_teaches_that_lines_stay(tokenizer: Tokenizer) -> None:
    row = row_of(QUIET, DiffPrompt(tokenizer.encode), seed=0)
    assert learned(row, tokenizer).strip(" ") == "" and sum(row.weights) >= 1
    assert "-" not in learned(row, tokenizer)


def test_the_loss_is_transformers_own(folder: Path, tmp_path: Path) -> None:
    theirs = save_model(tmp_path, "qwen2", max_position_embeddings=512)
    weights = open_weights(prepare(folder, "float32", folder / "cache", "a" * 64, lambda *_: None))
    tokens, counts = [(7 * i) % 500 for i in range(50)], [float(i % 3 == 0) * 0.5 for i in range(50)]
    with torch.inference_mode():
        logits = theirs(torch.tensor([tokens])).logits[0, :-1].float()
    each = F.cross_entropy(logits, torch.tensor(tokens[1:]), reduction="none")
    wanted = float((each * torch.tensor(counts[1:])).sum())
    assert LoraModel(weights, 4, 8.0, 0).loss(tokens, counts).item() == pytest.approx(wanted, rel=1e-4)


def test_a_stopped_training_goes_on_to_the_same_adapter(folder: Path, tokenizer: Tokenizer) -> None:
    weights = open_weights(prepare(folder, "float32", folder / "cache", "a" * 64, lambda *_: None))
    rows = [row_of({**TASK, "task_id": f"o/n/{n}"}, DiffPrompt(tokenizer.encode), seed=0) for n in range(8)]
    steps: list[Step] = []
    whole = LoraModel(weights, 4, 8.0, 0)
    states: list[State] = []

    def keep(state: State) -> None:
        tensors = {name: value.clone() for name, value in state.model.items()}
        states.append(State(state.step, tensors, deep_copy(state.optimiser)))

    train(whole, rows, replace(PLAN, save_every_s=0.0), None, steps.append, keep)
    assert [step.number for step in steps] == [1, 2, 3, 4] and steps[-1].loss < steps[0].loss
    again = LoraModel(weights, 4, 8.0, 0)
    train(again, rows, PLAN, states[1], steps.append, lambda state: None)
    for name, value in whole.adapters.items():
        assert torch.equal(value, again.adapters[name]), name


def test_a_run_leaves_an_adapter_that_the_product_merges_and_refuses_to_become_another(
    folder: Path, tmp_path: Path
) -> None:
    tasks = tmp_path / "train.jsonl"
    lines = [{**(TASK if n % 3 else QUIET), "task_id": f"{n}", "repository": f"o/{n % 2}"} for n in range(20)]
    tasks.write_text("".join(json.dumps(line) + "\n" for line in lines))
    places = Folders(tmp_path / "c.toml", tmp_path / "data", tmp_path / "cache", tmp_path / "run")
    settings, model = Settings(places=places), InstalledModel("tiny", folder, "c" * 64, "safetensors")
    out, steps = tmp_path / "out", list[Step]()
    facts = run_training(settings, model, [tasks], out, PLAN, steps.append, silent)
    assert facts["rows"] == 12 and facts["repositories"] == {"o/0": 6, "o/1": 6} and facts["steps"] == 6
    adapter = out / "adapter.safetensors"
    merged = prepare(folder, "float32", tmp_path / "merged", "d" * 64, lambda *_: None, adapter)
    plain = open_weights(prepare(folder, "float32", tmp_path / "merged", "c" * 64, lambda *_: None))
    state = load_state(out / "state.safetensors")
    assert state is not None
    learned = PLAN.alpha / PLAN.rank * state.model["layers/1/down/b"] @ state.model["layers/1/down/a"]
    change = open_weights(merged).get("layers.1.down.weight") - plain.get("layers.1.down.weight")
    assert learned.abs().max() > 0 and (change - learned).norm() < 0.02 * learned.norm()  # 8 bits
    run_training(settings, model, [tasks], out, PLAN, steps.append, silent)
    assert len(steps) == 6  # it was done
    with pytest.raises(EvaluationError, match="another run"):
        run_training(settings, model, [tasks], out, replace(PLAN, seed=1), steps.append, silent)


def test_what_is_no_task_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"no": "task"}\n')
    places = Folders(tmp_path / "c.toml", tmp_path / "data", tmp_path / "cache", tmp_path / "run")
    model = InstalledModel("tiny", folder, "c" * 64, "safetensors")
    with pytest.raises(EvaluationError, match="not tasks of next edits"):
        run_training(
            Settings(places=places), model, [tmp_path / "x.jsonl"], tmp_path / "o", PLAN, lambda step: None, silent
        )


def deep_copy(value: Any) -> Any:
    """A deep copy of an optimiser's state."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: deep_copy(each) for key, each in value.items()}
    return [deep_copy(each) for each in value] if isinstance(value, list) else value
