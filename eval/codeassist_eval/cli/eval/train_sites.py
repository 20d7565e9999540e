"""`codeassist eval train-sites`: the ranker of lines that finds where the next edit lies."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import FILE, seed_option


@click.command("train-sites")
@click.option(
    "--tasks", "task_paths", type=FILE, multiple=True, required=True, help="Of `eval make-edits`. May be given again."
)
@click.option("--out", type=FILE, required=True, help="Folder for ranker.safetensors and figures.json.")
@click.option("--judge", type=FILE, multiple=True, help="Tasks of other repositories to judge it by.")
@click.option("--folds/--no-folds", default=True, help="Also judge rankers on repositories that they never saw.")
@seed_option
@json_option
@debug_option
def train_sites_command(
    task_paths: tuple[Path, ...], out: Path, judge: tuple[Path, ...], folds: bool, seed: int, as_json: bool
) -> None:
    """Train what finds the place of the next edit, and judge it on repositories that it never saw.

    \b
    Example:
      codeassist eval make-edits --out train.jsonl ~/src/one ~/src/two ~/src/three ~/src/four
      codeassist eval train-sites --tasks train.jsonl --out sites

    The same tasks and the same seed give the same files on the same machine.
    """
    from codeassist_eval.edits.edit_task import read_edit_tasks
    from codeassist_eval.edits.figure_table import print_figures
    from codeassist_eval.runs.run_folder import write_json
    from codeassist_eval.training.sites.boosting import lightgbm
    from codeassist_eval.training.sites.examples import read_examples
    from codeassist_eval.training.sites.study import about_tasks, cross_validate, judge_all
    from codeassist_eval.training.sites.training import SitePlan, train_sites

    lightgbm()
    tasks = [task for path in task_paths for task in read_edit_tasks(path)]
    plan = SitePlan(seed=seed)
    with Meter() as meter:
        examples = read_examples(tasks, meter)
        document = {"seed": seed, "repositories": dict(about_tasks(examples))}
        ranker = train_sites(examples, plan, progress=meter)
        ranker.save(out / "ranker.safetensors")
        if folds:
            document["folds"] = cross_validate(examples, plan, meter)
        for path in judge:
            document[path.stem] = judge_all(read_examples(read_edit_tasks(path), meter), ranker)
    write_json(out / "figures.json", document)
    if as_json:
        print_json(document)
    else:
        print_figures(document)
