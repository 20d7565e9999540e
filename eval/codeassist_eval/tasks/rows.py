"""JSON-lines files with errors that name file, line, task and field.

A row remembers where it came from, so that every complaint can say so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from codeassist_eval.errors import EvaluationError

T = TypeVar("T")

_JSON_NAMES = {str: "text", int: "a whole number", dict: "an object", list: "a list", float: "a number"}


@dataclass(frozen=True, slots=True)
class Row:
    """One JSON object of a file, with its place. `line` counts from 1."""

    path: Path
    line: int
    data: dict[str, Any]

    def error(self, problem: str) -> EvaluationError:
        """Return an error that says where this row stands and which task it is."""
        task_id = _task_id(self.data)
        named = f" (task {task_id})" if task_id is not None else ""
        return EvaluationError(f"{self.path}, line {self.line}{named}: {problem}")

    def require(self, field: str, kind: type[T]) -> T:
        """Return the value at the dotted `field`; raise if it is missing or is not a `kind`."""
        value = self._find(field)
        if value is None:
            raise self.error(f"field '{field}' is missing; is this a file of another benchmark (--benchmark)?")
        return self._typed(field, value, kind)

    def optional(self, field: str, kind: type[T]) -> T | None:
        """Return the value at the dotted `field`, None where it is missing or null; raise if it is not a `kind`."""
        value = self._find(field)
        return None if value is None else self._typed(field, value, kind)

    def _find(self, field: str) -> object:
        value: object = self.data
        for name in field.split("."):
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    def _typed(self, field: str, value: object, kind: type[T]) -> T:
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.error(f"field '{field}' is {type(value).__name__}, expected {_JSON_NAMES[kind]}")
        return value


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the objects of a JSON-lines file; blank lines are skipped."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    yield Row(path, number, parse_object(path, number, text))
    except FileNotFoundError:
        raise EvaluationError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: cannot be read as UTF-8 text: {error}") from error


def parse_object(path: Path, line: int, text: str) -> dict[str, Any]:
    """Parse one line that must hold one JSON object."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise EvaluationError(f"{path}, line {line}: not JSON ({error}); repair or remove the line") from error
    except RecursionError:
        raise EvaluationError(f"{path}, line {line}: JSON nested too deeply; repair or remove the line") from None
    if not isinstance(data, dict):
        raise EvaluationError(f"{path}, line {line}: holds {type(data).__name__}, expected one JSON object")
    return data


def unique_by_id(path: Path, found: Iterable[tuple[int, str, T]]) -> dict[str, T]:
    """Return the values of `(line, id, value)` by id, in order; raise if an id comes twice or there is none at all."""
    result: dict[str, T] = {}
    lines: dict[str, int] = {}
    for line, key, value in found:
        if key in lines:
            raise EvaluationError(f"{path}, line {line}: task id '{key}' already stands on line {lines[key]}")
        lines[key] = line
        result[key] = value
    if not result:
        raise EvaluationError(f"{path}: holds no rows")
    return result


def _task_id(data: dict[str, Any]) -> str | None:
    metadata = data.get("metadata")
    candidates = [data.get("task_id"), metadata.get("task_id") if isinstance(metadata, dict) else None]
    return next((found for found in candidates if isinstance(found, str)), None)
