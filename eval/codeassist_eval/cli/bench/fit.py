"""`codeassist bench fit`: whether answers that are right come out right in the file."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import print_json
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import seed_option
from codeassist_eval.fitting.place_kinds import PLACE_KINDS


@click.command("fit")
@click.option(
    "--files",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Folder of source files, in any languages.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=500, show_default=True, help="Places of each kind and language."
)
@click.option("--language", "languages", multiple=True, help="Only this language; may be repeated.")
@click.option("--kind", "kinds", type=click.Choice(list(PLACE_KINDS)), multiple=True, help="Only this kind of place.")
@click.option("--examples", type=click.IntRange(min=0), default=5, show_default=True, help="Wrong places to print.")
@seed_option
@json_option
@debug_option
def fit_command(
    files: Path,
    limit: int,
    languages: tuple[str, ...],
    kinds: tuple[str, ...],
    examples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Measure fitting: answers that are what stands in real files, at places as an editor makes them.

    \b
    Example:
      codeassist bench fit --files ~/src --json
    """
    from random import Random

    from codeassist.terminal.screen import Screen
    from codeassist_eval.fitting.fit_figures import fit_table, measure_fitting
    from codeassist_eval.fitting.source_file import read_source_files

    measured = {
        language: measure_fitting(found, kinds or tuple(PLACE_KINDS), limit, f"{seed} {language}")
        for language, found in read_source_files(files, Random(seed)).items()
        if not languages or language in languages
    }
    if as_json:
        documents = {
            language: {kind: figures.document(examples) for kind, figures in by_kind.items()}
            for language, by_kind in measured.items()
        }
        print_json({"seed": seed, "limit": limit, "languages": documents})
    else:
        Screen().print(fit_table(measured))
