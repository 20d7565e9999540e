"""`codeassist bench jump`: what waiting for new snippets costs and brings after a jump within a file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.options import (
    FILE,
    limit_option,
    model_option,
    prompt_tokens_option,
    repos_option,
    seed_option,
    tasks_option,
    threads_option,
)


@click.command("jump")
@tasks_option
@repos_option
@model_option
@click.option(
    "--snippets-ms",
    "waits",
    type=click.FloatRange(min=0),
    multiple=True,
    default=(100.0,),
    show_default=True,
    help="Wait for new snippets so long; may be given again.",
)
@limit_option(60)
@prompt_tokens_option(2048)
@threads_option
@seed_option
@click.option("--out", type=FILE, help="Folder for answers.jsonl, with each answer.")
@set_option
@json_option
@debug_option
def jump_command(
    tasks_path: Path,
    repos: Path,
    model: str | None,
    waits: tuple[float, ...],
    limit: int,
    prompt_tokens: int,
    threads: int | None,
    seed: int,
    out: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Complete at another line of each file, then at the task's: with new snippets as far as they are read in time,
    and with all of them.

    \b
    Example:
      codeassist bench jump --tasks dev.jsonl --repos dev_repos.tar.xz --limit 60
    """
    import json

    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.cli.bench.engines import live_engine
    from codeassist_eval.contexts.rankers import LearnedContext, Rankers
    from codeassist_eval.contexts.registry import open_contexts
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.speed.jumping import figures_of, jump
    from codeassist_eval.tasks.completer import PipelineCompleter
    from codeassist_eval.tasks.paired_bootstrap import bootstrap
    from codeassist_eval.tasks.repositories import open_repositories
    from codeassist_eval.tasks.task import sample

    chosen = sample(load_tasks(tasks_path), limit, seed)
    asked = (*sorted(waits), None)
    with Meter() as meter:
        engine = live_engine(model, assignments, Limits(50, 1, 0), prompt_tokens, threads, meter)
        repositories = open_repositories(repos, engine.cache_folder / "repositories")
        repositories.require_all(chosen)
        session = engine.open_session(meter, speculate=False)
        session.engine.model.wait()
        indexes, rankers = engine.cache_folder / "indexes", Rankers(LearnedContext())
        with open_contexts(
            "learned", chosen, repositories, indexes, PipelineCompleter(session), rankers
        ) as retriever_for:
            jumps = jump(session, chosen, retriever_for, asked, seed, meter)
    figures = figures_of(jumps, asked)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        rows = [
            {
                "task_id": each.task.task_id,
                "truth": each.task.groundtruth,
                "answers": [answer.text for answer in each.answers],
                "scores": [dict(found.values) for found in each.scores],
                "read_ms": [answer.trace.stage_ms["prefill"] for answer in each.answers],
            }
            for each in jumps
        ]
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (out / "answers.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if as_json:
        print_json({"model": session.model_name, "figures": [dataclasses.asdict(each) for each in figures]})
        return
    from rich.table import Table

    from codeassist.terminal.screen import Screen

    table = Table("new snippets are waited for", "read, ms p50", "p95", "EM", "ES", "snippets", "hasty")
    table.title = f"{session.model_name}, the first answer after a jump, {len(jumps)} files"
    for column in table.columns[1:]:
        column.justify = "right"
    for each in figures:
        table.add_row(
            "all of them" if each.snippets_ms is None else f"{each.snippets_ms:g} ms",
            f"{each.read_ms['p50']:,.0f}",
            f"{each.read_ms['p95']:,.0f}",
            f"{each.metrics['em']:.1f}",
            f"{each.metrics['es']:.1f}",
            f"{each.snippets_mean:g}",
            f"{each.num_hasty}",
        )
    all_of_them = [each.scores[-1].values["es"] for each in jumps]
    found = [bootstrap(all_of_them, [each.scores[n].values["es"] for each in jumps], seed) for n in range(len(waits))]
    table.caption = "edit similarity less than with all of them: " + "; ".join(
        f"{wait:g} ms {each.mean:+.1f} ({each.low:+.1f} to {each.high:+.1f})"
        for wait, each in zip(sorted(waits), found, strict=True)
    )
    Screen().print(table)
