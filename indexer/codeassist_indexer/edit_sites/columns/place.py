"""Where a line stands against the edits."""

from __future__ import annotations

import numpy as np

from codeassist.edits.placed_change import PlacedChange
from codeassist.edits.proposals.replacement import TOKEN
from codeassist_indexer.edit_sites.columns.column import Column, log
from codeassist_indexer.edit_sites.line_table import Floats, LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges

PLACE = (
    "distance", "is_below", "is_same_file", "file_was_edited", "nearest_edit", "is_just_edited", "is_beside_edit",
    "num_edits_in_file", "num_files", "num_lines_of_file", "part_of_file", "same_stem", "same_folder", "same_extension",
    "is_between_edits", "files_since", "stride_distance", "sequence_distance", )  # fmt: skip


def place_columns(table: LineTable, past: PastChanges) -> dict[str, Column]:
    """Return the columns that PLACE names."""
    last, line = past.last, table.line_in_file.astype(np.float32)
    file = table.paths.index(last.path)
    same = table.file_of == file
    edge = max(last.end_line - 1, last.start_line)
    away = np.where(line < last.start_line, last.start_line - line, np.maximum(line - edge, 0))
    nearest = np.full(len(table), 1e4, np.float32)
    edits_in_file = np.zeros(len(table.paths), np.float32)
    first_edit, last_edit = np.full(len(table.paths), 1e9), np.full(len(table.paths), -1.0)
    just, beside = np.zeros(len(table), np.bool_), np.zeros(len(table), np.bool_)
    since = np.full(len(table.paths), 9.0)
    left: list[str] = []
    for placed in reversed(past.placed):
        if placed.path not in left:
            left.append(placed.path)
        here = table.file_of == table.paths.index(placed.path)
        low, high = placed.start_line, max(placed.end_line - 1, placed.start_line)
        far = np.where(line < low, low - line, np.maximum(line - high, 0))
        nearest = np.where(here, np.minimum(nearest, far), nearest)
        just |= here & (line >= low) & (line < placed.end_line)
        beside |= here & (line >= low - 1) & (line <= placed.end_line)
        number = table.paths.index(placed.path)
        edits_in_file[number] += 1
        since[number] = min(since[number], left.index(placed.path))
        first_edit[number], last_edit[number] = min(first_edit[number], low), max(last_edit[number], high)
    sizes = np.diff(table.first_lines).astype(np.float32)
    stems, folders = [_stem(path) for path in table.paths], [path.rpartition("/")[0] for path in table.paths]
    of_file = {
        "file_was_edited": edits_in_file > 0, "num_edits_in_file": edits_in_file, "num_lines_of_file": log(sizes),
        "same_stem": np.array([stem == stems[file] for stem in stems]), "files_since": since,
        "same_folder": np.array([folder == folders[file] for folder in folders]),
        "same_extension": np.array([_extension(path) == _extension(last.path) for path in table.paths]),
    }  # fmt: skip
    return {
        "distance": np.where(same, log(away), 12.0), "is_below": same & (line > edge), "is_same_file": same,
        "nearest_edit": log(nearest), "is_just_edited": just, "is_beside_edit": beside & ~just,
        "stride_distance": _distance(table, file, line, last.start_line + _stride(past)),
        "sequence_distance": _distance(table, file, line, _sequence(past)),
        "num_files": float(len(table.paths)), "part_of_file": line / np.maximum(sizes[table.file_of], 1),
        "is_between_edits": (line > first_edit[table.file_of]) & (line < last_edit[table.file_of]),
        **{name: values[table.file_of] for name, values in of_file.items()},
    }  # fmt: skip


def _distance(table: LineTable, file: int, line: Floats, foreseen: float | None) -> Floats:
    if foreseen is None:
        return np.full(len(table), 12.0, np.float32)
    return np.where(table.file_of == file, log(np.abs(line - foreseen)), 12.0)


def _stride(past: PastChanges) -> float:
    """How far the last edit lies from the one before it in the same file; from itself where there is none."""
    earlier = [placed for placed in past.placed[:-1] if placed.path == past.last.path]
    return float(past.last.start_line - earlier[-1].start_line) if earlier else 0.0


def _sequence(past: PastChanges) -> float | None:
    """The line to which the edits lead when they go on as they did after an earlier edit that was like the last one."""
    same_file = [placed for placed in past.placed if placed.path == past.last.path]
    kind = _edit_kind(same_file[-1])
    for number in range(len(same_file) - 2, -1, -1):
        if _edit_kind(same_file[number]) == kind:
            return float(past.last.start_line + same_file[number + 1].start_line - same_file[number].start_line)
    return None


def _edit_kind(placed: PlacedChange) -> tuple[str, ...]:
    return (
        *(TOKEN.sub("n", line).strip() for line in placed.change.old),
        "->",
        *(line.strip()[:12] for line in placed.change.new),
    )


def _stem(path: str) -> str:
    name = path.rpartition("/")[2].partition(".")[0].lower()
    for affix in ("test_", "_test", "tests", "test", "spec"):
        name = name.removeprefix(affix).removesuffix(affix)
    return name


def _extension(path: str) -> str:
    return path.rpartition(".")[2].lower()
