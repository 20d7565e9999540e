"""What kind of place for new lines is in front of a line: the end of a block, of the imports, of a list, of the file.

New lines go where a block ends far more often than into its middle, and where the last ones went in.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from codeassist_indexer.edit_sites.columns.column import Column, shifted
from codeassist_indexer.edit_sites.definitions import NO_DEFINITIONS, FileDefinitions
from codeassist_indexer.edit_sites.line_table import LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges

_ROLES = (
    "gap_blank_above", "gap_blank_here", "gap_head_here", "gap_closes_here", "gap_imports_end", "gap_block_ends",
    "gap_block_begins", "gap_file_ends", "gap_definition_ends", "gap_list_ends",
)  # fmt: skip
GAP = (
    *_ROLES, "gap_indent_above", "gap_indent_below", "gap_roles_of_last", "gap_same_depth", "gap_shapes_of_last",
    "outdated_call", "outdated_name",
)  # fmt: skip


def gap_columns(
    table: LineTable, past: PastChanges, definitions: Mapping[str, FileDefinitions], columns: Mapping[str, Column]
) -> dict[str, Column]:
    """Return the columns that GAP names, but for those of uses that were left behind."""
    indentation = np.asarray(columns["indentation"])
    is_blank, closes = np.asarray(columns["is_blank"]), np.asarray(columns["closes_only"])
    is_import, is_head = np.asarray(columns["is_import"]), np.asarray(columns["is_head"]) > 0
    depth = np.where(is_blank, np.nan, indentation)
    above, below = _filled(table, depth, 1), _filled(table, depth, -1)
    import_above = shifted(table, is_import, -1, 0)
    ends = _ends(table, definitions)
    is_last = np.zeros(len(table), np.bool_)
    is_last[table.first_lines[1:][np.diff(table.first_lines) > 0] - 1] = True
    roles: dict[str, NDArray[np.bool_]] = {
        "gap_blank_above": shifted(table, is_blank, -1, 1), "gap_blank_here": is_blank, "gap_head_here": is_head,
        "gap_closes_here": closes, "gap_imports_end": import_above & ~is_import, "gap_block_ends": above > below,
        "gap_block_begins": above < below, "gap_file_ends": is_last, "gap_definition_ends": ends,
        "gap_list_ends": closes & (above > below),
    }  # fmt: skip
    row = table.row(past.last.path, past.last.start_line)
    at_last = np.zeros(len(table), np.float32)
    same_depth = np.zeros(len(table), np.bool_)
    shapes = np.zeros(len(table), np.float32)
    if row is not None:
        behind = min(row + len(past.last.change.new), len(table) - 1)
        at_last = np.stack([values == values[behind] for values in roles.values()]).sum(axis=0).astype(np.float32)
        same_depth = (above == above[row]) & (below == below[behind])
        shapes = (shifted(table, table.shapes, -1, 0) == shifted(table, table.shapes, -1, 0)[row]).astype(np.float32)
        shapes += table.shapes == table.shapes[behind]
    return {
        **roles, "gap_indent_above": np.nan_to_num(above - indentation), "gap_roles_of_last": at_last,
        "gap_indent_below": np.nan_to_num(below - indentation), "gap_same_depth": same_depth,
        "gap_shapes_of_last": shapes,
    }  # fmt: skip


def _filled(table: LineTable, depth: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """The indentation of the next line with text: the one above a line (step 1), or itself and below it (step -1)."""
    out = np.empty(len(depth), np.float32)
    for file in range(len(table.paths)):
        first, behind = int(table.first_lines[file]), int(table.first_lines[file + 1])
        values = depth[first:behind][::step]
        numbers = np.where(np.isnan(values), -1, np.arange(len(values)))
        known = np.maximum.accumulate(numbers) if len(numbers) else numbers
        filled = np.where(known >= 0, values[known], 0.0)
        out[first:behind] = np.concatenate([[0.0], filled[:-1]])[: len(values)] if step == 1 else filled[::-1]
    return out


def _ends(table: LineTable, definitions: Mapping[str, FileDefinitions]) -> NDArray[np.bool_]:
    """The lines behind the last one of a definition."""
    ends = np.zeros(len(table) + 1, np.bool_)
    for file, path in enumerate(table.paths):
        first, behind = int(table.first_lines[file]), int(table.first_lines[file + 1])
        for symbol in definitions.get(path, NO_DEFINITIONS).symbols:
            ends[min(first + symbol.end_line - 1, behind)] = symbol.end_line - symbol.start_line > 1
    return ends[:-1]
