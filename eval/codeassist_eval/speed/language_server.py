"""The benchmark of the language server: sessions typed into real server processes, and its figures as table and plot.

Each session has a server of its own, so that starting is measured as often as typing; or all share one that runs
already, as the windows of an editor may.
"""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.table import Table

from codeassist.processes import module_command
from codeassist.terminal.screen import Screen
from codeassist_eval.speed.session import machine
from codeassist_eval.speed.sides import OtherSide, sides_document, sides_table
from codeassist_eval.tasks.repositories import Repositories
from codeassist_eval.tasks.task import Task
from codeassist_eval.typing.lsp_figures import STAGES, lsp_figures, overhead_ms, stages_of
from codeassist_eval.typing.lsp_replay import ReplayedSession, end_shared, replay, warm_up
from codeassist_eval.typing.side_replay import SideSession
from codeassist_eval.typing.typing_sessions import choose_sessions
from codeassist_eval.typing.typist import Typist

Report = Callable[[str, int, int], None]
_OVERHEAD_GOAL_MS, _START_GOAL_S = 5.0, 4.0


@dataclass(frozen=True, slots=True)
class LspRun:
    """What was typed: our sessions, the same ones on each other side, and how long their typed lines are."""

    sessions: Sequence[ReplayedSession]
    others: Sequence[Sequence[SideSession]]
    num_typed: Sequence[int]


def serve_command(assignments: Sequence[str], shared: bool = False) -> list[str]:
    """Return the command of a language server with these settings, run by the Python that runs this.

    It starts from nothing: it has no states of an earlier run on the disk, unless the settings ask for them.
    """
    options = [part for assignment in ("cache.disk_mib=0", *assignments) for part in ("--set", assignment)]
    return module_command("codeassist.cli", ["serve", "--shared" if shared else "--stdio", *options])


def run_lsp_bench(
    tasks: Sequence[Task],
    repositories: Repositories,
    num_sessions: int,
    seed: int,
    assignments: Sequence[str],
    typist: Typist,
    report: Report,
    shared: bool = False,
    others: Sequence[OtherSide] = (),
) -> LspRun:
    """Replay sessions drawn with `seed`, each on our side and then on the others. Raises EvaluationError.

    With `shared` ours are windows of one server, which has answered before the first of them opens.
    """
    by_id = {task.task_id: task for task in tasks}
    chosen = choose_sessions(tasks, num_sessions, prompt_tokens=2048, seed=seed)
    repositories.require_all(by_id[session.trace.name] for session in chosen)
    done: list[ReplayedSession] = []
    beside: list[list[SideSession]] = [[] for _ in others]
    command = serve_command(assignments, shared)
    with shared_server(command) if shared else nullcontext(os.environ) as environment:
        for number, session in enumerate(chosen):
            report("sessions", number, len(chosen))
            task = by_id[session.trace.name]
            folder = repositories.folder(task)
            done.append(asyncio.run(replay(session.trace, task.language, folder, command, environment, typist)))
            for sessions, side in zip(beside, others, strict=True):
                sessions.append(side.replay(session.trace, task.language, folder, typist))
    report("sessions", len(chosen), len(chosen))
    return LspRun(done, beside, [session.trace.num_typed for session in chosen])


@contextmanager
def shared_server(command: Sequence[str]) -> Generator[Mapping[str, str]]:
    """A server that windows share, ready and asked once; give the environment in which `command` finds it.

    None of the user's own: the environment is part of what tells one from another.
    """
    environment = {**os.environ, "CODEASSIST_BENCH_SHARED": "1"}
    with TemporaryDirectory() as folder:
        asyncio.run(warm_up(command, Path(folder), environment))
        try:
            yield environment
        finally:
            asyncio.run(end_shared(command, Path(folder), environment))


def lsp_document(run: LspRun, typist: Typist, shared: bool = False) -> dict[str, Any]:
    """The object that `bench lsp --json` prints."""
    model = run.sessions[-1].status["model"]
    return lsp_figures(run.sessions) | {
        "sides": sides_document(run.sessions, run.others, run.num_typed),
        "model": model["name"],
        "device": model["device"],
        "interval_ms": typist.interval_s * 1e3,
        "rest_ms": typist.rest_s * 1e3,
        "shared": shared,
        "machine": machine(),
    }


def _late(document: Mapping[str, Any]) -> str:
    late = document["late_percent"]
    return "" if late is None else f"; a source of context was late for {late:.0f}% of the answers of the model"


def print_lsp(document: Mapping[str, Any]) -> None:
    """Print the figures as a table."""
    title = f"{document['model']} on {document['device']}, a keystroke every {document['interval_ms']:.0f} ms"
    title += ", one server for all windows" if document["shared"] else ""
    table = Table("", "p50", "p95", "goal", title=title)
    for column in table.columns[1:3]:
        column.justify = "right"

    def row(label: str, values: Mapping[str, float] | None, decimals: int = 1, goal: str = "") -> None:
        cells = ("–", "–") if values is None else tuple(f"{values[p]:,.{decimals}f}" for p in ("p50", "p95"))
        table.add_row(label, *cells, goal)

    row("keystroke to a suggestion, ms", document["response_ms"])
    row("of these: the rest of one known already", document["cached_ms"])
    row("asked of the model", document["modelled_ms"])
    row("to its first token", document["first_token_after_ms"])
    for stage in STAGES:
        row(f"  {stage.replace('_', ' ')}", document["stages_ms"][stage])
    row("  the server's own share", document["overhead_ms"], 2, f"p95 < {_OVERHEAD_GOAL_MS:.0f}")
    row("    within the server", document["overhead_in_server_ms"], 2)
    for stage, values in document["overhead_stages_ms"].items():
        row(f"      {stage}", values, 2)
    row("    between client and server", document["overhead_between_ms"], 2)
    row("  the same with retrieval", document["overhead_with_retrieval_ms"], 2)
    row("an outdated request is answered after, ms", document["cancelled_ms"])
    row("start to the first completion, s", document["first_completion_s"], 2, f"< {_START_GOAL_S:.0f}")
    console = Screen()
    console.print(table)
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in document["outcomes"].items())
    console.print(
        f"{document['num_sessions']} sessions, {document['num_keystrokes']:,} keystrokes: {outcomes}. "
        f"{document['reused_share']:.0%} of the prompts' tokens reused{_late(document)}; the server held at most "
        f"{document['peak_rss_bytes'] / (1 << 20):,.0f} MiB.",
    )
    console.print(sides_table(document["sides"]))


def lsp_plot(document: Mapping[str, Any], sessions: Sequence[ReplayedSession]) -> bytes:
    """Draw where the time of an answer goes, as stacked bars of every answer by rising time; PNG bytes."""
    from codeassist.figures import Figure

    answers = [a for session in sessions for a in session.answers if "decode" in a.stage_ms]
    answers.sort(key=lambda answer: answer.ms)
    figure = Figure(figsize=(8, 4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    bottom = [0.0] * len(answers)
    for stage in (*STAGES, "server"):
        heights = [overhead_ms(a) if stage == "server" else stages_of(a).get(stage, 0.0) for a in answers]
        axes.bar(range(len(answers)), heights, bottom=bottom, width=1.0, label=stage.replace("_", " "))
        bottom = [below + height for below, height in zip(bottom, heights, strict=True)]
    axes.set_xlabel("answers that the model was asked for, the fastest first")
    axes.set_ylabel("ms from the keystroke")
    axes.legend(frameon=False, fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"{document['model']} on {document['device']}, behind the language server")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
