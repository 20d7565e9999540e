"""`codeassist eval reward`: the data that retrieval learns from."""

from __future__ import annotations

from pathlib import Path

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


@click.command("reward")
@tasks_option
@repos_option
@model_option
@run_folder_option(required=True)
@limit_option()
@seed_option
@click.option("--candidates", type=click.IntRange(min=1, max=80), default=16, show_default=True, help="Of each task.")
@click.option(
    "--file-tokens", type=click.IntRange(min=64), default=512, show_default=True, help="Of the task's own file."
)
@set_option
@json_option
@debug_option
def reward_command(
    tasks_path: Path,
    repos: Path,
    model: str | None,
    out: Path,
    limit: int | None,
    seed: int,
    candidates: int,
    file_tokens: int,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Score candidates: by how much each, alone in the prompt, raises the likelihood of what truly comes.

    \b
    Example:
      codeassist eval reward --tasks dev.jsonl --repos dev_repos.tar.xz --out rewards

    One JSON object a task in OUT/rewards.jsonl: candidates with their facts, their rewards in nats, and each token's
    log-probability. Half of the candidates are those that the shipped ranker puts first.
    """
    import dataclasses
    from contextlib import closing

    from codeassist.models.checksums import sha256_of
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.contexts.index_context import IndexContexts
    from codeassist_eval.engines.local_engine import local_engine
    from codeassist_eval.runs.run_folder import write_json
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.tasks.repositories import open_repositories
    from codeassist_eval.tasks.task import sample
    from codeassist_eval.training.rewards.reward import (
        RewardPlan,
        measure_rewards,
        reward_log,
        reward_settings,
    )
    from codeassist_eval.training.rewards.reward_figures import print_rewards, reward_figures
    from codeassist_indexer.retrieval.ranking.ranker import load_ranker

    tasks = sample(load_tasks(tasks_path), limit, seed)
    plan = RewardPlan(candidates, file_tokens)
    settings = (*reward_settings(plan), *assignments)
    limits = Limits(64, 1, 0)
    with Meter() as meter:
        local = local_engine(model, settings, limits, meter)
        repositories = open_repositories(repos, local.cache_folder / "repositories")
        repositories.require_all(tasks)
        identity = {
            "tasks_sha256": sha256_of(tasks_path),
            "tasks": [task.task_id for task in tasks],
            "model_sha256": local.model_sha256,
            "format": local.settings.model.format,
            "plan": dataclasses.asdict(plan),
        }
        log = reward_log(out, identity)
        session = local.open_session(meter)
        with closing(session), closing(IndexContexts(repositories, local.cache_folder / "indexes", "full")) as contexts:
            records = measure_rewards(session, contexts, tasks, plan, log, meter, load_ranker())
    document = reward_figures(records)
    write_json(out / "figures.json", document)
    if as_json:
        print_json(document)
    else:
        print_rewards(document, out)
