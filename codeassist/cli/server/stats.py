"""`codeassist stats`: what became of the suggestions that editors showed, as counted on this machine.

It reads what servers have written.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codeassist.errors import CodeAssistError
from codeassist.terminal.console import notice, print_json, say
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option

if TYPE_CHECKING:
    from rich.table import Table

_BAR_WIDTH = 24


@click.command()
@click.option(
    "--days", type=click.IntRange(min=1), metavar="N", default=30, show_default=True, help="Of the last N days."
)
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.png", help="Also draw the figures as a PNG.")
@set_option
@json_option
@debug_option
def stats(days: int, plot: Path | None, assignments: tuple[str, ...], as_json: bool) -> None:
    """Say what became of the suggestions that were shown.

    How many were accepted and kept, and how long they took. Language servers count on this machine only: numbers,
    no text (`feedback.count` switches it off).

    \b
    Examples:
      codeassist stats
      codeassist stats --days 7 --json
      codeassist stats --plot stats.png
    """
    document = counted(resolve_settings(None, assignments).settings.places.data, days)
    if plot is not None:
        from codeassist_lsp.usage.feedback_plot import feedback_plot

        _write(plot, feedback_plot(document))
    if as_json:
        print_json(document)
    elif not document["suggestions"]:
        say(f"nothing was counted in the last {days} days: editors show suggestions, and their servers count")
    else:
        _print(document)
    if plot is not None:
        notice(f"drawn: {plot}")


def counted(data: Path, days: int) -> dict[str, Any]:
    """Return what was counted in the data folder in the last days, as `--json` prints it. Raises CodeAssistError."""
    from codeassist_lsp.usage.feedback_figures import figures
    from codeassist_lsp.usage.feedback_store import database_path, read

    path = database_path(data)
    return {"days": days, "file": str(path), **figures(read(path, time.time() - days * 86_400))}


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CodeAssistError(f"{path} cannot be written ({error.strerror}); choose another file for --plot") from error


def _print(document: Mapping[str, Any]) -> None:
    from codeassist.terminal.screen import Screen

    console = Screen()
    console.print(
        f"last {document['days']} days: {document['shown']:,} shown, {document['accepted']:,} accepted "
        f"({_share(document['acceptance_rate'])}), {document['accepted_in_part']:,} more in part; "
        f"{document['accepted_chars']:,} characters accepted, {_share(document['kept_share'])} of them still there "
        "30 s later",
        soft_wrap=True,
    )
    for title, groups in (("language", document["by_language"]), ("model", document["by_model"])):
        console.print()
        console.print(_acceptance(title, groups))
    for title, groups in (
        ("stage", document["latency_ms"]),
        ("language", _totals(document["by_language"])),
        ("model", _totals(document["by_model"])),
    ):
        console.print()
        console.print(_latencies(title, groups))


def _acceptance(title: str, groups: Mapping[str, Mapping[str, Any]]) -> Table:
    from rich.bar import Bar

    table = _table(title, "shown", "accepted", "rate", "kept", "")
    for name, found in groups.items():
        rate = found["acceptance_rate"]
        table.add_row(
            name,
            f"{found['shown']:,}",
            f"{found['accepted']:,}",
            _share(rate),
            _share(found["kept_share"]),
            Bar(1.0, 0.0, rate or 0.0, width=_BAR_WIDTH),
        )
    return table


def _latencies(title: str, groups: Mapping[str, Mapping[str, float]]) -> Table:
    from rich.bar import Bar

    table = _table(f"ms by {title}", "p50", "p90", "p95", "p99", "p50 to p95")
    longest = max((found["p95"] for found in groups.values()), default=0.0)
    for name, found in groups.items():
        numbers = [f"{found[percentile]:,.1f}" for percentile in ("p50", "p90", "p95", "p99")]
        bar = Bar(longest or 1.0, found["p50"], found["p95"], width=_BAR_WIDTH)
        table.add_row(name, *numbers, bar)
    return table


def _table(*headers: str) -> Table:
    from rich.table import Table

    table = Table(*headers, box=None, pad_edge=False)
    for column in table.columns[1:-1]:
        column.justify = "right"
    return table


def _totals(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, float]]:
    return {name: found["latency_ms"]["total"] for name, found in groups.items() if "total" in found["latency_ms"]}


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"
