"""The figures of `codeassist stats` as a PNG.

It draws what the JSON object holds.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from codeassist.figures import Axes, Figure, MaxNLocator

_BLUE, _GREY = "#3366cc", "#999999"
_MOST_NAMES = 8


def feedback_plot(document: Mapping[str, Any]) -> bytes:
    """What was shown and accepted by day and by language, and how long suggestions took by stage and by model."""
    figure = Figure(figsize=(10, 6), dpi=110, layout="constrained")
    (days, languages), (stages, models) = figure.subplots(2, 2)
    _shown_and_accepted(days, document["by_day"], "by day")
    _shown_and_accepted(languages, _most_shown(document["by_language"]), "by language")
    _latency(stages, document["latency_ms"], "ms by stage")
    totals = {name: each["latency_ms"].get("total") for name, each in _most_shown(document["by_model"]).items()}
    _latency(models, {name: total for name, total in totals.items() if total is not None}, "ms in total by model")
    rate, kept = document["acceptance_rate"], document["kept_share"]
    parts = [f"{document['shown']:,} shown"]
    parts += [f"{rate:.0%} accepted"] if rate is not None else []
    parts += [f"{kept:.0%} of the accepted characters kept"] if kept is not None else []
    figure.suptitle(", ".join(parts))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _most_shown(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    ordered = sorted(groups.items(), key=lambda item: -item[1]["suggestions"])
    return dict(ordered[:_MOST_NAMES])


def _shown_and_accepted(axes: Axes, groups: Mapping[str, Mapping[str, Any]], title: str) -> None:
    names = list(groups)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.bar(names, [groups[name]["shown"] for name in names], color=_GREY, label="shown")
    axes.bar(names, [groups[name]["accepted"] for name in names], color=_BLUE, width=0.5, label="accepted")
    _finish(axes, title)


def _latency(axes: Axes, percentiles: Mapping[str, Mapping[str, float]], title: str) -> None:
    names = list(percentiles)
    axes.barh(names, [percentiles[name]["p95"] for name in names], color=_GREY, label="p95")
    axes.barh(names, [percentiles[name]["p50"] for name in names], color=_BLUE, height=0.5, label="p50")
    axes.invert_yaxis()
    _finish(axes, title)


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize="small", loc="left")
    axes.legend(frameon=False, fontsize="small", ncols=2, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    axes.tick_params(labelsize="small")
    for label in axes.get_xticklabels():
        label.set_rotation(30)
    axes.spines[["top", "right"]].set_visible(False)
