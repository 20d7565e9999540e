"""A run of training in a folder: its tasks, its model, what it has learned so far.

OUT/plan.json               what the run is: another one is refused
OUT/state.safetensors       where it goes on
OUT/adapter.safetensors     what was learned, as `[models.NAME] adapter` takes it
OUT/adapter.json            of what: the model, the repositories, rows, steps, seed
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from codeassist.edits.diff_prompt import DiffPrompt
from codeassist.engine.loading.weights import Weights, open_weights, prepare
from codeassist.models.registry import InstalledModel
from codeassist.progress import Progress
from codeassist.settings import Settings
from codeassist.tokenization.tokens import Tokenizer
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.record_log import claim
from codeassist_eval.runs.run_folder import write_json
from codeassist_eval.training.edits.lora import LoraModel, fastest_dtype
from codeassist_eval.training.edits.rows import Row, row_of
from codeassist_eval.training.edits.training import LoraPlan, Step, train
from codeassist_eval.training.optimiser_state import State, load_state, save_state

ADAPTER, STATE = "adapter.safetensors", "state.safetensors"


@dataclass(frozen=True, slots=True)
class Corpus:
    """Rows in the order of training, and the task that each is of."""

    rows: Sequence[Row]
    tasks: Sequence[Mapping[str, Any]]

    def facts(self) -> dict[str, Any]:
        """What the rows are, for whoever reads of the adapter."""
        return {
            "rows": len(self.rows),
            "tokens": sum(len(row.tokens) for row in self.rows),
            "repositories": dict(sorted(Counter(str(task["repository"]) for task in self.tasks).items())),
            "languages": dict(sorted(Counter(str(task["language"]) for task in self.tasks).items())),
            "kinds": dict(sorted(Counter(str(task["kind"]) for task in self.tasks).items())),
        }


def run_training(
    settings: Settings,
    model: InstalledModel,
    task_paths: Sequence[Path],
    out: Path,
    plan: LoraPlan,
    note: Callable[[Step], None],
    progress: Progress,
) -> dict[str, Any]:
    """Train in `out`, or go on there; return what `adapter.json` says."""
    identity = {
        "model": model.sha256,
        "tasks": [hashlib.sha256(path.read_bytes()).hexdigest() for path in task_paths],
        "plan": dataclasses.asdict(plan),
    }
    claim(out, identity)
    folder = prepare(
        model.path,
        "float32",
        settings.places.cache / "weights",
        model.sha256,
        lambda done, total: progress("converting the model", done, total),
    )
    weights = open_weights(folder)
    corpus = read_corpus(task_paths, Tokenizer.load(folder), plan)
    learner = LoraModel(weights, plan.rank, plan.alpha, plan.seed, fastest_dtype())
    facts = {"model": model.name, "model_sha256": model.sha256, "plan": dataclasses.asdict(plan), **corpus.facts()}
    losses: list[Step] = []

    def noted(step: Step) -> None:
        losses.append(step)
        note(step)

    def save(state: State) -> None:
        save_state(out / STATE, state)
        save_adapter(out / ADAPTER, learner, weights)
        recent = losses[-10:]
        write_json(out / "adapter.json", {
            **facts, "steps": state.step, "loss": sum(step.loss for step in recent) / max(1, len(recent)),
        })  # fmt: skip

    train(learner, corpus.rows, plan, load_state(out / STATE), noted, save)
    return json.loads((out / "adapter.json").read_text(encoding="utf-8"))


def read_corpus(paths: Sequence[Path], tokenizer: Tokenizer, plan: LoraPlan) -> Corpus:
    """Read tasks and lay them out, those of all repositories in turns, as many as the plan wants."""
    by_repository: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for path in paths:
        try:
            for line in path.read_text(encoding="utf-8").splitlines():
                task = json.loads(line)
                by_repository[task["repository"]].append(task)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EvaluationError(f"{path}: not tasks of next edits ({error})") from error
    chooser = random.Random(plan.seed)
    names = sorted(by_repository)
    for name in names:
        chooser.shuffle(by_repository[name])
    chooser.shuffle(names)
    start = [tokenizer.bos_id] if tokenizer.add_bos and tokenizer.bos_id is not None else []
    prompt = DiffPrompt(tokenizer.encode, start)
    rows: list[Row] = []
    tasks: list[Mapping[str, Any]] = []
    for task in chain.from_iterable(zip_longest(*(by_repository[name] for name in names))):
        if task is None:
            continue
        row = row_of(task, prompt, plan.seed)
        if sum(row.weights) >= 1.0 and len(row.tokens) <= plan.most_tokens:
            rows.append(row)
            tasks.append(task)
        if len(rows) == plan.rows:
            break
    if not rows:
        raise EvaluationError(f"no task has a row of at most {plan.most_tokens} tokens; name other files with --tasks")
    return Corpus(rows, tasks)


def _as_int8(factor: Tensor, along: int) -> tuple[Tensor, Tensor]:
    """A factor in 8 bits, and the scale of each of its components. `along`: the dimension that a component fills."""
    scale = factor.abs().amax(dim=along, keepdim=True).clamp_min(1e-12) / 127
    return (factor / scale).round().to(torch.int8).contiguous(), scale.flatten().contiguous()


def save_adapter(path: Path, learner: LoraModel, weights: Weights) -> None:
    """Write the adapter of the parts that a model's files have, as `codeassist.engine.loading.adapter` reads it."""
    from codeassist.engine.loading.tensor_layout import model_tensors

    learned = learner.adapter_tensors()
    tensors: dict[str, Any] = {}
    for spec in model_tensors(weights.config):
        name = spec.name.removesuffix(".weight")
        if f"{name}.a" not in learned:
            continue
        row = 0
        for part in spec.parts:
            first, of_first = _as_int8(learned[f"{name}.a"], 1)
            second, of_second = _as_int8(learned[f"{name}.b"][row : row + part.num_rows], 0)
            tensors |= {
                f"{part.name}.a": first, f"{part.name}.b": second, f"{part.name}.scale": of_first * of_second,
            }  # fmt: skip
            row += part.num_rows
    partial = path.with_name(path.name + ".partial")
    try:
        save_file(tensors, partial)
        partial.replace(path)
    except OSError as error:
        raise EvaluationError(
            f"{path}: cannot be written ({error.strerror}); name another folder with --out"
        ) from error
