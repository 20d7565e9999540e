"""`codeassist models`: list, pull, path, remove.

The registry and the store do the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from codeassist.terminal.console import Meter, notice, print_exactly, print_json, say
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option

if TYPE_CHECKING:
    from codeassist.models.registry import InstalledModel, ModelEntry
    from codeassist.settings import Settings


@click.group()
@debug_option
def models() -> None:
    """See, fetch and remove models.

    Fetched models are checked by SHA-256 before they count as installed. Only safetensors and GGUF files are taken.
    """


@models.command("list")
@set_option
@json_option
@debug_option
def list_models(assignments: tuple[str, ...], as_json: bool) -> None:
    """List every model that is known, and which are installed.

    \b
    Examples:
      codeassist models list
      codeassist models list --json
    """
    from codeassist.models.hardware import detect
    from codeassist.models.registry import known_models, suggest_for

    settings = resolve_settings(None, assignments).settings
    suggested = suggest_for(detect(), settings).name
    with Meter() as meter:
        rows = [(entry, *_state(entry, settings, meter)) for entry in known_models(settings).values()]
    if as_json:
        listed = [_document(entry, state, installed) for entry, state, installed in rows]
        print_json({"suggested": suggested, "models": listed})
        return
    from rich.table import Table

    from codeassist.models.sources import describe, size_text
    from codeassist.terminal.screen import Screen

    table = Table(box=None, pad_edge=False)
    for title in ("name", "size", "state", "licence", "source"):
        is_short = title in ("name", "size")
        table.add_column(title, justify="right" if title == "size" else "left", no_wrap=is_short, overflow="fold")
    for entry, state, _ in rows:
        mark = " *" if entry.name == suggested else ""
        size = size_text(entry.size_bytes) if entry.size_bytes is not None else "?"
        table.add_row(entry.name + mark, size, state, entry.licence, describe(entry.source))
    console = Screen()
    if not console.is_terminal:
        console.width = 200  # one line a model where a script may read it
    console.print(table)
    say("* fits this machine: what `auto` means")


@models.command()
@click.argument("name", default="auto")
@set_option
@json_option
@debug_option
def pull(name: str, assignments: tuple[str, ...], as_json: bool) -> None:
    """Fetch a model and verify it. NAME "auto", the default, is the one that fits this machine.

    An interrupted download goes on where it stopped. Proxies, certificates and HF_TOKEN count as huggingface_hub and
    pip take them.

    \b
    Examples:
      codeassist models pull
      codeassist models pull qwen2.5-coder-1.5b
    """
    from codeassist.models.model_choice import choose_to_pull
    from codeassist.models.registry import pull as pull_model

    settings = resolve_settings(None, assignments).settings
    with Meter() as meter:
        choice = choose_to_pull(name, settings)
        if choice.notice:
            notice(choice.notice)
        installed = pull_model(choice.entry, settings, meter)
    _print_installed(installed, as_json)


@models.command()
@click.argument("name")
@set_option
@json_option
@debug_option
def path(name: str, assignments: tuple[str, ...], as_json: bool) -> None:
    """Print where an installed model lies.

    \b
    Examples:
      codeassist models path smollm2-135m
      codeassist models path smollm2-135m --json
    """
    from codeassist.models.model_choice import find_model

    settings = resolve_settings(None, assignments, {"NAME": ("model.name", name)}).settings
    with Meter() as meter:
        installed, _ = find_model(settings, meter)
    _print_installed(installed, as_json)


@models.command()
@click.argument("name")
@set_option
@json_option
@debug_option
def remove(name: str, assignments: tuple[str, ...], as_json: bool) -> None:
    """Remove a fetched model, or what an interrupted download left. Files of your own are never removed.

    \b
    Examples:
      codeassist models remove qwen2.5-coder-7b
    """
    from codeassist.models.registry import find_entry
    from codeassist.models.registry import remove as remove_model
    from codeassist.models.sources import describe, size_text

    settings = resolve_settings(None, assignments).settings
    entry = find_entry(name, settings)
    freed = remove_model(entry, settings)
    if as_json:
        print_json({"name": name, "freed_bytes": freed, "is_local": entry.is_local})
    elif entry.is_local:
        say(f"{name}: forgot its hash; the {describe(entry.source)} is yours and stays")
    else:
        say(f"{name}: {size_text(freed)} freed" if freed else f"{name}: was not installed")


def _state(entry: ModelEntry, settings: Settings, progress: Meter) -> tuple[str, InstalledModel | None]:
    from codeassist.errors import ModelError
    from codeassist.models.model_store import look_up

    try:
        installed = look_up(entry, settings, progress)
    except ModelError as error:
        return f"damaged: {error}", None
    if installed is not None:
        return "installed", installed
    return ("missing" if entry.is_local else "not installed"), None


def _document(entry: ModelEntry, state: str, installed: InstalledModel | None) -> dict[str, Any]:
    from codeassist.models.sources import describe

    return {
        "name": entry.name,
        "source": describe(entry.source),
        "description": entry.description,
        "licence": entry.licence,
        "size_bytes": entry.size_bytes,
        "state": state,
        "path": installed.path if installed else None,
        "sha256": installed.sha256 if installed else entry.sha256,
    }


def _print_installed(installed: InstalledModel, as_json: bool) -> None:
    if as_json:
        print_json({"name": installed.name, "path": installed.path, "sha256": installed.sha256, "kind": installed.kind})
    else:
        print_exactly(str(installed.path))
