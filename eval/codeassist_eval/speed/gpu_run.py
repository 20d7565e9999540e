"""All of `bench gpu`, part by part: a part that fails says so, and the next begins."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

from codeassist.engine.layers.model import Model
from codeassist.progress import Progress
from codeassist.terminal.screen import Screen
from codeassist_eval.engines.local_engine import LocalEngine
from codeassist_eval.speed.gpu import GpuPlan, device_figures, exactness_figures, speed_figures
from codeassist_eval.speed.gpu_quality import draft_figures, pie_figures, tasks_of
from codeassist_eval.speed.random_model import random_model

log = logging.getLogger(__name__)

_GOALS = {"bandwidth_share": 0.75, "keystroke_ms": 15.0}
_EXACT_TOKENS = 1500


def run_gpu_bench(
    device: torch.device,
    plan: GpuPlan,
    engine: LocalEngine | None,
    sources: Path,
    num_rows: int,
    limit_s: float,
    say: Progress,
) -> dict[str, Any]:
    """Run every part within `limit_s`, quality last: it takes the time that is left. `engine` None: no quality.

    `sources`: the folder whose Python files tasks are made of. What a part found or why it failed stands at its name.
    """
    until_s = time.monotonic() + limit_s
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    found: dict[str, Any] = {"device": device_figures(device), "shape": plan.shape, "seconds": {}}
    models: dict[str, Model] = {}

    def random_weights() -> dict[str, Any]:
        models["random"] = random_model(plan.shape, device, dtype, max(plan.prompt_tokens) + 1024)
        config = models["random"].config
        return {"layer_parameters": config.num_layer_parameters, "dtype": str(dtype).removeprefix("torch.")}

    def exact_float32() -> dict[str, Any]:
        small = random_model("tiny", device, torch.float32, 4096)
        return exactness_figures(small, _some_tokens(300))

    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "exact_float32": exact_float32,
        "random_weights": random_weights,
        "exact": lambda: exactness_figures(models["random"], _some_tokens(min(_EXACT_TOKENS, max(plan.prompt_tokens)))),
        "speed": lambda: speed_figures(models["random"], plan, found["device"]),
    }
    if engine is not None:
        parts |= _quality_parts(engine, sources, num_rows, until_s, models, say)
    for number, (name, part) in enumerate(parts.items()):
        say(name.replace("_", " "), number, len(parts))
        began = time.monotonic()
        if began > until_s:
            found[name] = {"skipped": "the time was up"}
            continue
        try:
            found[name] = part()
        except Exception as error:  # the boundary of a part: what else there is to find out is found out
            log.exception("%s failed", name)
            found[name] = {"error": f"{type(error).__name__}: {error}"}
        found["seconds"][name] = round(time.monotonic() - began, 1)
    say("done", len(parts), len(parts))
    return found


def _some_tokens(num_tokens: int) -> list[int]:
    return [1 + number * 7 % 499 for number in range(num_tokens)]


def _quality_parts(
    engine: LocalEngine, sources: Path, num_rows: int, until_s: float, models: dict[str, Model], say: Progress
) -> Mapping[str, Callable[[], dict[str, Any]]]:
    prompt_tokens = engine.settings.model.context_tokens
    tasks = tasks_of(sources, num_rows, prompt_tokens)
    session = None

    def opened() -> dict[str, Any]:
        nonlocal session
        models.clear()  # the memory of the random one
        session = engine.open_session(say)
        return {"name": session.model_name, "device": str(session.engine.model.device), "prompt_tokens": prompt_tokens}

    def loaded() -> Any:
        if session is None:
            raise RuntimeError("the model was not loaded")
        return session

    def exact() -> dict[str, Any]:
        prompt = loaded().tokenizer.encode("".join(task.prefix for task in tasks))
        return exactness_figures(loaded().engine.model, prompt[: min(_EXACT_TOKENS, prompt_tokens)])

    return {
        "model": opened,
        "exact_model": exact,
        "drafts": lambda: draft_figures(loaded(), tasks[:12]),
        "pie": lambda: pie_figures(loaded(), tasks, until_s),
    }


def is_whole(document: Mapping[str, Any]) -> bool:
    """Whether every part ran."""
    return not any(isinstance(part, dict) and "error" in part for part in document.values())


def print_gpu(document: Mapping[str, Any]) -> None:
    """Print the figures as a table, and what failed."""
    device = document["device"]
    table = Table("", "prompt", "figure", "goal", title=f"{device['name']}, {document['shape']} random weights")
    table.columns[2].justify = "right"
    speed = document.get("speed", {})
    for num_tokens, row in speed.items():
        if not isinstance(row, dict) or "decode_ms" not in row:
            continue
        table.add_row("prefill, tokens/s", num_tokens, f"{row['prefill_tokens_s']:,.0f}", "")
        table.add_row("decode, ms a token", num_tokens, f"{row['decode_ms']:.2f}", "")
        share = f"≥ {_GOALS['bandwidth_share']:.0%}"
        table.add_row("  share of memory bandwidth", num_tokens, f"{row['bandwidth_share']:.0%}", share)
        goal = f"< {_GOALS['keystroke_ms']:.0f}"
        table.add_row("keystroke to first token, ms, p50", num_tokens, f"{row['keystroke_ms']['p50']:.1f}", goal)
    for name in ("exact_float32", "exact", "exact_model"):
        for field, value in document.get(name, {}).items():
            table.add_row(f"{name.replace('_', ' ')}: {field.replace('_', ' ')}", "", str(value), "")
    drafts = document.get("drafts", {})
    if "gain" in drafts:
        table.add_row("drafts: times as fast", "", f"{drafts['gain']:.2f}", "")
    for kind, row in document.get("pie", {}).get("by_kind", {}).items():
        figure = f"{row['em_full']:.1f} / {row['em_live']:.1f} / {row['em_without_rotation']:.1f}"
        table.add_row(
            f"exact match, {kind}: full / live / not rotated", str(document["pie"]["prompt_tokens"]), figure, ""
        )
    screen = Screen()
    screen.print(table)
    for name, part in document.items():
        if isinstance(part, dict) and "error" in part:
            screen.print(f"{name.replace('_', ' ')} failed: {part['error']}")
