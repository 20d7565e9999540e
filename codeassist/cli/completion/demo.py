"""`codeassist demo`: the whole way once, in this program's own sources: model, index, completion, reasons, times.

The place is one where the name to write stands only in another file.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codeassist.cli.completion.position import Position
from codeassist.terminal import console
from codeassist.terminal.console import Meter, print_json
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option

if TYPE_CHECKING:
    from codeassist.cli.sessions.completion_run import Outcome
    from codeassist.models.registry import Choice
    from codeassist.progress import Progress
    from codeassist.request import CompletionRequest
    from codeassist.settings import Settings

# A prompt that two slow cores read in seconds; nothing of the first completion may help or mislead the second; and only
# the program itself, so that the smallest model's answer does not turn with every change of a benchmark or a test.
_ASSIGNMENTS = ("model.context_tokens=1024", "cache.mode=exact", "index.exclude=eval,tests")


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the demo completes: after `anchor` in `file`, the rest of the line hidden; `name` would be right."""

    file: str
    anchor: str
    name: str
    defined_in: str


SCENE = Scene("codeassist/cli/health/diagnosis.py", '"cores": hardware.', "num_cores", "codeassist/models/hardware.py")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@set_option
@json_option
@debug_option
def demo(folder: Path, assignments: tuple[str, ...], as_json: bool) -> None:
    """Show the whole way on codeassist's own sources.

    They are looked for in FOLDER (the current one). Uses an installed model, or else fetches the smallest one for
    code.

    \b
    Examples:
      codeassist demo
      codeassist demo ~/src/codeassist --set model.name=smollm2-135m
    """
    from codeassist.cli.sessions.repository import bring_up_to_date, open_store, require_root
    from codeassist.models.registry import pull

    root = require_root(folder)
    cut = _cut(root, SCENE)
    settings = resolve_settings(root, (*_ASSIGNMENTS, *assignments)).settings
    say = _silence if as_json else console.say
    choice = _choose(settings)
    if choice.notice:
        console.notice(choice.notice)
    say(f"1. Model: {choice.entry.name} ({choice.entry.licence})")
    began = time.perf_counter()
    with Meter() as meter:
        installed = pull(choice.entry, settings, meter)
        with closing(open_store(root, settings)) as store:
            report = bring_up_to_date(store, root, settings, meter)
    say(f"2. Index of {root.name}: {report.num_files} files, {report.num_parsed} new, in {report.seconds:.1f} s")
    say(f"3. At {cut.position.file}:{cut.position.line}:{cut.position.column}; the rest of the line is hidden.")
    say(f"   The name to write stands only in another file, {SCENE.defined_in}.")
    with Meter() as meter:
        outcome, without = _complete(cut.request, root, settings, installed, meter)
    took_s = time.perf_counter() - began
    completion = outcome.completion
    found = completion.text.startswith(SCENE.name)
    if as_json:
        from codeassist.cli.completion.completion_report import as_document

        print_json(as_document(outcome, cut.position) | {"text_without_context": without, "is_right": found})
        return
    from codeassist.cli.completion.completion_report import explain, show_in_code
    from codeassist.terminal.screen import Screen

    say("4. The completion:\n")
    screen = Screen()
    show_in_code(cut.request.prefix, completion.text, cut.request.suffix, "python", screen)
    say(f"\n   without other files: {without!r}")
    say(f"   with other files:    {completion.text!r}" + ("" if found else f" (right would be {SCENE.name})"))
    if choice.entry.fills_in_the_middle is False:
        _say_what_a_model_for_code_would_do(choice.entry.name, say)
    say("\n5. Why:\n")
    explain(outcome, screen)
    for line in completion.trace.notices:
        say(f"note: {line}")
    say(f"\nAll of it took {took_s:.1f} s.")


@dataclass(frozen=True, slots=True)
class _Cut:
    request: CompletionRequest
    position: Position


def _cut(root: Path, scene: Scene) -> _Cut:
    """Return the request of the scene, with the rest of the line hidden. Raises RequestError without its source."""
    from codeassist.cli.completion.source_text import read_file
    from codeassist.cli.sessions.repository import name_of
    from codeassist.errors import RequestError
    from codeassist.request import CompletionRequest

    file = root / scene.file
    if not file.is_file():
        raise RequestError(f"{root}: holds no {scene.file}; run the demo in a checkout of codeassist's sources")
    head, anchor, tail = read_file(file).partition(scene.anchor)
    line_rest, newline, suffix = tail.partition("\n")
    prefix = head + anchor
    if not line_rest.startswith(scene.name) or scene.name in prefix + suffix:
        raise RequestError(f"{file}: does not fit the demo any more; update `SCENE`")
    line_start = prefix.rfind("\n") + 1
    position = Position(scene.file, prefix.count("\n") + 1, len(prefix) - line_start + 1)
    request = CompletionRequest(scene.file, prefix, newline + suffix, max_new_tokens=24, repository=name_of(root, file))
    return _Cut(request, position)


def _choose(settings: Settings) -> Choice:
    """Return the model that the settings name, for "auto" an installed one or else the smallest for code."""
    from codeassist.models.hardware import detect
    from codeassist.models.hub import is_hub_reachable
    from codeassist.models.registry import BUILT_IN, Choice, choose_fetchable, choose_installed, find_entry

    if settings.model.name != "auto":
        return Choice(find_entry(settings.model.name, settings))
    hardware = detect()
    if (installed := choose_installed(hardware, settings)) is not None:
        return installed
    return choose_fetchable(BUILT_IN[0], hardware, settings, is_hub_reachable)


def _complete(
    request: CompletionRequest, root: Path, settings: Settings, installed: Any, progress: Progress
) -> tuple[Outcome, str]:
    """Complete with context, then without; the first is the one whose times are told, for nothing is cached then."""
    from codeassist.cli.sessions.completion_run import Outcome
    from codeassist.cli.sessions.local_session import start_session
    from codeassist.cli.sessions.repository import open_context
    from codeassist.request import NoRetriever

    context = open_context(root, settings, progress)
    began = time.perf_counter()
    session = start_session(settings, installed, progress)
    load_ms = (time.perf_counter() - began) * 1000
    progress("complete", 0, None)
    completion = session.complete(request, context.retriever)
    without = session.complete(request, NoRetriever())
    return Outcome(completion, {"load model": load_ms}), without.text


def _say_what_a_model_for_code_would_do(name: str, say: Callable[[str], None]) -> None:
    from codeassist.cli.completion.recorded_demo import recorded_demo
    from codeassist.models.registry import BUILT_IN

    say(f"\n   {name} is small and general, and sees nothing behind the cursor: it shows the way, not what to expect.")
    say("   What a model for code, which fills in the middle, answers here:")
    for line in recorded_demo().told():
        say(line)
    say(f"   `codeassist models pull {BUILT_IN[0].name}` fetches one; --set model.name=PATH takes a file of yours.")


def _silence(line: str) -> None:
    """Say nothing: `--json` prints one object."""
