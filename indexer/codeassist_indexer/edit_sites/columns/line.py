"""What kind of line it is, whatever was edited."""

from __future__ import annotations

import numpy as np

from codeassist_indexer.edit_sites.columns.column import Column, log, shifted
from codeassist_indexer.edit_sites.line_table import LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges

LINE = (
    "indentation", "indentation_to_edit", "num_tokens", "num_names", "is_blank", "is_import", "is_comment",
    "closes_only", "is_decorator", "shape_in_file", "shape_near",
)  # fmt: skip


def line_columns(table: LineTable, past: PastChanges) -> dict[str, Column]:
    """Return the columns that LINE names."""
    stripped = [line.lstrip() for line in table.lines]
    indentation = np.array([_indentation(line) for line in table.lines], dtype=np.float32)
    edited = past.last.change.new or past.last.change.old
    own = min((_indentation(line) for line in edited if line.strip()), default=0)
    sizes = np.diff(table.starts).astype(np.float32)
    _, inverse, counts = np.unique(table.shapes, return_inverse=True, return_counts=True)
    by_shape = counts[inverse].astype(np.float32)
    near = np.zeros(len(table), np.float32)
    for shift in (-3, -2, -1, 1, 2, 3):
        near += shifted(table, table.shapes, shift, np.uint64(0)) == table.shapes
    return {
        "indentation": indentation, "indentation_to_edit": indentation - own, "num_tokens": sizes,
        "num_names": table.count(table.is_name.astype(np.float32)), "is_blank": sizes == 0,
        "is_import": np.array([line.startswith(_IMPORTS) for line in stripped], np.bool_),
        "is_comment": np.array([line.startswith(_COMMENTS) for line in stripped], np.bool_),
        "closes_only": np.array([bool(line) and not line.strip("()[]{},; \t") for line in stripped], np.bool_),
        "is_decorator": np.array([line.startswith(("@", "#[", "[")) for line in stripped], np.bool_),
        "shape_in_file": np.where(sizes > 0, log(by_shape), 0), "shape_near": np.where(sizes > 0, near, 0),
    }  # fmt: skip


_IMPORTS = ("import ", "from ", "using ", "use ", "package ", "#include", "export * from", "export {")
_COMMENTS = ("#", "//", "/*", "*", '"""', "///", "--")


def _indentation(line: str) -> int:
    """The width of the white space at a line's start, a tab being four."""
    width = len(line) - len(line.lstrip())
    return width + 3 * line.count("\t", 0, width)
