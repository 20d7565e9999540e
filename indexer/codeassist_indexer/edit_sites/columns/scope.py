"""What the definition around a line holds, and where it stands among the definitions of its file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from codeassist_indexer.edit_sites.columns.column import Column, log
from codeassist_indexer.edit_sites.definitions import NO_DEFINITIONS, FileDefinitions
from codeassist_indexer.edit_sites.line_table import Floats, Ints, LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges

_HELD = ("gone_most", "came_most", "edited_most", "around_most", "sibling_most", "stayed_most", "rule_fits", "like_old")
SCOPE = (
    *(f"definition_{name}" for name in _HELD), *(f"file_{name}" for name in _HELD),
    "definition_steps", "definition_steps_below", "rows_in_definition", "rows_as_last", "rows_to_end",
    "definition_is_next", "definition_was_edited",
)  # fmt: skip


def scope_columns(
    table: LineTable, past: PastChanges, definitions: Mapping[str, FileDefinitions], columns: Mapping[str, Column]
) -> dict[str, Column]:
    """Return the columns that SCOPE names."""
    number, heads, ends, begun = _numbers(table, definitions)
    last_file = table.paths.index(past.last.path)
    at = table.row(past.last.path, past.last.start_line)
    rows = [table.row(placed.path, placed.start_line) for placed in past.placed]
    edited = np.unique([number[row] for row in rows if row is not None])
    just = np.asarray(columns["is_just_edited"])
    found: dict[str, Column] = {}
    for name in _HELD:
        values = np.where(just, 0, np.asarray(columns[name], dtype=np.float32))
        found[f"definition_{name}"] = _greatest(values, number)
        found[f"file_{name}"] = _greatest(values, table.file_of)
    same = table.file_of == last_file
    steps = np.where(same, begun - begun[at], 99).astype(np.float32) if at is not None else np.full(len(table), 99.0)
    row_in = np.arange(len(table)) - heads
    own_rows = int(row_in[at]) if at is not None else 0
    return found | {
        "definition_steps": np.clip(np.abs(steps), 0, 20), "definition_steps_below": np.clip(steps, -20, 20),
        "rows_in_definition": log(row_in.astype(np.float32)),
        "rows_as_last": log(np.abs(row_in - own_rows).astype(np.float32)),
        "rows_to_end": log((ends - np.arange(len(table))).astype(np.float32)), "definition_is_next": steps == 1,
        "definition_was_edited": np.isin(number, edited),
    }  # fmt: skip


def _numbers(table: LineTable, definitions: Mapping[str, FileDefinitions]) -> tuple[Ints, Ints, Ints, Ints]:
    """Of each line a number of its definition, one for the lines of a file in none; the rows of its first line and
    behind its last one; and how many definitions began above it."""
    number, heads = np.zeros(len(table), np.int64), np.zeros(len(table), np.int64)
    ends, begun = np.zeros(len(table), np.int64), np.zeros(len(table), np.int64)
    next_number = 0
    for file, path in enumerate(table.paths):
        first, behind = int(table.first_lines[file]), int(table.first_lines[file + 1])
        known = definitions.get(path, NO_DEFINITIONS)
        number[first:behind], heads[first:behind], ends[first:behind] = next_number, first, behind
        count = min(behind - first, len(known.innermost))
        if known.symbols and count:
            inner = np.array(known.innermost[:count], dtype=np.int64)
            number[first : first + count] = next_number + 1 + inner
            starts = np.array([symbol.start_line - 1 for symbol in known.symbols] + [0])
            stops = np.array([symbol.end_line - 1 for symbol in known.symbols] + [behind - first])
            heads[first : first + count] = first + starts[inner]
            ends[first : first + count] = first + stops[inner]
            is_head = np.zeros(behind - first, np.int64)
            is_head[[line for line in known.heads if line < behind - first]] = 1
            begun[first:behind] = np.cumsum(is_head)
        next_number += len(known.symbols) + 1
    return number, heads, ends, begun


def _greatest(values: Floats, group: Ints) -> Floats:
    best = np.zeros(int(group.max()) + 1, np.float32)
    np.maximum.at(best, group, values)
    return best[group]
