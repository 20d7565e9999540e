"""`codeassist bench`: its commands by name, each imported when it is used."""

from __future__ import annotations

import click

from codeassist.terminal.deferred_command import DeferredCommand
from codeassist.terminal.options import debug_option


@click.group("bench")
@debug_option
def bench_group() -> None:
    """Measure speed, and how well answers fit.

    `codeassist docs benchmarks` says what each figure means.
    """


_COMMANDS = {
    "engine": "Measure prefill and decoding.",
    "typing": "Replay editing sessions.",
    "kernels": "Measure the kernels that multiply.",
    "accuracy": "Measure how near int8 stays to float32.",
    "order": "Compare orders of a prompt.",
    "edits": "Measure how fast next edits come.",
    "lsp": "Measure the language server.",
    "start": "Measure the start of the language server.",
    "reopen": "Measure files opened again.",
    "jump": "Measure jumps within a file.",
    "remote": "Put a completions server under load.",
    "monitor": "Complete with and without monitors.",
    "gpu": "Measure and check the engine on a GPU.",
    "fit": "Measure fitting answers on real files.",
    "index": "Measure the index on a large tree.",
    "retrieval": "Measure the search for candidates.",
}

for _name, _short_help in _COMMANDS.items():
    bench_group.add_command(
        DeferredCommand(_name, f"codeassist_eval.cli.bench.{_name}", f"{_name}_command", _short_help)
    )
