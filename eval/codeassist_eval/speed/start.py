"""How long somebody who opens an editor waits for the first suggestion: the language server from its start.

*Cold* is a process of its own, its files in the system's cache; a *window* joins a server that runs already.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.table import Table

from codeassist.terminal.screen import Screen
from codeassist_eval.percentiles import percentiles
from codeassist_eval.speed.language_server import serve_command, shared_server
from codeassist_eval.speed.session import machine
from codeassist_eval.typing.lsp_client import LspClient

_READY_S = 300.0
_GOALS = {"cold": 2.5, "window": 0.8}

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Start:
    """One start, in seconds from that of the process. `cpu_s`: what the server's process had computed by then."""

    initialized_s: float
    ready_s: float
    first_completion_s: float
    cpu_s: float


def run_start_bench(assignments: Sequence[str], repeats: int, report: Report) -> Mapping[str, Sequence[Start]]:
    """Start `repeats` servers, then as many windows of one that runs. Raises EvaluationError.

    What is completed is a function of Python's own `textwrap`, of some 200 tokens, in a folder with nothing else.
    """
    found: dict[str, list[Start]] = {"cold": [], "window": []}
    with TemporaryDirectory() as name:
        folder = Path(name)
        command = serve_command(assignments)
        asyncio.run(_start(command, folder, os.environ))  # a first use may convert the model
        for number in range(repeats):
            report("cold starts", number, repeats)
            found["cold"].append(asyncio.run(_start(command, folder, os.environ)))
        command = serve_command(assignments, shared=True)
        with shared_server(command) as environment:
            for number in range(repeats):
                report("windows", number, repeats)
                found["window"].append(asyncio.run(_start(command, folder, environment)))
    report("windows", repeats, repeats)
    return found


async def _start(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Start:
    source = inspect.getsource(textwrap.indent)
    cursor = source.rindex("return") + len("return ")
    client = LspClient(command, folder, environment)
    began = time.perf_counter()
    try:
        await client.start()
        initialized_s = time.perf_counter() - began
        client.open("indenting.py", "python", source)
        await client.ready(_READY_S)
        ready_s = time.perf_counter() - began
        await client.complete(source, cursor, automatic=True)
        first_s = time.perf_counter() - began
        cpu_s = client.cpu_s()
    finally:
        await client.stop()
    return Start(initialized_s, ready_s, first_s, cpu_s)


def start_document(starts: Mapping[str, Sequence[Start]]) -> dict[str, Any]:
    """The object that `bench start --json` prints."""
    fields = ("initialized_s", "ready_s", "first_completion_s", "cpu_s")
    figures = {
        kind: {field: percentiles((getattr(one, field) for one in each), (0, 50, 95), digits=3) for field in fields}
        for kind, each in starts.items()
    }
    return figures | {"repeats": len(starts["cold"]), "machine": machine()}


def print_start(document: Mapping[str, Any]) -> None:
    """Print the figures as a table."""
    table = Table("seconds from the start of the process", "least", "p50", "p95", "goal")
    for column in table.columns[1:]:
        column.justify = "right"
    labels = {
        "initialized_s": "it answers `initialize`",
        "ready_s": "the model is in service",
        "first_completion_s": "the first completion",
        "cpu_s": "computed until then, all cores",
    }
    for kind, goal in _GOALS.items():
        for field, label in labels.items():
            if kind == "window" and field == "cpu_s":
                continue  # of its own it computes nothing
            values = document[kind][field]
            told = f"< {goal}" if field == "first_completion_s" else ""
            cells = (f"{values[each]:.2f}" for each in ("p0", "p50", "p95"))
            table.add_row(f"{kind}: {label}", *cells, told)
    Screen().print(table)
