"""Figures of the benchmarks as JSON objects, tables and files.

Knows no measuring.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from codeassist_eval.bench_engine import EngineFigures, EnginePlan, Sides
from codeassist_eval.bench_session import Opened, machine
from codeassist_eval.llama_peer import LlamaPeer
from codeassist_eval.run_folder import write_json

_ENGINE_ROWS = (
    ("prefill", "prefill, tokens/s", 1),
    ("decode", "plain greedy decode, ms a token", 2),
    ("speculative", "greedy decode with speculation, ms a token", 2),
)


def engine_document(
    opened: Opened, plan: EnginePlan, figures: EngineFigures, peer: LlamaPeer | None, peak_rss: int | None
) -> dict[str, Any]:
    """The object that `bench engine --json` prints."""
    return {
        "prefill": _sides(figures.prefill),
        "decode": _sides(figures.decode),
        "speculative": _sides(figures.speculative),
        "prompt_tokens": plan.prompt_tokens,
        "repeats": plan.repeats,
        "typing": {"answers": figures.num_answers, "tokens": figures.num_decoded},
        "samples": {
            "prefill_ms": {"ours": figures.prefill_ms[0], "llama_cpp": figures.prefill_ms[1]},
            "decode_ms": {"ours": figures.decode_ms[0], "llama_cpp": figures.decode_ms[1]},
        },
        "model": opened.session.model_name,
        "weights": "int8" if opened.session.engine.model.is_int8 else str(opened.session.engine.model.dtype),
        "threads": opened.num_threads,
        "load_s": {
            "ours": opened.load_s,
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
    load, peak = document["load_s"], document["peak_rss_bytes"]
    converted = " (converted first)" if load["includes_conversion"] else ""
    table.add_row(f"load, s{converted}", *_cells(_with_ratio(load), 2))
    table.add_row("peak resident memory, MiB", *_cells(_with_ratio(peak, 1 << 20), 0))
    Console().print(table)


def write_figures(out: Path, name: str, document: Mapping[str, Any], plot: bytes) -> None:
    """Write `name`.json and `name`.png into the folder."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / f"{name}.json", document)
    (out / f"{name}.png").write_bytes(plot)


def _title(document: Mapping[str, Any]) -> str:
    return f"{document['model']}, {document['weights']}, {document['prompt_tokens']:,} tokens, " + (
        f"{document['threads']} threads"
    )


def _sides(sides: Sides) -> dict[str, float | None]:
    return {"ours": sides.ours, "llama_cpp": sides.llama_cpp, "ratio": sides.ratio}


def _with_ratio(pair: Mapping[str, Any], unit: int = 1) -> dict[str, float | None]:
    ours, theirs = (None if pair[side] is None else pair[side] / unit for side in ("ours", "llama_cpp"))
    return {"ours": ours, "llama_cpp": theirs, "ratio": None if ours is None or not theirs else ours / theirs}


def _cells(sides: Mapping[str, float | None], decimals: int) -> tuple[str, str, str]:
    def cell(value: float | None, places: int) -> str:
        return "–" if value is None else f"{value:,.{places}f}"

    return cell(sides["ours"], decimals), cell(sides["llama_cpp"], decimals), cell(sides["ratio"], 2)
