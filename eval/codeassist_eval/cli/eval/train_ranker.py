"""`codeassist eval train-ranker`: the ranker of candidates, from measured rewards and from names."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import FILE, seed_option


@click.command("train-ranker")
@click.option(
    "--data",
    type=(FILE, FILE, FILE),
    multiple=True,
    required=True,
    metavar="REWARDS TASKS REPOS",
    help="A folder of `eval reward`, the task file that it was made of, and its repositories. May be given again.",
)
@click.option("--out", type=FILE, required=True, help="Folder for ranker.safetensors, fold-*.safetensors, figures.")
@click.option(
    "--places",
    type=click.IntRange(min=0),
    default=24,
    show_default=True,
    help="Places of each repository whose rewards are guessed from names. 0: none.",
)
@click.option("--encoders", type=FILE, help="Folder of train-retriever --whole: fold-0/ … fold-4/, all/.")
@click.option("--stop-gain", type=float, default=0.3, show_default=True, help="Nats that a snippet must bring.")
@click.option("--epochs", type=click.IntRange(min=1), default=40, show_default=True, help="Over measured rewards.")
@seed_option
@json_option
@debug_option
def train_ranker_command(
    data: tuple[tuple[Path, Path, Path], ...],
    out: Path,
    places: int,
    encoders: Path | None,
    stop_gain: float,
    epochs: int,
    seed: int,
    as_json: bool,
) -> None:
    """Train what chooses a prompt's snippets, and judge it on repositories that it never saw (5 folds).

    \b
    Example:
      codeassist eval train-ranker --data rewards/dev dev.jsonl dev_repos.tar.xz --out ranker
      codeassist eval run --context learned --ranker ranker --tasks dev.jsonl --repos dev_repos.tar.xz --out run

    The same data and the same seed give the same files on the same machine.
    """
    from codeassist_eval.engines.local_engine import evaluation_cache
    from codeassist_eval.runs.run_folder import write_json
    from codeassist_eval.training.ranker.data import read_material
    from codeassist_eval.training.ranker.figures import print_orders
    from codeassist_eval.training.ranker.study import train_folds
    from codeassist_eval.training.ranker.training import TrainingPlan

    cache = evaluation_cache()
    with Meter() as meter:
        material, about = read_material(data, encoders, places, seed, cache, out, meter)
        plan = TrainingPlan(epochs=epochs, seed=seed)
        document = train_folds(material, plan, {**about, "stop_gain": str(stop_gain)}, out, meter)
    write_json(out / "figures.json", document)
    if as_json:
        print_json(document)
    else:
        print_orders(document["orders"])
