"""Options that several commands of `eval` and `bench` share: one name and one text for one thing.

`--json`, `--set` and `--debug` are those of every command (`codeassist.terminal.options`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from codeassist.terminal.shell_words import model_words
from codeassist_eval.tasks.task import LANGUAGES

_F = TypeVar("_F", bound=Callable[..., Any])
_Decorator = Callable[[_F], _F]

FILE = click.Path(path_type=Path)

tasks_option = click.option(
    "--tasks", "tasks_path", type=FILE, required=True, help="A task file in CrossCodeEval's format."
)
repos_option = click.option(
    "--repos", type=FILE, required=True, help="Folder or *_repos.tar.xz of the repositories of the tasks."
)
source_files_option = click.option(
    "--repos", type=click.Path(exists=True, path_type=Path), required=True, help="Folder or .tar.xz of repositories."
)
made_chunks_option = click.option(
    "--chunks", "num_chunks", type=click.IntRange(1), default=100_000, show_default=True, help="Of the made tree."
)
keep_option = click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Build the tree and its index in this folder, and use them again the next time. Without it: a temporary one.",
)
language_option = click.option("--language", type=click.Choice(LANGUAGES), help="Only files in this language.")
model_option = click.option(
    "--model",
    metavar="NAME|PATH",
    shell_complete=model_words,
    help="Use this model (`codeassist models list`), GGUF file or folder.",
)
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all that is drawn."
)
threads_option = click.option("--threads", type=click.IntRange(min=1), help="Of the model. Default: torch's.")
llama_option = click.option(
    "--llama-python", type=FILE, help="A Python that has llama-cpp-python, to measure it too, on the same GGUF file."
)
figures_folder_option = click.option(
    "--out", type=FILE, callback=lambda *given: _with_plots(given[-1]), help="Folder for the figures and the plot."
)
interval_option = click.option(
    "--interval-ms", type=click.IntRange(min=1), default=200, show_default=True, help="Between keystrokes."
)
rest_option = click.option(
    "--rest-ms", type=click.IntRange(min=1), default=1000, show_default=True, help="After each word."
)


def _with_plots(folder: Path | None) -> Path | None:
    """The folder; where plots cannot be drawn, say so before anything is measured."""
    if folder is not None:
        import codeassist.figures  # noqa: F401  # pyright: ignore[reportUnusedImport]
    return folder


def limit_option(default: int | None = None) -> _Decorator[Any]:
    """Add --limit."""
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=default,
        show_default=default is not None,
        help="Only so many tasks, drawn with --seed.",
    )


def run_folder_option(*, required: bool) -> _Decorator[Any]:
    """Add --out, of a command whose run can be interrupted."""
    return click.option(
        "--out", type=FILE, required=required, help="Folder of the run: one that was interrupted goes on."
    )


def prompt_tokens_option(default: int) -> _Decorator[Any]:
    """Add --prompt-tokens."""
    return click.option(
        "--prompt-tokens", type=click.IntRange(min=128), default=default, show_default=True, help="The longest prompt."
    )


def sessions_option(default: int, least: int = 1) -> _Decorator[Any]:
    """Add --sessions."""
    return click.option(
        "--sessions",
        "num_sessions",
        type=click.IntRange(min=least),
        default=default,
        show_default=True,
        help="Files that are typed into.",
    )
