"""What the ranker of lines sees: numbers made of a line, the lines around it, and the edits that were made.

The names are part of a ranker's file: a file made for other names is refused. What each means, the modules of columns/
say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from codeassist_indexer.edit_sites.columns.column import Column
from codeassist_indexer.edit_sites.columns.gap import GAP, gap_columns
from codeassist_indexer.edit_sites.columns.group import GROUP, group_columns
from codeassist_indexer.edit_sites.columns.likeness import LIKE, likeness_columns
from codeassist_indexer.edit_sites.columns.line import LINE, line_columns
from codeassist_indexer.edit_sites.columns.names import NAMED, TASK, name_columns, task_columns
from codeassist_indexer.edit_sites.columns.order import RANKS, order_columns
from codeassist_indexer.edit_sites.columns.place import PLACE, place_columns
from codeassist_indexer.edit_sites.columns.runs import RUNS, run_columns
from codeassist_indexer.edit_sites.columns.scope import SCOPE, scope_columns
from codeassist_indexer.edit_sites.columns.statement import STATEMENT, statement_columns
from codeassist_indexer.edit_sites.columns.syntax import SYNTAX, syntax_columns
from codeassist_indexer.edit_sites.definitions import FileDefinitions
from codeassist_indexer.edit_sites.line_table import Bools, Floats, LineTable
from codeassist_indexer.edit_sites.outdated_uses import outdated_uses
from codeassist_indexer.edit_sites.past_changes import PastChanges

NAMES: tuple[str, ...] = (*PLACE, *LINE, *NAMED, *TASK, *LIKE, *SYNTAX, *RANKS, *GAP, *RUNS, *GROUP, *STATEMENT, *SCOPE)
"""One name a column, in order."""

_COLUMN = {name: number for number, name in enumerate(NAMES)}


def features(table: LineTable, past: PastChanges, definitions: Mapping[str, FileDefinitions]) -> Floats:
    """Return one row a line, one column a name: float32 [N, len(NAMES)]."""
    columns: dict[str, Column] = {
        **place_columns(table, past), **line_columns(table, past), **name_columns(table, past, definitions),
        **task_columns(table, past), **likeness_columns(table, past), **syntax_columns(table, past, definitions),
    }  # fmt: skip
    columns |= order_columns(table, columns)
    columns |= run_columns(table, past) | group_columns(table, past, columns) | statement_columns(table, past)
    columns |= scope_columns(table, past, definitions, columns)
    columns |= gap_columns(table, past, definitions, columns)
    outdated = outdated_uses(table, past, definitions)
    columns |= {"outdated_call": _marked(table, outdated.calls), "outdated_name": _marked(table, outdated.names)}
    rows = np.zeros((len(table), len(NAMES)), dtype=np.float32)
    for number, name in enumerate(NAMES):
        rows[:, number] = columns[name]
    return rows


def _marked(table: LineTable, rows: Iterable[int]) -> Bools:
    marked = np.zeros(len(table), np.bool_)
    marked[list(rows)] = True
    return marked


def value_of(row: Floats, name: str) -> float:
    """Return one column of one line's row."""
    return float(row[_COLUMN[name]])
