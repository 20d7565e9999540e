"""What kind of statement a line begins with, against those that the edits changed, and what is still to be done with
the names that came."""

from __future__ import annotations

import re

import numpy as np

from codeassist.edits.proposals.replacement import TOKEN
from codeassist_indexer.edit_sites.columns.column import Column, log
from codeassist_indexer.edit_sites.line_table import Ints, LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges

STATEMENT = (
    "statement", "same_statement_old", "same_statement_new", "last_statement_old", "last_statement_new", "is_test_file",
    "last_in_test_file", "is_test_now", "imports_edited_file",
    "came_unused", "gone_still_used", "last_only_imports", "came_is_unused_import",
)  # fmt: skip

_KINDS = (
    ("import", "from", "using", "use", "package", "#include", "export"), ("def", "func", "fn", "function"),
    ("class", "interface", "struct", "enum", "type", "impl", "trait", "record"), ("return", "yield"),
    ("if", "elif", "switch", "match", "case", "else", "when"), ("for", "while", "foreach", "loop"),
    ("try", "except", "catch", "finally", "with"), ("raise", "throw", "panic"), ("assert", "expect", "assertThat"),
    ("public", "private", "protected", "internal", "static", "pub", "readonly", "abstract", "override", "async"),
    ("const", "let", "var", "val", "final"), ("@",), ("#", "//", "/", "*", '"', "'"), (")", "]", "}"), ("await",),
)  # fmt: skip
_NUMBER = {word: number for number, words in enumerate(_KINDS, start=1) for word in words}
_ASSIGNMENT, _CALL, _OTHER = len(_KINDS) + 1, len(_KINDS) + 2, len(_KINDS) + 3
_IS_ASSIGNMENT = re.compile(r"^[\w.\[\]'\", ]+(?::[^=]+)?\s*[-+*|]?=(?!=)")
_IS_CALL = re.compile(r"^[\w.]+\(")
_IS_TEST = re.compile(r"(^|/)(tests?|specs?|__tests__)/|(^|[/_.])(test|spec)s?([_.]|$)|Tests?\.\w+$", re.IGNORECASE)


def statement_kind(line: str) -> int:
    """Return the number of a line's kind; 0 for a blank one."""
    stripped = line.strip()
    if not stripped:
        return 0
    first = TOKEN.match(stripped)
    known = _NUMBER.get(first[0] if first else stripped[0])
    if known is not None:
        return known
    if _IS_ASSIGNMENT.match(stripped):
        return _ASSIGNMENT
    return _CALL if _IS_CALL.match(stripped) else _OTHER


def statement_columns(table: LineTable, past: PastChanges) -> dict[str, Column]:
    """Return the columns that STATEMENT names."""
    kinds = np.array([statement_kind(line) for line in table.lines], dtype=np.float32)
    changes = [placed.change for placed in past.placed[-6:]]
    old = {statement_kind(line) for change in changes for line in change.old}
    new = {statement_kind(line) for change in changes for line in change.new}
    last = past.last.change
    is_test = np.array([_IS_TEST.search(path) is not None for path in table.paths])
    edited_stem = past.last.path.rpartition("/")[2].partition(".")[0]
    imports = np.zeros(len(table.paths), np.bool_)
    for row in np.flatnonzero(kinds == 1):
        imports[table.file_of[row]] |= edited_stem in table.lines[row]
    came, gone = table.numbers(past.came), table.numbers(past.gone)
    lines_with = _lines_with(table)
    only_imports = all(statement_kind(line) in (0, 1) for line in (*last.old, *last.new))
    unused = float((lines_with[came] <= 1).mean()) if len(came) else -1.0
    old_numbers, new_numbers = np.array(sorted(old - {0}), np.float32), np.array(sorted(new - {0}), np.float32)
    return {
        "statement": kinds, "same_statement_old": np.isin(kinds, old_numbers),
        "same_statement_new": np.isin(kinds, new_numbers),
        "last_statement_old": float(statement_kind(last.old[0])) if last.old else -1.0,
        "last_statement_new": float(statement_kind(last.new[0])) if last.new else -1.0,
        "is_test_file": is_test[table.file_of],
        "last_in_test_file": float(is_test[table.paths.index(past.last.path)]),
        "is_test_now": (is_test[table.file_of]) & ~is_test[table.paths.index(past.last.path)],
        "imports_edited_file": imports[table.file_of],
        "came_unused": unused, "gone_still_used": float(log(np.float32((lines_with[gone] > 0).sum()))),
        "last_only_imports": float(only_imports),
        "came_is_unused_import": float(only_imports and unused > 0),
    }  # fmt: skip


def _lines_with(table: LineTable) -> Ints:
    """In how many lines each token of the vocabulary stands: [V]."""
    once = np.unique(table.line_of * len(table.is_name) + table.tokens) % len(table.is_name)
    return np.bincount(once, minlength=len(table.is_name))
