"""`codeassist bench trim`: what trimming does to answers at places of real code."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import print_json
from codeassist.terminal.options import debug_option, json_option
from codeassist_eval.cli.options import FILE, seed_option


@click.command("trim")
@click.option(
    "--repos",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Folder of source files in any of the languages.",
)
@click.option(
    "--places", "num_places", type=click.IntRange(min=1), default=1000, show_default=True, help="Of a language."
)
@seed_option
@click.option("--failures", type=FILE, help="Write the cases that went wrong to a JSON-lines file.")
@json_option
@debug_option
def trim_command(repos: Path, num_places: int, seed: int, failures: Path | None, as_json: bool) -> None:
    """Measure trimming at random places of real code: how often an answer equals what stood there.

    \b
    Example:
      codeassist bench trim --repos ~/src --places 2000
    """
    import random

    from rich.console import Console

    from codeassist_eval.speed.trimming import failure_lines, measure, read_files, trim_document, trim_table

    measured = {
        language: measure(files, num_places, random.Random(f"{seed} {language}"))
        for language, files in read_files(repos, random.Random(seed)).items()
    }
    if failures is not None:
        failures.write_text("".join(failure_lines(measured)))
    if as_json:
        print_json({"seed": seed, "languages": {name: trim_document(each) for name, each in measured.items()}})
    else:
        Console().print(trim_table(measured))
