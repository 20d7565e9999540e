"""A column: one number for each line, or one for all; and what several groups of columns are made with."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from codeassist_indexer.edit_sites.line_table import Floats, LineTable

Column = NDArray[Any] | float
Scalar = TypeVar("Scalar", bound=np.generic)


def log(values: NDArray[Any] | np.floating[Any]) -> Floats:
    """Return log(1 + x), of what is below 0 that of 0."""
    return np.log1p(np.maximum(values, 0)).astype(np.float32)


def shifted(table: LineTable, values: NDArray[Scalar], by: int, empty: Scalar | int) -> NDArray[Scalar]:
    """Return the values of the lines `by` further down in the same file; `empty` where there is none."""
    out = np.full(len(values), empty, dtype=values.dtype)
    if by > 0 and len(values) > by:
        out[:-by] = np.where(table.file_of[by:] == table.file_of[:-by], values[by:], empty)
    elif by < 0 and len(values) > -by:
        out[-by:] = np.where(table.file_of[:by] == table.file_of[-by:], values[:by], empty)
    return out
