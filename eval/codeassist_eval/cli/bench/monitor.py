"""`codeassist bench monitor`: what holding names to static analysis brings, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.options import (
    limit_option,
    model_option,
    repos_option,
    run_folder_option,
    seed_option,
    tasks_option,
)


@click.command("monitor")
@model_option
@tasks_option
@repos_option
@click.option("--kind", "kinds", multiple=True, help="Only tasks of this kind (member, args). May be repeated.")
@limit_option()
@seed_option
@run_folder_option(required=False)
@set_option
@json_option
@debug_option
def monitor_command(
    model: str | None,
    tasks_path: Path,
    repos: Path,
    kinds: tuple[str, ...],
    limit: int | None,
    seed: int,
    out: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Complete tasks with and without monitors: next identifier, exact match, names that exist, cost of a mask.

    \b
    Example:
      codeassist bench monitor --tasks dev.jsonl --repos dev_repos.tar.xz --kind member --kind args --out bench/monitor
    """
    from codeassist.models.checksums import sha256_of
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.engines.local_engine import local_engine
    from codeassist_eval.errors import EvaluationError
    from codeassist_eval.runs.run_folder import write_json
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.monitor import MAX_NEW_TOKENS, MonitorBench, monitor_log, run_monitor_bench
    from codeassist_eval.speed.monitor_figures import figures
    from codeassist_eval.tasks.repositories import open_repositories
    from codeassist_eval.tasks.task import sample

    tasks = sample([task for task in load_tasks(tasks_path) if not kinds or task.kind in kinds], limit, seed)
    if not tasks:
        raise EvaluationError(f"{tasks_path}: no task of kind {', '.join(kinds)}")
    limits = Limits(MAX_NEW_TOKENS, 1, 0)
    with Meter() as meter:
        local = local_engine(model, assignments, limits, meter)
        repositories = open_repositories(repos, local.cache_folder / "repositories")
        repositories.require_all(tasks)
        deadline_ms = float(local.settings.monitor.deadline_ms)
        identity = {
            "tasks_sha256": sha256_of(tasks_path),
            "tasks": [task.task_id for task in tasks],
            "model_sha256": local.model_sha256,
            "settings": local.recorded_settings(limits),
            "deadline_ms": deadline_ms,
        }
        log = None if out is None else monitor_log(out, identity)
        bench = MonitorBench(  # without drafts: a pass over one takes a time of its own
            lambda analysts: local.open_session(meter, speculate=False, analysts=analysts),
            repositories,
            local.cache_folder / "indexes",
            local.settings,
        )
        try:
            records = run_monitor_bench(bench, tasks, log, meter)
        finally:
            bench.close()
            bench.session.close()
    document = {"model": bench.session.model_name, "deadline_ms": deadline_ms, **figures(records)}
    if out is not None:
        write_json(out / "monitor.json", document)
    if as_json:
        print_json(document)
    else:
        _print(document)


def _print(document: Mapping[str, Any]) -> None:
    from rich.table import Table

    from codeassist.terminal.screen import Screen

    title = f"{document['model']}, {document['tasks']} tasks, names waited for {document['deadline_ms']:.0f} ms at most"
    table = Table(
        "", "tasks", "active", "next identifier", "EM", "members exist", "parses", "truth excluded", title=title
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for entry in (*document["by_kind"], document):
        name = f"{entry['language']} {entry['kind']}" if "kind" in entry else "all"
        exist = {arm: each["percent"] for arm, each in entry["members_exist"].items()}
        excluded = entry["truth_excluded"]
        table.add_row(
            name,
            str(entry["tasks"]),
            str(entry["active"]["tasks"]),
            *(_arms(each) for each in (entry["next_identifier_match"], entry["em"], exist, entry["parses"])),
            f"{excluded['excluded']} of {excluded['places_known']}",
        )
    console = Screen()
    console.print(table)
    console.print("Two figures: with and without monitors, in percent.")
    console.print(f"forbidden though the model was sure: {document['suspected_wrong']} (suspected wrong exclusions)")
    for why, count in document["wrong_by_class"].items():
        console.print(f"wrong next identifier with monitors: {count} × {why}")
    if document["mask_ms_p50"] is not None:
        console.print(
            f"a mask: p50 {document['mask_ms_p50']:.3f} ms, p95 {document['mask_ms_p95']:.3f} ms a token, "
            f"{document['mask_percent_of_decode']} % of decoding",
        )
    for what, entry in (("a token", document), ("a token where names were weighed", document["whole_names"])):
        if entry["token_ms"]["with"] is not None:
            console.print(
                f"{what}: {_halves(entry['token_ms']['with'])} with, {_halves(entry['token_ms']['without'])} without"
            )
    weighed = document["whole_names"]
    if weighed["ms"] is not None:
        console.print(f"choosing between whole names: {weighed['times']} times, {_halves(weighed['ms'])}")


def _halves(ms: Mapping[str, float] | None) -> str:
    return "–" if ms is None else f"p50 {ms['p50']:.1f} ms, p95 {ms['p95']:.1f} ms"


def _arms(values: Mapping[str, float | None]) -> str:
    return " / ".join("–" if values[arm] is None else f"{values[arm]:.1f}" for arm in ("with", "without"))
