"""`codeassist eval`: its commands by name, each imported when it is used."""

from __future__ import annotations

import click

from codeassist.terminal.deferred_command import DeferredCommand
from codeassist.terminal.options import debug_option


@click.group("eval")
@debug_option
def eval_group() -> None:
    """Measure completions on benchmarks and on your own repository."""


_COMMANDS = {
    "run": "Complete a benchmark's tasks and score them.",
    "score": "Score anybody's predictions.",
    "compare": "Compare runs with the first one.",
    "confidence": "Show what withholding unlikely answers keeps.",
    "edits": "Find and propose next edits, and score them.",
    "edit-history": "See what the last edits bring to completions.",
    "make": "Cut tasks from any repository.",
    "make-edits": "Cut next-edit tasks from commits.",
    "dereferences": "Cut tasks again at members.",
    "analysis": "Ask the analysis at places whose name is known.",
    "recall": "Look whether candidates have what is needed.",
    "reward": "Score candidates by what they bring.",
    "train-ranker": "Train what chooses a prompt's snippets.",
    "train-retriever": "Train the encoder of learned retrieval.",
    "train-edits": "Fine-tune a model for next edits.",
    "calibrate-edits": "Fit when a next edit is shown.",
    "train-sites": "Train what finds the next edit's place.",
    "typed-names": "See whether each typed letter helps.",
    "typed-words": "See what typing does to the snippets.",
}

for _name, _short_help in _COMMANDS.items():
    _module = _name.replace("-", "_")
    eval_group.add_command(
        DeferredCommand(_name, f"codeassist_eval.cli.eval.{_module}", f"{_module}_command", _short_help)
    )
