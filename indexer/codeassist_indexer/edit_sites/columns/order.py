"""Where a line stands among all: by one number at a time, and first below the last edit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from codeassist_indexer.edit_sites.columns.column import Column, log
from codeassist_indexer.edit_sites.line_table import LineTable

_RANKED = ("gone_most", "gone_sum", "came_most", "like_old", "rule_around", "context_both", "edited_most", "around_sum")
RANKS = (
    *(f"{what}_rank" for what in _RANKED),
    "gone_next", "rule_next", "last_gone_next", "came_next", "edited_next", "like_next", "context_next", "stayed_next",
    "parts_next", "gone_rows_of_file", "gone_share_of_file",
)  # fmt: skip

_NEXT = {
    "gone_next": ("gone_most", 0.0), "rule_next": ("rule_around", 0.0), "last_gone_next": ("last_gone_most", 0.0),
    "came_next": ("came_most", 0.0), "edited_next": ("edited_most", 0.0), "like_next": ("like_old", 0.5),
    "context_next": ("context_both", 0.8), "stayed_next": ("stayed_most", 0.0), "parts_next": ("gone_parts", 0.3),
}  # fmt: skip


def order_columns(table: LineTable, columns: Mapping[str, Column]) -> dict[str, Column]:
    """Where a line stands among all by one number, nearest first where several are alike; 1 for the first, to 0."""
    distance, below = np.asarray(columns["distance"]), np.asarray(columns["is_below"])
    just = np.asarray(columns["is_just_edited"])
    found: dict[str, Column] = {}
    for name in _RANKED:
        values = np.where(just, 0, np.asarray(columns[name]))
        order = np.lexsort((~below, distance, -values))
        ranks = np.empty(len(table), np.float32)
        ranks[order] = 1 / (1 + np.arange(len(table), dtype=np.float32))
        found[f"{name}_rank"] = np.where(values > 0, ranks, 0)
    for name, (of, least) in _NEXT.items():
        rows = np.flatnonzero(below & (np.asarray(columns[of]) > least) & ~just)
        number = np.zeros(len(table), np.float32)
        number[rows] = 1 / (1 + np.arange(len(rows), dtype=np.float32))
        found[name] = number
    per_file = np.bincount(table.file_of, np.asarray(columns["gone_most"]) > 0, minlength=len(table.paths))
    found["gone_rows_of_file"] = log(per_file[table.file_of])
    found["gone_share_of_file"] = (per_file / np.maximum(np.diff(table.first_lines), 1))[table.file_of]
    return found
