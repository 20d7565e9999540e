"""Figures of the benchmarks as JSON objects, tables and files."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from codeassist.terminal.screen import Screen
from codeassist_eval.engines.llama_peer import LlamaPeer
from codeassist_eval.runs.run_folder import write_json
from codeassist_eval.speed.decoding.alternatives import AlternativeFigures
from codeassist_eval.speed.decoding.rewrite import RewriteFigures
from codeassist_eval.speed.engine import EngineFigures, EnginePlan, Sides
from codeassist_eval.speed.session import Opened, machine
from codeassist_eval.speed.typing import TypingRun
from codeassist_eval.typing.typing_figures import typing_figures

_ENGINE_ROWS = (
    ("prefill", "prefill, tokens/s", 1),
    ("decode", "plain greedy decode, ms a token", 2),
    ("speculative", "greedy decode with speculation, ms a token", 2),
    ("rewrite", "21 lines written again with a change, ms a token", 2),
)


def engine_document(
    opened: Opened, plan: EnginePlan, figures: EngineFigures, peer: LlamaPeer | None, peak_rss: int | None
) -> dict[str, Any]:
    """The object that `bench engine --json` prints."""
    return {
        "prefill": _sides(figures.prefill),
        "decode": _sides(figures.decode),
        "speculative": _sides(figures.speculative),
        "rewrite": _rewrite(figures.rewrite, peer is not None),
        "alternatives": _alternatives(figures.alternatives),
        "drafts": {
            kind: {"drafted": count.num_drafted, "accepted": count.num_accepted}
            for kind, count in figures.drafts.items()
        },
        "prompt_tokens": plan.prompt_tokens,
        "repeats": plan.repeats,
        "typing": {"answers": figures.num_answers, "tokens": figures.num_decoded},
        "samples": {
            "prefill_ms": {"ours": figures.prefill_ms[0], "llama_cpp": figures.prefill_ms[1]},
            "decode_ms": {"ours": figures.decode_ms[0], "llama_cpp": figures.decode_ms[1]},
        },
        "model": opened.session.model_name,
        "weights": opened.session.engine.model.backend.name,
        "threads": opened.num_threads,
        "load_s": {
            "ours": opened.load_s,
            "packed": opened.packed_s,
            "llama_cpp": None if peer is None else peer.load_s,
            "includes_conversion": opened.was_converted,
        },
        "peak_rss_bytes": {"ours": peak_rss, "llama_cpp": None if peer is None else peer.peak_rss_bytes()},
        "llama_cpp_version": None if peer is None else peer.version,
        "machine": machine(),
    }


def print_engine(document: Mapping[str, Any]) -> None:
    """Print the figures as a table."""
    table = Table("", "ours", "llama.cpp", "ours / theirs", title=_title(document))
    for column in table.columns[1:]:
        column.justify = "right"
    for key, label, decimals in _ENGINE_ROWS:
        table.add_row(label, *_cells(document[key], decimals))
    lookup, times = document["rewrite"]["lookup"], document["rewrite"]["times_as_fast_as_undrafted"]
    if lookup["ratio"] is not None:
        table.add_row("the same, llama.cpp with prompt lookup", *_cells(lookup, 2))
    if times is not None:
        table.add_row("the same, times as fast as without drafts", f"{times:.1f}", "", "")
    several = document["alternatives"]
    table.add_row("three suggestions at once, ms", f"{several['together_ms']:.0f}", "", "")
    table.add_row("the same one by one, ms", f"{several['one_by_one_ms']:.0f}", "", "")
    load, peak = document["load_s"], document["peak_rss_bytes"]
    converted = " (converted first)" if load["includes_conversion"] else ""
    table.add_row(f"load, s{converted}", *_cells(_with_ratio(load), 2))
    table.add_row("peak resident memory, MiB", *_cells(_with_ratio(peak, 1 << 20), 0))
    Screen().print(table)


def _alternatives(figures: AlternativeFigures) -> dict[str, Any]:
    pairs = zip(figures.together_ms, figures.one_by_one_ms, strict=True)
    return {
        "together_ms": statistics.median(figures.together_ms),
        "one_by_one_ms": statistics.median(figures.one_by_one_ms),
        "ratio": statistics.median(together / apart for together, apart in pairs),
        "places": len(figures.together_ms),
        "same": figures.num_same,
    }


def _rewrite(figures: RewriteFigures, has_peer: bool) -> dict[str, Any]:
    num_tokens = max(1, figures.num_tokens)
    ours = figures.ours_ms / num_tokens
    return {
        **_sides(Sides(ours, figures.llama_cpp_ms / num_tokens if has_peer else None)),
        "lookup": _sides(Sides(ours, figures.lookup_ms / num_tokens if has_peer else None)),
        "undrafted": figures.undrafted_ms / num_tokens,
        "times_as_fast_as_undrafted": figures.undrafted_ms / figures.ours_ms if figures.ours_ms else None,
        "regions": figures.num_regions,
        "tokens": figures.num_tokens,
        "passes": figures.num_passes,
        "drafted": figures.num_drafted,
        "accepted": figures.num_accepted,
    }


def typing_document(
    opened: Opened, prompt_tokens: int, run: TypingRun, peer: LlamaPeer | None, peak_rss: int | None
) -> dict[str, Any]:
    """The object that `bench typing --json` prints; at least one session must be done."""
    return typing_figures(run.done) | {
        "failed": dict(run.failed),
        "prompt_tokens": prompt_tokens,
        "model": opened.session.model_name,
        "weights": opened.session.engine.model.backend.name,
        "cache_mode": "exact" if opened.session.engine.exact else "live",
        "threads": opened.num_threads,
        "peak_rss_bytes": peak_rss,
        "llama_cpp_version": None if peer is None else peer.version,
        "machine": machine(),
    }


def print_typing(document: Mapping[str, Any]) -> None:
    """Print the figures as a table, then what each kind of keystroke costs."""
    table = Table("", "figure", "goal", title=_title(document))
    table.columns[1].justify = "right"
    no_idle, human, full = document["no_idle"], document["human_speed"], document["full_recompute"]
    ms, llama = document["keystroke_ms"], document["llama_cpp"]
    table.add_row("keystroke over full recompute, p50", _percent(document["keystroke_p50_ratio"]), "≤ 5%")
    table.add_row("keystroke over full recompute, p95", _percent(document["keystroke_p95_ratio"]), "≤ 15%")
    table.add_row("keystroke to first token, p50 / p95, ms", f"{ms['p50']:,.0f} / {ms['p95']:,.0f}", "")
    table.add_row("full recompute, p50, ms", f"{full['ms_p50']:,.0f}", "")
    if llama is not None:
        table.add_row("llama.cpp, p50 / p95, ms", f"{llama['ms_p50']:,.0f} / {llama['ms_p95']:,.0f}", "")
        ratios = f"{llama['p50_ratio']:.2f} / {llama['p95_ratio']:.2f}"
        table.add_row("ours over llama.cpp, p50 / p95", ratios, "≤ 1")
    table.add_row("encoded tokens, p50", f"{document['encoded_tokens_p50']:,.0f}", "")
    if document["em_delta"] is not None:
        em = f"{no_idle['em']:.1f} / {human['em']:.1f} / {full['em']:.1f}"
        table.add_row("exact match: no idle time / human speed / full recompute", em, "")
        table.add_row("exact match, no idle time over full recompute, points", f"{document['em_delta']:+.1f}", "≥ -1")
    table.add_row("same first line at human speed", _percent(document["same_first_line"]), "≥ 97%")
    table.add_row("same first line with no idle time", _percent(no_idle["same_first_line"]), "")
    table.add_row("exact slots at human speed", _percent(document["exact_share"]), "")
    counts = f"{document['num_sessions']} / {document['num_keystrokes']:,} / {document['num_samples']:,}"
    table.add_row("sessions / keystrokes / measured on all sides", counts, "")
    kinds = Table("keystroke", "how many", "p50, ms", "p50 over full", "p95 over full", "encoded, p50")
    for column in kinds.columns[1:]:
        column.justify = "right"
    for kind, row in document["by_kind"].items():
        kinds.add_row(
            kind,
            f"{row['num_keystrokes']:,}",
            f"{row['ms_p50']:,.0f}",
            _percent(row["ratio_p50"]),
            _percent(row["ratio_p95"]),
            f"{row['encoded_tokens_p50']:,.0f}",
        )
    console = Screen()
    console.print(table)
    console.print(kinds)


def write_figures(out: Path, name: str, document: Mapping[str, Any], plot: bytes) -> None:
    """Write `name`.json and `name`.png into the folder."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / f"{name}.json", document)
    (out / f"{name}.png").write_bytes(plot)


def _title(document: Mapping[str, Any]) -> str:
    return f"{document['model']}, {document['weights']}, {document['prompt_tokens']:,} tokens, " + (
        f"{document['threads']} threads"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _sides(sides: Sides) -> dict[str, float | None]:
    return {"ours": sides.ours, "llama_cpp": sides.llama_cpp, "ratio": sides.ratio}


def _with_ratio(pair: Mapping[str, Any], unit: int = 1) -> dict[str, float | None]:
    ours, theirs = (None if pair[side] is None else pair[side] / unit for side in ("ours", "llama_cpp"))
    return {"ours": ours, "llama_cpp": theirs, "ratio": None if ours is None or not theirs else ours / theirs}


def _cells(sides: Mapping[str, float | None], decimals: int) -> tuple[str, str, str]:
    def cell(value: float | None, places: int) -> str:
        return "–" if value is None else f"{value:,.{places}f}"

    return cell(sides["ours"], decimals), cell(sides["llama_cpp"], decimals), cell(sides["ratio"], 2)
