"""The report of one or more runs: one HTML page that needs nothing else, and its plots as PNG files beside it.

It shows what the runs' folders hold.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from codeassist.control_characters import escaped
from codeassist_eval.errors import EvaluationError
from codeassist_eval.reports.plots import all_plots
from codeassist_eval.reports.saved_runs import Run

_NUM_EXAMPLES = 12
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; } th, td { padding: .25rem .7rem; text-align: right; }
th:first-child, td:first-child { text-align: left; } thead th { border-bottom: 1px solid #888; }
td.code { font: 13px/1.4 ui-monospace, monospace; text-align: left; white-space: pre-wrap; vertical-align: top; }
td.right { background: #e8f5e9; } td.wrong { background: #fdecea; } img { max-width: 100%; } .note { color: #666; }
"""


def write_report(path: Path, runs: Sequence[Run]) -> None:
    """Write the page to `path` and the plots into the folder `plots` beside it."""
    plots = all_plots(runs)
    try:
        folder = path.parent / "plots"
        folder.mkdir(parents=True, exist_ok=True)
        for name, image in plots.items():
            (folder / name).write_bytes(image)
        # What a model wrote may hold half a surrogate pair, which is no text.
        path.write_text(page(runs, plots), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be written: {error}") from error


def page(runs: Sequence[Run], plots: Mapping[str, bytes]) -> str:
    """Return the page as text. All from tasks and models is escaped, as HTML and what control characters there are."""
    title = f"{runs[0].manifest['benchmark']}: {', '.join(run.label for run in runs)}"
    images = "\n".join(
        f'<img alt="{name}" src="data:image/png;base64,{base64.b64encode(image).decode()}">'
        for name, image in plots.items()
    )
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>',
        f"<style>{_STYLE}</style><h1>{html.escape(title)}</h1>",
        _metrics_table(runs),
        images,
        "<h2>Examples</h2>",
        _examples(runs),
        "<h2>How the runs were made</h2>",
        *(_manifest(run) for run in runs),
        "</html>",
    ]
    return escaped("\n".join(parts))


def _metrics_table(runs: Sequence[Run]) -> str:
    names = ["n", *runs[0].benchmark.aggregates]
    head = "".join(f"<th>{name}</th>" for name in ("run", "tasks", *names, "prompt tokens", "p50 s", "p90 s"))
    rows: list[str] = []
    for run in runs:
        groups: dict[str, Mapping[str, Any]] = {"all": run.metrics, **run.metrics.get("by_kind", {})}
        for group, values in groups.items():
            seconds = values["seconds"]
            cells = [html.escape(run.label), html.escape(group), *(f"{values[name]:g}" for name in names)]
            cells += [f"{values['prompt_tokens']:.0f}", f"{seconds['p50']:.2f}", f"{seconds['p90']:.2f}"]
            rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _examples(runs: Sequence[Run]) -> str:
    """The tasks that the runs differ on; for a single run, those that it got wrong."""
    first = runs[0]
    shared = [task_id for task_id in first.scores if all(task_id in run.scores for run in runs)]

    def solved(task_id: str) -> set[float]:
        return {run.scores[task_id].values["em"] for run in runs}

    chosen = [task_id for task_id in shared if (len(solved(task_id)) > 1 if len(runs) > 1 else solved(task_id) == {0})]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("task", "truth", *(run.label for run in runs)))
    rows: list[str] = []
    for task_id in chosen[:_NUM_EXAMPLES]:
        cells = [f'<td class="code">{html.escape(task_id)}</td>']
        cells.append(f'<td class="code">{html.escape(first.scores[task_id].target.strip())}</td>')
        for run in runs:
            score = run.scores[task_id]
            css = "right" if score.values["em"] == 1 else "wrong"
            cells.append(f'<td class="code {css}">{html.escape(score.judged.strip())}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    said = "that the runs differ on" if len(runs) > 1 else "that were not solved"
    note = f'<p class="note">The first {len(rows)} of {len(chosen)} tasks {said}.</p>'
    return f"{note}<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _manifest(run: Run) -> str:
    """What was run on what, with the nested parts flattened."""
    cells: list[str] = []
    for name, value in _flat("", run.manifest):
        cells.append(f'<tr><td>{html.escape(name)}</td><td class="code">{html.escape(str(value))}</td></tr>')
    return f"<details><summary>{html.escape(run.label)}</summary><table>{''.join(cells)}</table></details>"


def _flat(prefix: str, value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        return [(prefix, value)]
    return [pair for name, inner in value.items() for pair in _flat(f"{prefix}.{name}" if prefix else str(name), inner)]
