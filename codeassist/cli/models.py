"""`codeassist models`: list, add, pull, path, remove.

The registry and the store do the work.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from codeassist.terminal.console import Meter, notice, print_exactly, print_json, say
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option
from codeassist.terminal.shell_words import file_words, model_words

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
    """List every model that is known, and whether it runs here.

    Installed models are looked into, each once. A model for edits writes the next edit, and no completions.

    \b
    Examples:
      codeassist models list
      codeassist models list --json
    """
    from codeassist.cli.model_fitness import why_not_here
    from codeassist.models.hardware import detect
    from codeassist.models.registry import known_models, suggest_for

    settings = resolve_settings(None, assignments).settings
    hardware = detect(settings.places.cache)
    suggested = suggest_for(hardware, settings).name
    with Meter() as meter:
        found = [(entry, *_state(entry, settings, meter)) for entry in known_models(settings).values()]
        rows = [
            (entry, state, installed, why_not_here(entry, installed, hardware, settings.places.cache, meter))
            for entry, state, installed in found
        ]
    if as_json:
        listed = [_document(entry, state, installed, why) for entry, state, installed, why in rows]
        print_json({"suggested": suggested, "models": listed})
        return
    from rich.table import Table

    from codeassist.models.sources import describe, size_text
    from codeassist.terminal.screen import Screen

    table = Table(box=None, pad_edge=False)
    for title in ("name", "size", "for", "state", "runs here", "licence", "source"):
        is_short = title in ("name", "size", "for")
        table.add_column(title, justify="right" if title == "size" else "left", no_wrap=is_short, overflow="fold")
    for entry, state, installed, why in rows:
        mark = " *" if entry.name == suggested else ""
        num_bytes = _num_bytes(entry, installed)
        size = size_text(num_bytes) if num_bytes is not None else "?"
        runs = "yes" if why is None else "no"
        table.add_row(entry.name + mark, size, _purpose(entry), state, runs, entry.licence, describe(entry.source))
    console = Screen()
    console.print(table)
    say("* fits this machine: what `auto` means")
    for entry, _, _, why in rows:
        if why is not None:
            say(f"{entry.name} does not run here: {why}")


@models.command()
@click.argument("name")
@click.argument("source", metavar="PATH|hub:OWNER/REPO", shell_complete=file_words)
@click.option("--template", metavar="NAME", help="How it is prompted, where its tokens do not tell.")
@click.option("--edit-form", metavar="NAME", help="How it is asked for next edits, where its name does not tell.")
@json_option
@debug_option
def add(name: str, source: str, template: str | None, edit_form: str | None, as_json: bool) -> None:
    """Give a model of your own a name, in your config.toml.

    It is a GGUF file, a folder, or a hub repository. A file or folder is looked into first: what would not run is not
    added. Nothing is copied or fetched.

    \b
    Examples:
      codeassist models add coder ~/models/coder.gguf
      codeassist models add mellum hub:JetBrains/Mellum-4b-base
      codeassist models add seed hub:OWNER/REPO:FILE.gguf --template seed-coder
    """
    from codeassist.errors import SettingsError
    from codeassist.models.own_entries import add_entry
    from codeassist.models.registry import BUILT_IN, find_entry
    from codeassist.models.sources import FolderSource, GgufSource, describe
    from codeassist.settings.sections import is_path

    settings = resolve_settings(None, ()).settings
    if not is_path(source) and "/" not in source:
        source = f"./{source}"
    entry = find_entry(source, settings)
    if isinstance(entry.source, FolderSource | GgufSource):
        from codeassist.engine.loading.weights import require_runnable

        with Meter() as meter:
            meter(f"look into {entry.source.path.name}", 0, None)
            require_runnable(entry.source.path)
    given = {"template": template, "edit_form": edit_form}
    extra = {key: value for key, value in given.items() if value is not None}
    for key, value in extra.items():
        _check_key(key, value)
    if name in {built_in.name for built_in in BUILT_IN}:
        raise SettingsError(
            f"{name}: codeassist knows a model of that name; choose another name, or write [models.{name}] into "
            f"{settings.places.config_file} by hand to replace it"
        )
    add_entry(settings.places.config_file, name, entry.source, extra)
    if as_json:
        print_json({"name": name, "source": describe(entry.source), "config_file": settings.places.config_file})
        return
    fetch = "" if entry.is_local else f"; `codeassist models pull {name}` fetches it"
    say(f"{name}: {describe(entry.source)}, in {settings.places.config_file}{fetch}")
    say(f"--model {name} or model.name = {json.dumps(name)} uses it")


@models.command()
@click.argument("name", default="auto", shell_complete=model_words)
@set_option
@json_option
@debug_option
def pull(name: str, assignments: tuple[str, ...], as_json: bool) -> None:
    """Fetch a model and verify it. NAME "auto", the default, is the one that fits this machine.

    NAME may be hub:OWNER/REPO or hub:OWNER/REPO:FILE.gguf, which --model then takes, too. An interrupted download goes
    on where it stopped. Proxies, certificates and HF_TOKEN count as huggingface_hub and pip take them.

    \b
    Examples:
      codeassist models pull
      codeassist models pull qwen2.5-coder-1.5b
      codeassist models pull hub:OWNER/REPO:FILE.gguf
    """
    from codeassist.models.model_choice import choose_to_pull
    from codeassist.models.registry import pull as pull_model

    settings = resolve_settings(None, assignments).settings
    with Meter() as meter:
        choice = choose_to_pull(name, settings)
        if choice.notice:
            notice(choice.notice)
        installed = pull_model(choice.entry, settings, meter)
    _print_installed(installed, as_json, stands_in=bool(choice.notice))


@models.command()
@click.argument("name", shell_complete=model_words)
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
@click.argument("name", shell_complete=model_words)
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


def _check_key(key: str, value: str) -> None:
    from codeassist.errors import SettingsError
    from codeassist.settings.sections import MODEL_RULES

    try:
        MODEL_RULES[key].parse(value)
    except ValueError:
        raise SettingsError(f"--{key.replace('_', '-')} {value}: must be {MODEL_RULES[key].expects}") from None


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


def _num_bytes(entry: ModelEntry, installed: InstalledModel | None) -> int | None:
    """What a model takes on disk: its entry says about how much, else its files where they are here."""
    if entry.size_bytes is not None or installed is None:
        return entry.size_bytes
    return installed.num_bytes()


def _purpose(entry: ModelEntry) -> str:
    """What a model was trained for: its entry says it, or what its form of edits is called by."""
    from codeassist.edits.forms.registry import form_of

    return "edits" if entry.for_edits or form_of(entry.name) != "diff" else "completion"


def _document(entry: ModelEntry, state: str, installed: InstalledModel | None, why: str | None) -> dict[str, Any]:
    from codeassist.models.sources import describe

    return {
        "name": entry.name,
        "source": describe(entry.source),
        "description": entry.description,
        "licence": entry.licence,
        "size_bytes": _num_bytes(entry, installed),
        "for": _purpose(entry),
        "state": state,
        "runs_here": why is None,
        "why_not": why,
        "path": installed.path if installed else None,
        "sha256": installed.sha256 if installed else entry.sha256,
    }


def _print_installed(installed: InstalledModel, as_json: bool, **more: bool) -> None:
    if as_json:
        about = {"name": installed.name, "path": installed.path, "sha256": installed.sha256, "kind": installed.kind}
        print_json({**about, **more})
    else:
        print_exactly(str(installed.path))
