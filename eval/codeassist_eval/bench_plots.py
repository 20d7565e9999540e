"""Plots of the benchmarks, as PNG bytes.

Knows no files: it draws what the JSON objects hold.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

_OURS, _THEIRS = "#3366cc", "#999999"
_ENGINE_PANELS = (
    ("prefill", "prefill, tokens/s (more is better)"),
    ("decode", "decode, ms a token"),
    ("speculative", "with speculation, ms a token"),
)


def engine_plot(document: Mapping[str, Any]) -> bytes:
    """Bars of both sides, a panel for each figure."""
    figure = Figure(figsize=(9, 3.4), dpi=110, layout="constrained")
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


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
