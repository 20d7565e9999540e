"""Metrics and comparisons as tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table

from codeassist.terminal.screen import Screen
from codeassist_eval.metrics.beginnings_curve import BeginningsPoint
from codeassist_eval.metrics.confidence_curve import CurvePoint
from codeassist_eval.reports.compare import AgainstFirst, Comparison, Difference


def print_metrics(title: str, metrics: Mapping[str, Any]) -> None:
    """Print a run's metrics, one row a metric; one column for all tasks, one for each kind."""
    groups: dict[str, Mapping[str, Any]] = {"all": metrics, **metrics.get("by_kind", {})}
    table = _table(title, "metric", list(groups))
    for name, value in metrics.items():
        if isinstance(value, int | float) and name != "wall_seconds":
            table.add_row(name, *(f"{values[name]:g}" if name in values else "" for values in groups.values()))
    if "seconds" in metrics:
        table.add_row("seconds a task", *(f"{values['seconds']['mean']:.2f}" for values in groups.values()))
    console = Screen()
    console.print(table)
    if "typing" in metrics:
        _print_typing(console, metrics["typing"])


def _print_typing(console: Screen, typing: Mapping[str, Any]) -> None:
    """Print the live cache against a full recomputation of the same states."""
    groups: dict[str, Mapping[str, Any]] = {"all": typing, **typing["by_kind"]}
    table = _table("Live cache against full recomputation", "figure", list(groups))
    for name in ("em", "es"):
        deltas = [values[f"{name}_delta"] for values in groups.values()]
        table.add_row(f"{name} of full", *(f"{values['full'][name]:.2f}" for values in groups.values()))
        table.add_row(f"{name}, live - full", *(f"{delta['mean']:+.2f}" for delta in deltas))
        table.add_row("from (95%)", *(f"{delta['low']:+.2f}" for delta in deltas))
        table.add_row("to (95%)", *(f"{delta['high']:+.2f}" for delta in deltas))
    table.add_row("same answer %", *(f"{values['same_answer']:.1f}" for values in groups.values()))
    table.add_row("time ratio, p50", *(f"{values['time_ratio']['p50']:.3f}" for values in groups.values()))
    table.add_row("time ratio, p95", *(f"{values['time_ratio']['p95']:.3f}" for values in groups.values()))
    table.add_row("tokens encoded %", *(f"{100 * values['encoded_tokens']['share']:.1f}" for values in groups.values()))
    console.print(table)


def print_comparison(comparison: Comparison) -> None:
    """Print the runs side by side, then each against the first."""
    console = Screen()
    title = f"{comparison.num_tasks} tasks"
    if comparison.num_left_out:
        title += f" that all runs have; {comparison.num_left_out} others left out"
    runs = comparison.metrics
    table = _table(title, "metric", list(runs))
    for name in next(iter(runs.values())):
        table.add_row(name, *(f"{metrics[name]:.2f}" for metrics in runs.values()))
    table.add_row("prompt tokens", *(f"{comparison.prompt_tokens[label]:.0f}" for label in runs))
    table.add_row("seconds a task", *(f"{comparison.seconds[label]:.2f}" for label in runs))
    console.print(table)
    first = next(iter(runs))
    for other in comparison.against_first:
        _print_against(console, first, other)


def print_analysis(document: Mapping[str, Any]) -> None:
    """Print how often an analysis knew the names at a place, why it did not, and where it excluded the truth."""
    console = Screen()
    columns = ["kind", "places", "active", "active %", "truth excluded", "names", "likely", "without truth"]
    columns.append("most often not, for")
    table = _table("Analysis behind the monitors", "language", columns)
    for row in document["by_kind"]:
        active, places = row["active"], row["places"]
        reasons = list(row["abstained"].items())[:3]
        why = ", ".join(f"{reason} {count}" for reason, count in reasons)
        share = f"{100 * active / places:.1f}"
        figures = (str(places), str(active), share, str(row["truth_excluded"]), f"{row['names_mean']:.0f}")
        likely = (str(row["likely"]), str(row["likely_without_truth"]))
        table.add_row(row["language"], row["kind"], *figures, *likely, why)
    console.print(table)
    console.print(f"truth excluded: {document['truth_excluded_percent']:.2f}% of {document['active']} activations")
    for language, times in document["answer_ms"].items():
        console.print(f"{language}: an answer in {times['p50']:.0f} ms (p50), {times['p95']:.0f} ms (p95)")
    for each in document["excluded"]:
        console.print(f"  {each['where']}  {each['line']}")


