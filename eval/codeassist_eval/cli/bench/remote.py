"""`codeassist bench remote`: how a completions server bears many typists at once."""

from __future__ import annotations

from pathlib import Path

import click

from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option
from codeassist_eval.cli.options import (
    figures_folder_option,
    interval_option,
    prompt_tokens_option,
    rest_option,
    seed_option,
    tasks_option,
)


@click.command("remote")
@click.argument("url")
@click.option("--model", metavar="NAME", help="What the server calls the model, where it serves several.")
@click.option("--tokenizer", metavar="NAME", help="An installed model, a folder or a file, whose tokenizer it has.")
@tasks_option
@click.option("--typists", "num_typists", type=click.IntRange(min=1), default=4, show_default=True, help="At once.")
@click.option("--seconds", type=click.FloatRange(min=1), default=60.0, show_default=True, help="At most.")
@interval_option
@rest_option
@click.option("--debounce-ms", type=click.IntRange(min=0), default=75, show_default=True, help="Before a request.")
@prompt_tokens_option(2048)
@click.option("--max-new-tokens", type=click.IntRange(min=1), default=32, show_default=True, help="Of one answer.")
@click.option("--timeout-s", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help="Of a request.")
@seed_option
@click.option("--own-server", is_flag=True, help="The server is on another machine, and yours to put under load.")
@figures_folder_option
@set_option
@json_option
@debug_option
def remote_command(
    url: str,
    model: str | None,
    tokenizer: str | None,
    tasks_path: Path,
    num_typists: int,
    seconds: float,
    interval_ms: int,
    rest_ms: int,
    debounce_ms: int,
    prompt_tokens: int,
    max_new_tokens: int,
    timeout_s: float,
    seed: int,
    own_server: bool,
    out: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Let typists type real files at human speed, each key a request to the server at URL that the next one cancels.

    Only a server on this machine, unless --own-server says that another one is yours. Files are sent as they are,
    without looking for secrets in them.

    \b
    Example:
      codeassist bench remote http://127.0.0.1:8000/v1 --tasks dev.jsonl --typists 8 --out bench/remote
    """
    from codeassist.remote.tokenizer_files import tokenizer_of
    from codeassist_eval.benchmarks.crosscodeeval import load_tasks
    from codeassist_eval.speed.remote import endpoint_to_load, print_remote, remote_plot, run_remote_bench
    from codeassist_eval.speed.remote_load import LoadPlan
    from codeassist_eval.speed.report import write_figures
    from codeassist_eval.typing.typing_sessions import choose_sessions
    from codeassist_eval.typing.typist import Typist

    settings = resolve_settings(None, assignments, {"--tokenizer": ("remote.tokenizer", tokenizer)}).settings
    endpoint = endpoint_to_load(url, own_server)
    sessions = choose_sessions(load_tasks(tasks_path), num_typists, prompt_tokens, seed)
    typist = Typist(interval_ms / 1e3, rest_ms / 1e3)
    plan = LoadPlan(num_typists, typist, seconds, max_new_tokens, timeout_s, debounce_ms / 1e3)
    with Meter() as meter:
        meter("typing", 0, None)
        document = run_remote_bench(endpoint, model, tokenizer_of(settings), sessions, prompt_tokens, plan)
    if out is not None:
        write_figures(out, "remote", document, remote_plot(document))
    shown = {name: value for name, value in document.items() if name != "requests"}
    if as_json:
        print_json(shown)
    else:
        print_remote(shown)
