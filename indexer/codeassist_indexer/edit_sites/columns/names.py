"""Which names a line holds that the edits took away, put in, kept, or that stand around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from codeassist.edits.proposals.replacement import TOKEN
from codeassist_indexer.edit_sites.columns.column import Column, log, shifted
from codeassist_indexer.edit_sites.definitions import FileDefinitions
from codeassist_indexer.edit_sites.line_table import Bools, LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges, names_in

NAMED = (
    *(
        f"{what}_{how}"
        for what in ("gone", "came", "stayed", "last_gone", "last_came", "around", "edited")
        for how in ("sum", "most", "near")
    ),
    "gone_parts", "came_parts", "edited_parts", "sorted_gap", "came_sum_around",
)  # fmt: skip
TASK = (
    "num_edits", "last_size_old", "last_size_new", "last_is_insertion", "last_is_deletion", "num_gone", "num_came",
    "gone_left_rows", "gone_left_share", "came_used_rows", "num_replacements",
)  # fmt: skip


def name_columns(table: LineTable, past: PastChanges, definitions: Mapping[str, FileDefinitions]) -> dict[str, Column]:
    """Return the columns that NAMED names."""
    last_old, last_new = set(names_in(past.last.change.old)), set(names_in(past.last.change.new))
    around: set[str] = set()
    edited: set[str] = set()
    for placed in past.placed:
        first = table.row(placed.path, 0)
        if first is not None:
            file = table.paths.index(placed.path)
            behind = int(table.first_lines[file + 1])
            rows = [
                *range(first + placed.start_line - 2, first + placed.start_line),
                *range(first + placed.end_line, first + placed.end_line + 2),
            ]
            around.update(word for row in rows if first <= row < behind for word in names_in([table.lines[row]]))
        symbol = definitions[placed.path].at(placed.start_line)
        if symbol is not None:
            edited.add(symbol.name)
    sets = {
        "gone": set(past.gone), "came": set(past.came), "stayed": past.stayed, "last_gone": last_old - last_new,
        "last_came": last_new - last_old, "around": around, "edited": edited,
    }  # fmt: skip
    columns: dict[str, Column] = {}
    for what, names in sets.items():
        weights = np.where(table.among(table.numbers(names)) & table.is_name, 0.2 + table.rarity, 0).astype(np.float32)
        most = np.zeros(len(table), np.float32)
        np.maximum.at(most, table.line_of, weights[table.tokens])
        columns[f"{what}_sum"] = table.count(weights)
        columns[f"{what}_most"] = most
        columns[f"{what}_near"] = np.max([shifted(table, most, by, 0) for by in (-2, -1, 1, 2)], axis=0)
    came = np.asarray(columns["came_sum"])
    columns["came_sum_around"] = np.sum([shifted(table, came, by, 0) for by in (-3, -2, -1, 1, 2, 3)], axis=0)
    columns["sorted_gap"] = _sorted_gap(table, past)
    return columns | _part_columns(table, past, definitions)


_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LEAST_PART_CHARS = 4


def _parts(names: Iterable[str]) -> set[str]:
    return {part.lower() for name in names for part in _PART.findall(name) if len(part) >= _LEAST_PART_CHARS}


def _part_columns(table: LineTable, past: PastChanges, definitions: Mapping[str, FileDefinitions]) -> dict[str, Column]:
    """How rare the rarest word inside a name is that stands inside a changed name too: `pretty` of `PrettyPrinter`."""
    edited = {
        symbol.name for placed in past.placed if (symbol := definitions[placed.path].at(placed.start_line)) is not None
    }
    sets = {"gone_parts": _parts(past.gone), "came_parts": _parts(past.came), "edited_parts": _parts(edited)}
    columns: dict[str, Column] = {}
    words = list(table.vocabulary)
    parts_of = [_parts([word]) if is_name else set[str]() for word, is_name in zip(words, table.is_name, strict=True)]
    for what, parts in sets.items():
        weights = np.array(
            [0.1 + len(of & parts) / len(of) if of and of & parts else 0 for of in parts_of], np.float32
        ) * (0.2 + table.rarity)
        most = np.zeros(len(table), np.float32)
        np.maximum.at(most, table.line_of, weights[table.tokens])
        columns[what] = most
    return columns


def _sort_key(line: str) -> str:
    """The first name of a short line, "" of another one."""
    tokens = TOKEN.findall(line[:200])
    return next((token for token in tokens if token[0].isalpha() or token[0] == "_"), "") if len(tokens) < 12 else ""


def _sorted_gap(table: LineTable, past: PastChanges) -> Bools:
    """Where a name that came would keep a run of lines of one shape in order: a list of exports, imports, members."""
    gaps = np.zeros(len(table), np.bool_)
    names = sorted(name for name in past.came)[:6]
    if not names:
        return gaps
    keys = [_sort_key(line) for line in table.lines]
    is_alike = (table.shapes[1:] == table.shapes[:-1]) & (table.file_of[1:] == table.file_of[:-1])
    for row in np.flatnonzero(is_alike) + 1:
        one, other = keys[row - 1], keys[row]
        gaps[row] = bool(one) and any(one < name < other for name in names)
    return gaps


def task_columns(table: LineTable, past: PastChanges) -> dict[str, Column]:
    """Return the columns that TASK names, the same for all lines."""
    old, new = past.last.change.old, past.last.change.new
    gone, came = table.among(table.numbers(past.gone)), table.among(table.numbers(past.came))
    gone_rows, came_rows = table.count(gone.astype(np.float32)), table.count(came.astype(np.float32))
    left = np.isin(table.numbers(past.gone), table.tokens)
    return {
        "num_edits": float(len(past.placed)), "last_size_old": float(len(old)), "last_size_new": float(len(new)),
        "last_is_insertion": float(not old), "last_is_deletion": float(not new), "num_gone": float(len(past.gone)),
        "num_came": float(len(past.came)), "gone_left_rows": float(log(np.float32((gone_rows > 0).sum()))),
        "gone_left_share": float(left.mean()) if len(left) else -1.0,
        "came_used_rows": float(log(np.float32((came_rows > 0).sum()))),
        "num_replacements": float(len(past.replacements)),
    }  # fmt: skip
