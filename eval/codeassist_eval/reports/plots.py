"""Plots of runs, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence

from codeassist.figures import Axes, Figure
from codeassist_eval.reports.saved_runs import Run

_QUALITY = ("em", "es", "line_em")
_MAX_STAGES = 8
# Sums of other stages: they would be counted twice.
_SUMS = ("total", "retrieve", "first_token", "first_token_live", "first_token_full")


def all_plots(runs: Sequence[Run]) -> dict[str, bytes]:
    """Return every plot that the runs have data for, by file name."""
    plots = {
        "quality.png": _png(lambda axes: _quality(axes, runs), "Score", "all tasks"),
        "kinds.png": _png(lambda axes: _kinds(axes, runs), "Exact match, %", "by kind of task"),
        "seconds.png": _png(lambda axes: _histogram(axes, runs, _seconds), "Tasks", "Seconds of a completion"),
        "stages.png": _png(lambda axes: _stages(axes, runs), "Milliseconds, mean", "by stage (log scale)"),
        "prompt_tokens.png": _png(lambda axes: _histogram(axes, runs, _prompt_tokens), "Tasks", "Tokens of a prompt"),
    }
    if all("typing" in run.metrics for run in runs):
        plots["typing_quality.png"] = _png(lambda axes: _typing_quality(axes, runs), "Exact match, %", "after an edit")
        plots["typing_times.png"] = _png(
            lambda axes: _typing_times(axes, runs),
            "Milliseconds, median",
            "from an edit to the first token (log scale)",
        )
    return plots


def _png(draw: Callable[[Axes], None], y_label: str, title: str) -> bytes:
    figure = Figure(figsize=(7, 3.6), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    draw(axes)
    axes.set_ylabel(y_label)
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize="small")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _quality(axes: Axes, runs: Sequence[Run]) -> None:
    names = [name for name in _QUALITY if all(name in run.metrics for run in runs)]
    _grouped_bars(axes, runs, names, lambda run, name: float(run.metrics[name]))
    axes.set_ylim(0, 100)


def _kinds(axes: Axes, runs: Sequence[Run]) -> None:
    kinds = sorted({kind for run in runs for kind in run.metrics.get("by_kind", {})})

    def value(run: Run, kind: str) -> float:
        if kind == "all":
            return float(run.metrics["em"])
        return float(run.metrics.get("by_kind", {}).get(kind, {}).get("em", 0.0))

    _grouped_bars(axes, runs, ["all", *kinds], value)


def _stages(axes: Axes, runs: Sequence[Run]) -> None:
    by_stage = [run.metrics["seconds"]["by_stage"] for run in runs]
    stages = sorted({stage for stages in by_stage for stage in stages if stage not in _SUMS})
    stages.sort(key=lambda stage: -max(stages.get(stage, 0.0) for stages in by_stage))
    _grouped_bars(
        axes, runs, stages[:_MAX_STAGES], lambda run, stage: 1000 * run.metrics["seconds"]["by_stage"].get(stage, 0.0)
    )
    axes.set_yscale("log")  # from retrieval to prefill are three orders of magnitude
    axes.tick_params(axis="x", labelrotation=25)


def _typing_quality(axes: Axes, runs: Sequence[Run]) -> None:
    """The live cache beside a full recomputation, by kind of edit."""
    for run in runs:
        typing = run.metrics["typing"]
        kinds = {"all": typing, **typing["by_kind"]}
        full = [float(values["full"]["em"]) for values in kinds.values()]
        live = [value + float(values["em_delta"]["mean"]) for value, values in zip(full, kinds.values(), strict=True)]
        _side_by_side(axes, run, runs, list(kinds), {"live": live, "full recomputation": full})
    axes.set_ylim(0, 100)


def _typing_times(axes: Axes, runs: Sequence[Run]) -> None:
    for run in runs:
        typing = run.metrics["typing"]
        kinds = {"all": typing, **typing["by_kind"]}
        times = {
            label: [float(values[key]["p50"]) for values in kinds.values()]
            for label, key in (("live", "live_ms"), ("full recomputation", "full_ms"))
        }
        _side_by_side(axes, run, runs, list(kinds), times)
    axes.set_yscale("log")


def _side_by_side(
    axes: Axes, run: Run, runs: Sequence[Run], names: Sequence[str], values: Mapping[str, Sequence[float]]
) -> None:
    """Bars of one run, one group a name, one bar in it for each of `values`; other runs' bars stand beside."""
    number, bars = list(runs).index(run) * len(values), len(runs) * len(values)
    for offset, (label, heights) in enumerate(values.items()):
        places = [index + (number + offset - (bars - 1) / 2) * 0.8 / bars for index in range(len(names))]
        axes.bar(places, heights, 0.8 / bars, label=label if len(runs) == 1 else f"{run.label}: {label}")
    axes.set_xticks(range(len(names)), names)


def _grouped_bars(axes: Axes, runs: Sequence[Run], names: Sequence[str], value: Callable[[Run, str], float]) -> None:
    width = 0.8 / len(runs)
    for number, run in enumerate(runs):
        places = [index + (number - (len(runs) - 1) / 2) * width for index in range(len(names))]
        bars = axes.bar(places, [value(run, name) for name in names], width, label=run.label)
        if len(runs) * len(names) <= 24:
            axes.bar_label(
                bars, fmt=lambda value: f"{value:,.0f}" if value >= 100 else f"{value:.3g}", fontsize="x-small"
            )
    axes.set_xticks(range(len(names)), names)


def _histogram(axes: Axes, runs: Sequence[Run], values: Callable[[Run], list[float]]) -> None:
    axes.hist([values(run) for run in runs], bins=20, label=[run.label for run in runs])


def _seconds(run: Run) -> list[float]:
    return [record.seconds for record in run.records.values()]


def _prompt_tokens(run: Run) -> list[float]:
    return [float(record.num_prompt_tokens) for record in run.records.values()]
