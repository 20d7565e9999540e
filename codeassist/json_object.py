"""JSON that others wrote: values of bounded depth, and files that must hold an object."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from codeassist.errors import ModelError
from codeassist.model_files import read_bounded

MOST_DEPTH = 64
"""No message or file of ours, of editors or of completions servers is nested half as deeply."""


def parse_json(text: str | bytes) -> object:
    """Return the value of a text. Raises ValueError for what is no JSON, and for what is nested too deeply.

    Whatever goes through the value, one call within another for each level, then has an end.
    """
    try:
        value: object = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [part for each in level for part in _parts(each)]
        if not level:
            return value
    raise ValueError("nested too deeply")


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def read_json_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object. Raises ModelError for anything else."""
    try:
        value = json.loads(read_bounded(path))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"cannot read {path}: it holds no JSON object")
    return cast("dict[str, Any]", value)
