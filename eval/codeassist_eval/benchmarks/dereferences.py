"""Tasks cut again at the first place of their truth where a member is being named.

Places are found in the text alone. Rows keep all else, so that what reads CrossCodeEval's files reads these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codeassist_eval.benchmarks.crosscodeeval import load_tasks
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.rows import read_rows
from codeassist_indexer.analysis.text.name_positions import NamePositions
from codeassist_indexer.languages.registry import language_of

_NAME = re.compile(r"[^\W\d][\w$]*")


def cut_at_dereferences(tasks_path: Path, out: Path) -> int:
    """Write the tasks that dereference anything to the file `out`; return how many there are."""
    load_tasks(tasks_path)  # every row is looked at before anything is written
    rows = list(_cut(tasks_path))
    if not rows:
        raise EvaluationError(f"{tasks_path}: no task's truth names a member")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    except OSError as error:
        raise EvaluationError(f"{out}: cannot be written: {error}") from error
    return len(rows)


def _cut(tasks_path: Path) -> Iterator[dict[str, Any]]:
    for row in read_rows(tasks_path):
        data = row.data
        prefix, truth = data["prompt"], data["groundtruth"]
        language = language_of(data["metadata"]["file"])
        char = first_dereference(language, prefix, truth) if language is not None else None
        if char is not None:
            metadata = {**data["metadata"], "kind": "member"}
            yield {**data, "prompt": prefix + truth[:char], "groundtruth": truth[char:], "metadata": metadata}


def first_dereference(language: str, prefix: str, truth: str) -> int | None:
    """Return where in `truth` a member's name begins, None where none does."""
    places = NamePositions(language)
    for char in range(len(truth)):
        if (prefix + truth[:char])[-1:] not in (".", ":") or _NAME.match(truth, char) is None:
            continue
        place = places.at_end(prefix + truth[:char])
        if place is not None and place.kind == "member":
            return char
    return None
