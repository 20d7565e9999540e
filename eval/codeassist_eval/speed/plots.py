"""Plots of the benchmarks, as PNG bytes.

It draws what the JSON objects hold.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from codeassist.figures import Figure
from codeassist_eval.typing.typing_figures import SessionRecord, keystroke_ratios

_OURS, _THEIRS = "#3366cc", "#999999"
_ENGINE_PANELS = (
    ("prefill", "prefill, tokens/s (more is better)"),
    ("decode", "decode, ms a token"),
    ("speculative", "with speculation, ms a token"),
    ("rewrite", "21 lines rewritten, ms a token"),
)


def engine_plot(document: Mapping[str, Any]) -> bytes:
    """Bars of both sides, a panel for each figure."""
    figure = Figure(figsize=(11, 3.4), dpi=110, layout="constrained")
    for axes, (key, title) in zip(figure.subplots(1, len(_ENGINE_PANELS)), _ENGINE_PANELS, strict=True):
        values = [(side, document[key][side]) for side in ("ours", "llama_cpp") if document[key][side] is not None]
        bars = axes.bar([side.replace("_", ".") for side, _ in values], [value for _, value in values], width=0.6)
        for bar, (side, _) in zip(bars, values, strict=True):
            bar.set_color(_OURS if side == "ours" else _THEIRS)
        axes.bar_label(bars, fmt="%.3g", fontsize="small")
        axes.set_title(title, fontsize="small")
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{document['model']}, {document['prompt_tokens']:,} tokens, {document['threads']} threads")
    return _png(figure)


def typing_plot(document: Mapping[str, Any], sessions: Sequence[SessionRecord]) -> bytes:
    """The distribution of keystrokes over full recomputation, by kind, with the goals; and llama.cpp's where known."""
    figure = Figure(figsize=(8, 4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    by_name: dict[str, list[float]] = {"all": []}
    for session in sessions:
        for keystroke, ratio in zip(session.keystrokes, keystroke_ratios(session), strict=True):
            by_name["all"].append(ratio)
            by_name.setdefault(keystroke.kind, []).append(ratio)
    theirs = [
        keystroke.sample.llama_ms / keystroke.sample.full_ms
        for session in sessions
        for keystroke in session.keystrokes
        if keystroke.sample is not None and keystroke.sample.llama_ms is not None
    ]
    if theirs:
        by_name["llama.cpp"] = theirs
    for name, ratios in by_name.items():
        rising = sorted(ratios)
        shares = [(index + 1) / len(rising) for index in range(len(rising))]
        width = 2.5 if name == "all" else 1.0
        axes.step(rising, shares, where="post", label=f"{name} ({len(rising)})", linewidth=width)
    for goal, share in ((0.05, 0.5), (0.15, 0.95)):
        axes.plot([goal], [share], "x", color="red")
    axes.set_xscale("log")
    axes.set_xlabel("time to the first token over our full recompute (crosses: the goals)")
    axes.set_ylabel("share of keystrokes")
    axes.legend(frameon=False, fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"{document['model']}, {document['prompt_tokens']:,} tokens, {document['threads']} threads")
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
