"""A JSON file that must hold an object, read with an error that a user can act on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from codeassist.errors import ModelError
from codeassist.model_files import read_bounded


def read_json_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object. Raises ModelError for anything else."""
    try:
        value = json.loads(read_bounded(path))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"cannot read {path}: it holds no JSON object")
    return cast("dict[str, Any]", value)
