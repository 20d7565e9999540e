"""`codeassist eval train-retriever`: the encoder of the learned retrieval, from repositories and rewards."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, set_option
from codeassist_eval.cli.options import FILE, run_folder_option, seed_option

_FOLDS = 5


@click.command("train-retriever")
@click.option("--repos", type=FILE, multiple=True, required=True, help="Folder or *_repos.tar.xz of repositories.")
@click.option("--rewards", type=FILE, multiple=True, help="A folder of `eval reward`.")
@click.option("--tasks", "task_paths", type=FILE, multiple=True, help="The tasks that the rewards are of.")
@run_folder_option(required=True)
@click.option(
    "--fold", "folds", type=click.IntRange(0, _FOLDS - 1), multiple=True,
    help="Leave out the repositories of this fold, and measure on them.",
)  # fmt: skip
@click.option("--whole", is_flag=True, help="Besides folds, train on everything, into OUT/all.")
@click.option("--rounds", type=click.IntRange(min=1), default=1, show_default=True,
              help="Further rounds score what the present encoder finds, with --model.")  # fmt: skip
@click.option("--model", metavar="NAME", help="Of further rounds: the model that rewards (`codeassist models list`).")
@click.option("--candidates", type=click.IntRange(1, 32), default=4, show_default=True,
              help="Of further rounds: new ones a task.")  # fmt: skip
@click.option("--steps", type=click.IntRange(min=0), help="Of training without rewards.")
@click.option("--reward-steps", type=click.IntRange(min=0), help="Of each round of training with rewards.")
@click.option("--recall-tasks", type=click.IntRange(min=0), default=100, show_default=True,
              help="Of each fold: so many tasks are looked for in whole indexes.")  # fmt: skip
@seed_option
@set_option
@json_option
@debug_option
def train_retriever_command(
    repos: tuple[Path, ...],
    rewards: tuple[Path, ...],
    task_paths: tuple[Path, ...],
    out: Path,
    folds: tuple[int, ...],
    whole: bool,
    rounds: int,
    model: str | None,
    candidates: int,
    steps: int | None,
    reward_steps: int | None,
    recall_tasks: int,
    seed: int,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train the encoder that learned retrieval searches by: without labels, then by what helps a model.

    \b
    Examples:
      codeassist eval train-retriever --repos dev_repos.tar.xz --out retriever
      codeassist eval train-retriever --repos dev_repos.tar.xz --rewards rewards --tasks dev.jsonl --fold 0 --out cv

    Writes OUT/encoder.safetensors; with --fold OUT/fold-N/encoder.safetensors and OUT/figures.json.
    """
    from codeassist_eval.training.retriever.run import Request, run_training

    request = Request(repos, rewards, task_paths, out, folds, whole, rounds, model, candidates, steps, reward_steps,
                      recall_tasks, seed, assignments)  # fmt: skip
    with Meter() as meter:
        document = run_training(request, meter)
    if as_json:
        print_json(document)
    else:
        from codeassist_eval.training.retriever.figures import print_figures

        print_figures(document)
