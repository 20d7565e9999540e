"""Figures of next edits as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from codeassist.terminal.screen import Screen


def print_figures(document: Mapping[str, Any]) -> None:
    """Print nested figures, one a line, named by their path."""
    _print({"figure": dict(_flat("", document))})


def print_systems(figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the figures of several systems over all tasks side by side."""
    tops = {
        name: {key: value for key, value in of_system.items() if not key.startswith("by_") and key != "baselines"}
        for name, of_system in figures.items()
    }
    _print({name: dict(_flat("", top)) for name, top in tops.items()})


def _print(columns: Mapping[str, Mapping[str, Any]]) -> None:
    table = Table("", *columns)
    for column in table.columns[1:]:
        column.justify = "right"
    for name in dict.fromkeys(name for column in columns.values() for name in column):
        table.add_row(name, *(_shown(column.get(name)) for column in columns.values()))
    Screen().print(table)


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)


def _flat(path: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [each for name, inner in value.items() for each in _flat(f"{path} {name}".strip(), inner)]
    return [(path, value)] if value is not None else []
