"""`codeassist complete`: one completion at a cursor.

`running` puts them together.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeassist.cli.completion.position import parse_position, split_at
from codeassist.terminal.console import Meter, notice, print_exactly, print_json
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option
from codeassist.terminal.shell_words import file_words, model_words

if TYPE_CHECKING:
    from codeassist.cli.sessions.completion_run import Outcome
    from codeassist.progress import Progress
    from codeassist.request import CompletionRequest
    from codeassist.settings import Settings


@click.command()
@click.argument("position", metavar="FILE:LINE:COL", shell_complete=file_words)
@click.option(
    "--stdin", "from_stdin", is_flag=True, help="Read the text from stdin instead of FILE, which may be unsaved."
)
@click.option("--max-lines", metavar="N|unlimited", help="Complete at most this many lines.")
@click.option("--max-new-tokens", metavar="N", help="Complete at most this many tokens.")
@click.option(
    "--model",
    metavar="NAME|PATH",
    shell_complete=model_words,
    help="Use this model (`codeassist models list`), GGUF file or folder.",
)
@click.option(
    "--context", type=click.Choice(["none", "lexical", "full", "learned"]), help="What of other files to use."
)
@click.option("--no-server", is_flag=True, help="Load the model here, even if a running server has it.")
@click.option(
    "--explain",
    "wants_explanation",
    is_flag=True,
    help="Say on stderr which snippets were used and why, and what monitors did.",
)
@set_option
@json_option
@debug_option
def complete(
    position: str,
    from_stdin: bool,
    max_lines: str | None,
    max_new_tokens: str | None,
    model: str | None,
    context: str | None,
    no_server: bool,
    wants_explanation: bool,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Complete at a cursor and print the text to insert.

    A running server (`codeassist serve`, which editors start) answers if it has the same model.

    LINE and COL count from 1, COL in Unicode characters: COL 1 stands before a line's first character.

    \b
    Examples:
      codeassist complete src/app.py:12:9
      codeassist complete src/app.py:12:9 --max-lines unlimited --explain
      codeassist complete src/app.py:12:9 --stdin --json < unsaved.py
      codeassist complete src/app.py:12:9 --set monitor.mode=off
    """
    from codeassist.cli.completion.completion_report import as_document, explain
    from codeassist.cli.completion.source_text import read_file, read_stdin
    from codeassist.cli.sessions.repository import find_root, name_of
    from codeassist.request import CompletionRequest

    cursor = parse_position(position)
    file = Path(cursor.file)
    text = read_stdin() if from_stdin else read_file(file)
    prefix, suffix = split_at(text, cursor)
    folder = file.parent.resolve()
    root = find_root(folder)
    settings = resolve_settings(
        root,
        assignments,
        {
            "--max-lines": ("completion.max_lines", max_lines),
            "--max-new-tokens": ("completion.max_new_tokens", max_new_tokens),
            "--model": ("model.name", model),
            "--context": ("context.mode", context),
        },
    ).settings
    request = CompletionRequest(
        path=(folder / file.name).relative_to(root).as_posix() if root is not None else file.name,
        prefix=prefix,
        suffix=suffix,
        max_new_tokens=settings.completion.max_new_tokens,
        max_lines=settings.completion.max_lines,
        root=None if root is None else str(root),
        repository=name_of(root, file),
        # Without context the index is not brought up to date, and what it does not know would not exist.
        monitor_deadline_ms=settings.monitor.patient_wait_ms if settings.context.mode != "none" else None,
    )
    with Meter() as meter:
        outcome = _trimmed(_complete(request, root, settings, meter, asks_servers=not no_server), request)
    if as_json:
        print_json(as_document(outcome, cursor))
        return
    told = _told_nothing(outcome, suffix)
    for line in (*outcome.completion.trace.notices, *([told] if told else [])):
        notice(line)
    if outcome.completion.text:
        print_exactly(outcome.completion.text)
    if wants_explanation:
        from codeassist.terminal.screen import Screen

        explain(outcome, Screen(stderr=True))


def _complete(
    request: CompletionRequest, root: Path | None, settings: Settings, progress: Progress, *, asks_servers: bool
) -> Outcome:
    """Return a running server's answer, or else this process's own."""
    from codeassist.cli.sessions.completion_run import ServerNote, run_completion

    if settings.remote.url is not None:
        reason = "a remote engine is set (remote.url)"
        return replace(run_completion(request, root, settings, progress), server=ServerNote(reason=reason))
    if settings.context.rounds > 1:  # an editor's server looks again after an answer, not before it
        reason = "context.rounds is set"
        return replace(run_completion(request, root, settings, progress), server=ServerNote(reason=reason))
    if not asks_servers:
        return replace(run_completion(request, root, settings, progress), server=ServerNote(reason="--no-server"))
    from codeassist.cli.server.served_completion import NobodyAnswered, ask_servers

    answered = ask_servers(request, root, settings, progress)
    if not isinstance(answered, NobodyAnswered):
        return answered
    outcome = run_completion(request, root, settings, progress)
    completion = outcome.completion
    if answered.is_notable:
        completion = completion.after(answered.reason)
    return replace(outcome, completion=completion, server=ServerNote(reason=answered.reason))


def _trimmed(outcome: Outcome, request: CompletionRequest) -> Outcome:
    """The outcome with what can be inserted at the cursor as it is; `raw_text` stays what the model said."""
    from codeassist.completion.beginnings import as_fitted
    from codeassist.completion.stops import with_line_end
    from codeassist_indexer.open_document.reader import READER

    place = READER.place(request.prefix, request.suffix, request.path, request.language)
    said = with_line_end(outcome.completion.text, outcome.completion.raw_text)
    fitted = place.fit(said)
    text = place.trim(said)
    completion = replace(outcome.completion, text=text, sure=as_fitted(outcome.completion.sure, text) or text)
    return replace(outcome, completion=completion, replacement=fitted if fitted.num_replaced else None)


def _told_nothing(outcome: Outcome, suffix: str) -> str | None:
    """Why there is nothing to insert, for people; None where there is something."""
    found = outcome.replacement
    if outcome.completion.text:
        return None
    if found is None:
        return "nothing to insert here: the model's answer is empty (--explain tells what it was given)"
    return f"nothing can be inserted here; {found.text!r} would take the place of {suffix[: found.num_replaced]!r}"
