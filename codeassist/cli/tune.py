"""`codeassist tune`: a ranker of your own repository, and what it brings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from codeassist.terminal.console import Meter, print_json, say
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option
from codeassist.terminal.shell_words import model_words


@click.command()
@click.argument("repository", metavar="[REPO]", type=click.Path(path_type=Path), default=Path())
@click.option("--report", "wants_report", is_flag=True, help="Show what the last tuning brought, and do nothing.")
@click.option("--reset", "wants_reset", is_flag=True, help="Delete this repository's ranker: the shipped one counts.")
@click.option(
    "--model", metavar="NAME|PATH", shell_complete=model_words, help="Score with this model (`codeassist models list`)."
)
@click.option("--places", type=click.IntRange(20, 10_000), default=60, show_default=True, help="Cut from its files.")
@click.option("--candidates", type=click.IntRange(2, 80), default=10, show_default=True, help="Scored for each place.")
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of the draw and the training.",
)
@set_option
@json_option
@debug_option
def tune(
    repository: Path,
    wants_report: bool,
    wants_reset: bool,
    model: str | None,
    places: int,
    candidates: int,
    seed: int,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Learn from the model which context helps in a repository.

    That is the one around REPO (the current folder). Places are cut from its files; the model says how much
    likelier each candidate from other files makes what truly stands there; a small ranker learns from that. A third
    of the files is held out: if the new ranker does not beat the old one there, the old one stays. Nothing leaves
    this machine. It can be interrupted and goes on where it was. With the defaults some 20 minutes on two cores, a
    minute on a GPU.

    \b
    Examples:
      codeassist tune
      codeassist tune ~/src/project --places 120
      codeassist tune --report
    """
    from codeassist.cli.sessions.repository import require_root
    from codeassist_indexer.retrieval.ranking.ranker import tuned_path
    from codeassist_indexer.storage.store import database_path

    if wants_report and wants_reset:
        raise click.UsageError("--report and --reset exclude each other")
    root = require_root(repository)
    settings = resolve_settings(root, assignments, {"--model": ("model.name", model)}).settings
    own = tuned_path(settings.places.data, database_path(root, settings.places.cache))
    folder = (
        settings.places.cache / "tune" / hashlib.sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    )
    if wants_reset:
        was_there = own.exists()
        own.unlink(missing_ok=True)
        say(f"{root}: {'its own ranker is deleted' if was_there else 'it has no ranker of its own'}")
        return
    from codeassist_eval.training.tuning import read_report

    if wants_report:
        _print(root, read_report(folder), as_json)
        return
    _print(root, _tune(root, folder, own, model, assignments, (places, candidates, seed)), as_json)


def _tune(
    root: Path, folder: Path, own: Path, model: str | None, assignments: tuple[str, ...], numbers: tuple[int, int, int]
) -> Mapping[str, Any]:
    from codeassist_eval.engines.local_engine import local_engine
    from codeassist_eval.runs.schedule import Limits
    from codeassist_eval.training.tuning import TuningPlan, tune_ranker, write_report
    from codeassist_indexer.retrieval.ranking.ranker import ranker_in_force
    from codeassist_indexer.retrieval.vectors.choice import encoder_in_force
    from codeassist_indexer.storage.store import database_path

    prompts = ("model.context_tokens=1088", "cache.mode=live", "monitor.mode=off")
    with Meter() as meter:
        local = local_engine(model, (*prompts, *assignments), Limits(64, 1, 0), meter)
        settings = local.settings
        former = ranker_in_force(settings.places.data, database_path(root, settings.places.cache))
        encoder = encoder_in_force(settings.context.encoder)
        with closing(local.open_session(meter)) as session:
            tuning = tune_ranker(root, session, former, encoder, TuningPlan(*numbers), folder, meter)
    if tuning.ranker is not None:
        tuning.ranker.save(own)
    write_report(folder, tuning.report)
    return tuning.report


def _print(root: Path, report: Mapping[str, Any], as_json: bool) -> None:
    from codeassist_eval.training.ranker.figures import print_orders

    if as_json:
        print_json(report)
        return
    print_orders(report["orders"])
    places = f"{report['held_out_places']} places in files that nothing was learned from"
    sureness = report["probability_better"]
    if sureness is None:
        say(f"{root}: there was no ranker; the new one is in use ({places})")
    elif report["is_kept"]:
        say(
            f"{root}: the new ranker is in use: {report['gain_nats']:+.2f} nats on {places}, better with a probability "
            f"of {100 * sureness:.0f} %. A running server takes it when it is started again."
        )
    else:
        say(
            f"{root}: the ranker that was there stays: the new one brings {report['gain_nats']:+.2f} nats on {places}, "
            f"better with a probability of {100 * sureness:.0f} %, and 80 % are asked for. More --places may help."
        )
