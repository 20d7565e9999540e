"""What syntax says of a line against the edits: the same definition, a head, a use of a head that was changed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from codeassist_indexer.edit_sites.columns.column import Column
from codeassist_indexer.edit_sites.definitions import NO_DEFINITIONS, FileDefinitions
from codeassist_indexer.edit_sites.line_table import Bools, Floats, LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges
from codeassist_indexer.languages.forms.parsed import Symbol
from codeassist_indexer.languages.parsing.symbols import FUNCTION_KINDS, TYPE_KINDS

SYNTAX = (
    "has_syntax", "in_same_definition", "in_same_parent", "same_definition_name", "is_head",
    "head_is_edited_kind",
    "in_function", "in_type", "at_top", "depth", "edited_at_head", "edited_in_function", "definition_in_gone",
    "definition_in_came", "definition_holds_gone", "calls_changed_head", "names_changed_head",
    "names_edited_definition",
    "calls_edited_definition", "body_of_changed_head", "definition_like_edited", "definition_rows",
)  # fmt: skip

_HEAD_ROWS = 3


def changed_heads(past: PastChanges, definitions: Mapping[str, FileDefinitions]) -> set[str]:
    """Return the names of the functions and types whose first lines were changed."""
    names: set[str] = set()
    for placed in past.placed:
        known = definitions.get(placed.path, NO_DEFINITIONS)
        for line in range(placed.start_line, max(placed.end_line, placed.start_line + 1)):
            symbol = known.at(line)
            if symbol is not None and line - (symbol.start_line - 1) < _HEAD_ROWS:
                names.add(symbol.parent.rpartition(".")[2] if symbol.kind == "constructor" else symbol.name)
    return names


def syntax_columns(
    table: LineTable, past: PastChanges, definitions: Mapping[str, FileDefinitions]
) -> dict[str, Column]:
    """Return the columns that SYNTAX names."""
    last = past.last
    edited = definitions.get(last.path, NO_DEFINITIONS).at(last.start_line)
    edited_names = {
        symbol.name for placed in past.placed
        if (symbol := definitions.get(placed.path, NO_DEFINITIONS).at(placed.start_line)) is not None
    }  # fmt: skip
    heads = changed_heads(past, definitions)
    found: dict[str, Floats] = {name: np.zeros(len(table), np.float32) for name in _BY_DEFINITION}
    for file, path in enumerate(table.paths):
        known = definitions.get(path, NO_DEFINITIONS)
        if not known.symbols:
            continue
        first, behind = int(table.first_lines[file]), int(table.first_lines[file + 1])
        count = min(behind - first, len(known.innermost))
        numbers = np.array(known.innermost[:count], dtype=np.int64)
        per_symbol = np.array(
            [_described(symbol, path, last.path, edited, past, heads, edited_names) for symbol in known.symbols]
            + [_OUTSIDE], dtype=np.float32,
        )  # fmt: skip
        for column, name in enumerate(_BY_DEFINITION):
            found[name][first : first + count] = per_symbol[numbers, column]
        found["has_syntax"][first:behind] = 1
    is_head = np.zeros(len(table), np.float32)
    for file, path in enumerate(table.paths):
        first, behind = int(table.first_lines[file]), int(table.first_lines[file + 1])
        for line in definitions.get(path, NO_DEFINITIONS).heads:
            if first + line < behind:
                is_head[first + line] = 1
    at_head = edited is not None and last.start_line - (edited.start_line - 1) < _HEAD_ROWS
    called = _called(table)
    return {
        **found, "is_head": is_head, "head_is_edited_kind": is_head * float(at_head),
        "edited_at_head": float(at_head),
        "edited_in_function": float(edited is not None and edited.kind in FUNCTION_KINDS),
        "names_changed_head": _names(table, heads), "calls_changed_head": _calls(table, heads, called),
        "names_edited_definition": _names(table, edited_names),
        "calls_edited_definition": _calls(table, edited_names, called),
    }  # fmt: skip


_BY_DEFINITION = (
    "in_same_definition", "in_same_parent", "same_definition_name", "in_function", "in_type", "at_top", "depth",
    "definition_in_gone", "definition_in_came", "definition_holds_gone", "body_of_changed_head",
    "definition_like_edited", "definition_rows", "has_syntax",
)  # fmt: skip
_OUTSIDE = (0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1)


def _described(
    symbol: Symbol, path: str, edited_path: str, edited: Symbol | None, past: PastChanges, heads: set[str],
    edited_names: set[str],
) -> tuple[float, ...]:  # fmt: skip
    name = symbol.name
    is_same = edited is not None and path == edited_path and symbol.qualified_name == edited.qualified_name
    has_same_parent = edited is not None and path == edited_path and symbol.parent == edited.parent
    return (
        is_same, has_same_parent, edited is not None and name == edited.name, symbol.kind in FUNCTION_KINDS,
        symbol.kind in TYPE_KINDS, 0, symbol.qualified_name.count("."), name in past.gone, name in past.came,
        any(gone in name for gone in past.gone), name in heads,
        max((_like(name, other) for other in edited_names), default=0.0),
        np.log1p(symbol.end_line - symbol.start_line), 1,
    )  # fmt: skip


def _like(one: str, other: str) -> float:
    one_parts, other_parts = _parts(one), _parts(other)
    return len(one_parts & other_parts) / max(1, len(one_parts | other_parts))


def _parts(name: str) -> set[str]:
    spaced = "".join(f" {letter}" if letter.isupper() else letter for letter in name).replace("_", " ")
    return set(spaced.lower().split())


def _called(table: LineTable) -> Bools:
    """Which tokens have an opening bracket behind them."""
    called = np.zeros(len(table.tokens), np.bool_)
    bracket = table.vocabulary.get("(", -1)
    called[:-1] = (table.tokens[1:] == bracket) & (table.line_of[1:] == table.line_of[:-1])
    return called


def _names(table: LineTable, names: set[str]) -> Bools:
    return table.count((table.among(table.numbers(names)) & table.is_name).astype(np.float32)) > 0


def _calls(table: LineTable, names: set[str], called: Bools) -> Bools:
    wanted = (table.among(table.numbers(names)) & table.is_name)[table.tokens] & called
    return np.bincount(table.line_of, wanted, minlength=len(table)) > 0
