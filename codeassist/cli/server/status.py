"""`codeassist status`: what the user's running servers do.

Each is asked, and what it says is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from codeassist.terminal.console import print_json, say
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option

if TYPE_CHECKING:
    from codeassist_lsp.sharing.server_client import ServerClient


@click.command()
@set_option
@json_option
@debug_option
def status(assignments: tuple[str, ...], as_json: bool) -> None:
    """Say what running servers do.

    Model, cache, index, requests and their times.

    \b
    Examples:
      codeassist status
      codeassist status --json
    """
    from codeassist_lsp.sharing.server_client import ServerClient, servers

    places = resolve_settings(None, assignments).settings.places
    found = [ask(server, ServerClient.status) for server in servers(places.run)]
    if as_json:
        print_json({"servers": found})
    elif not found:
        say("no server runs; editors start one, and so does `codeassist serve --socket PATH`")
    else:
        for number, one in enumerate(found):
            if number:
                say()
            for line in _lines(one):
                say(line)


def ask(server: ServerClient, what: Callable[[ServerClient], dict[str, Any]]) -> dict[str, Any]:
    """Return where a server is and what it says to a question, or its `problem`: why it says nothing."""
    from codeassist_lsp.sharing.server_client import NoAnswer

    where: dict[str, Any] = {"pid": server.address.pid, "address": str(server.address)}
    try:
        return {**where, **what(server), "problem": None}
    except NoAnswer as error:
        return {**where, "problem": str(error)}


def _lines(one: Mapping[str, Any]) -> list[str]:
    head = f"process {one['pid']} at {one['address']}"
    if one["problem"] is not None:
        return [f"{head}: {one['problem']}"]
    # A server of an earlier version does not say all of it.
    model, tokens, cache, requests = one["model"], one["tokens"], one["cache"], one["requests"]
    lines = [
        f"{head}, up for {_duration(one['uptime_s'])}, {one['clients'] - 1} clients, {one['documents']} documents",
        *_windows(one.get("shared"), one.get("editors", ())),
        f"  model     {_model(model)}",
        f"  cache     {tokens['reused_share']:.0%} of the prompts' tokens reused; " + _exact(cache),
        f"  requests  {_counts(requests['counts'])}",
        *_known(one.get("results")),
        *_monitors(one.get("monitors")),
        *_sources(one.get("sources")),
    ]
    lines += [f"  index     {_coverage(index)}" for index in one["index"]] or ["  index     no repository is open"]
    return lines + _latencies(one["latency_ms"])


def _windows(shared: Mapping[str, Any] | None, editors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who uses a server that windows share; one of its own has its editor."""
    if shared is None:
        return []
    names = [str(one["name"]) + (f" (process {one['pid']})" if one["pid"] is not None else "") for one in editors]
    stays = f"ends {_duration(shared['linger_s'])} after the last has left"
    return [f"  shared by {', '.join(names) or 'nobody now'}; {stays}"]


def _model(model: Mapping[str, Any]) -> str:
    parts = [f"{model['name']} on {model['device']}" if model["name"] else "none"]
    parts += [f"loading: {model['loading']}"] if model["loading"] else []
    return "; ".join([*parts, *([model["problem"]] if model["problem"] else [])])


def _exact(cache: Mapping[str, Any] | None) -> str:
    if cache is None:
        return "busy"
    held = f"{cache['exact_share']:.0%} of {cache['slots']:,} kept states exact"
    return f"{held}, {cache['kept_on_disk']} prompts put on the disk, {cache['read_back']} read back"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items()) or "none yet"


def _known(results: Mapping[str, int] | None) -> list[str]:
    if results is None:
        return []
    given, along, asked = (f"{results[name]:,}" for name in ("hits", "along", "missed"))
    return [f"  known     {given} answers given again, {along} typed along; {asked} asked of the model"]


def _monitors(monitored: Mapping[str, int] | None) -> list[str]:
    """What monitors did, where there were any."""
    if not monitored or not any(monitored.values()):
        return []
    acts = ", ".join(f"{count:,} {outcome}" for outcome, count in monitored.items() if outcome != "suspected")
    suspected = monitored.get("suspected", 0)
    return [f"  monitors  {acts}; suspected wrong: {suspected:,}"]


def _sources(sources: Mapping[str, Mapping[str, int]] | None) -> list[str]:
    if not sources:
        return []
    late = {name: found["late"] for name, found in sources.items() if found["late"]}
    told = [f"{name} {found['snippets']:,}" for name, found in sources.items() if found["snippets"]]
    line = f"  snippets  {', '.join(told) or 'none'}"
    return [line + (f"; late: {', '.join(f'{name} {count:,}' for name, count in late.items())}" if late else "")]


def _coverage(index: Mapping[str, Any]) -> str:
    building = ", being built" if index["building"] else ""
    problems = "".join(f"\n            problem: {problem}" for problem in index.get("problems", ()))
    return f"{index['root']}: {index['indexed']:,} of {index['total']:,} files{building}{problems}"


def _latencies(latency_ms: Mapping[str, Mapping[str, float]]) -> list[str]:
    if not latency_ms:
        return []
    return [
        "  ms        " + "".join(f"{name:>10}" for name in ("p50", "p95")),
        *(
            f"  {stage:<9} " + "".join(f"{times[name]:>10,.1f}" for name in ("p50", "p95"))
            for stage, times in latency_ms.items()
        ),
    ]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
