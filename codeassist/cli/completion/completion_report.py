"""A completion as a script reads it, and as a person does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from codeassist.cli.completion.position import Position
from codeassist.cli.sessions.completion_run import Outcome, ServerNote
from codeassist.completion.completion_json import rounded, to_document, told_of_act, told_of_late, told_of_sent

if TYPE_CHECKING:
    from rich.table import Table

    from codeassist.terminal.screen import Screen

_LINES_AROUND = 6


def as_document(outcome: Outcome, position: Position) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {
        **to_document(outcome.completion),
        "replacement": None if outcome.replacement is None else dataclasses.asdict(outcome.replacement),
        "file": position.file,
        "line": position.line,
        "column": position.column,
        "startup_ms": rounded(outcome.startup_ms),
        "server": {"pid": outcome.server.pid, "reason": outcome.server.reason},
    }


def explain(outcome: Outcome, console: Screen) -> None:
    """Print which snippets were used and why, where the time went, and what monitors did."""
    completion = outcome.completion
    trace = completion.trace

    def tell(line: str) -> None:
        console.print(line, soft_wrap=True)  # a path that is broken is none

    tell("Snippets in the prompt:" if completion.snippets else "No snippets from other files were used.")
    for used in completion.snippets:
        snippet = used.snippet
        of_package = "" if snippet.library is None else f"{snippet.library}: "
        tell(f"  {of_package}{snippet.path}:{snippet.start_line}-{snippet.end_line - 1}")
        tell(f"    {used.num_tokens} tokens, {snippet.source}: {snippet.reason}")
    if trace.late_sources:
        tell(told_of_late(trace.late_sources))
    console.print(_stage_table(outcome))
    tell(
        f"{completion.model}: {trace.num_prompt_tokens} prompt tokens, of them {trace.num_cached_tokens} "
        f"reused; {trace.num_new_tokens} new; ended by {completion.finish_reason}",
    )
    if completion.sure != completion.text:
        tell(f"sure is its beginning, which an editor shows first by itself: {completion.sure!r}")
    for act in trace.monitor_acts:
        tell(f"monitor: {told_of_act(act)}")
    tell(told_of_sent(trace.sent))
    tell(_who_answered(outcome.server))


def show_in_code(prefix: str, text: str, suffix: str, language: str, console: Screen) -> None:
    """Print the lines around the cursor with the completion highlighted among them."""
    from rich.syntax import Syntax

    before = "".join(prefix.splitlines(keepends=True)[-_LINES_AROUND:])
    behind = "".join(suffix.splitlines(keepends=True)[:_LINES_AROUND])
    syntax = Syntax("", language, theme="ansi_dark", background_color="default")
    code = syntax.highlight(before + text + behind)
    code.stylize("bold reverse green", len(before), len(before) + len(text))
    code.rstrip()
    console.print(code)


def _who_answered(server: ServerNote) -> str:
    if server.pid is not None:
        return f"answered by the running server, process {server.pid}"
    return f"answered by this process: {server.reason}" if server.reason else "answered by this process"


def _stage_table(outcome: Outcome) -> Table:
    from rich.table import Table

    table = Table(title="Time", title_justify="left", box=None, pad_edge=False)
    table.add_column("stage")
    table.add_column("ms", justify="right")
    for stage, took_ms in (*outcome.startup_ms.items(), *outcome.completion.trace.stage_ms.items()):
        table.add_row(stage, f"{took_ms:,.1f}")
    return table