def print_recall(document: Mapping[str, Any]) -> None:
    """Print how often a needed file is among the first candidates: all sources, each alone, all without each."""
    console = Screen()
    for group, title in (("every", "names that other files define"), ("new", "names that the task's file lacks")):
        figures = document[group]
        if not figures["tasks"]:
            continue
        cuts = list(figures["recall"]["all"])
        table = _table(f"{figures['tasks']} tasks with {title}: file found, %", "sources", [f"@{cut}" for cut in cuts])
        rows = {**figures["recall"], "all, name shown": figures["shown"]}
        for variant, shares in rows.items():
            table.add_row(variant, *(f"{shares[cut]:.1f}" for cut in cuts))
        console.print(table)
    without = document["tasks"] - document["every"]["tasks"]
    console.print(f"{document['tasks']} tasks, {without} of them without a name that another file defines: left out")
    for name in ("wall_ms", "processor_ms"):
        times = document[name]
        console.print(
            f"a task's candidates, {name.replace('_ms', '')}: {times['p50']:.1f} ms (p50), {times['p95']:.1f} ms (p95)"
        )


def print_confidence_curve(points: Iterable[CurvePoint]) -> None:
    """Print what each threshold keeps, one row a threshold."""
    table = _table(
        "Unlikely answers withheld", "confidence at least", ["shown %", "right of those %", "right ones lost %"]
    )
    for point in points:
        precision = "–" if point.precision is None else f"{point.precision:.1f}"
        table.add_row(f"{point.threshold:g}", f"{point.coverage:.1f}", precision, f"{point.lost:.1f}")
    Screen().print(table)


def print_beginnings_curve(whose: str, points: Sequence[BeginningsPoint]) -> None:
    """Print what beginnings bring, one row a likelihood; the first is of whole answers only."""
    columns = ["shown", "right characters", "against whole answers %", "wrong of those shown %", "right ones cut"]
    table = _table(f"Sure beginnings {whose}", "likelihood at least", columns)
    for point in points:
        more = 100 * point.right_chars / points[0].right_chars - 100 if points[0].right_chars else None
        table.add_row(
            "whole answers" if point.least is None else f"{point.least:g}",
            str(point.num_shown),
            str(point.right_chars),
            "–" if more is None else f"{more:+.1f}",
            "–" if point.wrong_share is None else f"{point.wrong_share:.1f}",
            str(point.num_cut),
        )
    Screen().print(table)


def _table(title: str, first_column: str, columns: Iterable[str]) -> Table:
    table = Table(first_column, title=title)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _print_against(console: Screen, first: str, other: AgainstFirst) -> None:
    table = Table("metric", "difference", "95% interval", title=f"{other.label} against {first}")
    for name, interval in other.intervals.items():
        is_clear = interval.low > 0 or interval.high < 0
        style = "bold" if is_clear else "dim"
        table.add_row(name, f"{interval.mean:+.2f}", f"{interval.low:+.2f} … {interval.high:+.2f}", style=style)
    console.print(table)
    solved = other.solved
    console.print(
        f"solved by both {solved.both}, only by {first} {solved.only_first}, "
        f"only by {other.label} {solved.only_second}, by neither {solved.neither} "
        f"(McNemar's exact p {solved.p_value:.3g})"
    )
    _print_examples(console, f"only {other.label} solved", other.gained)
    _print_examples(console, f"only {first} solved", other.lost)


def _print_examples(console: Screen, title: str, examples: tuple[Difference, ...]) -> None:
    if not examples:
        return
    table = Table("task", "truth", "first", "second", title=title, show_lines=True)
    for example in examples:
        table.add_row(*(text.strip() for text in (example.task_id, example.target, example.first, example.second)))
    console.print(table)
