"""The finished parts of a long run in a folder: each is written when it is done, so the same run goes on later.

What a record holds, and how it is read back, is its owner's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.run_folder import read_json, write_json

if TYPE_CHECKING:
    from dataclasses import Field

PLAN = "plan.json"


def claim(folder: Path, identity: Mapping[str, Any]) -> None:
    """Make a folder that of the run with this identity. Raises EvaluationError where another run stands there."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = folder / PLAN
    if not plan.exists():
        write_json(plan, identity)
        return
    theirs, ours = read_json(plan), json.loads(json.dumps(identity))
    other = sorted(key for key in {*theirs, *ours} if theirs.get(key) != ours.get(key))
    if other:
        raise EvaluationError(f"{folder} holds another run ({', '.join(other)}); name another folder with --out")


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Record = TypeVar("Record", bound=_Dataclass)


class RecordLog(Generic[Record]):
    """The records in a file, one JSON object a line. Only the process of a run may append.

    `read` returns the records of a file whose lines are whole, by key.
    """

    def __init__(self, path: Path, read: Callable[[Path], dict[str, Record]]) -> None:
        self.path = path
        self._read = read

    def read(self) -> dict[str, Record]:
        """Return what is done, by key; a last line that an interruption tore is cut off the file."""
        if not self.path.exists():
            return {}
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        return self._read(self.path) if whole.strip() else {}

    def append(self, record: Record) -> None:
        """Write one record and hand it to the operating system. Raises EvaluationError where that fails."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(record)) + "\n")
        except OSError as error:
            raise EvaluationError(
                f"{self.path}: cannot be written: {error}; make room, then the same command goes on"
            ) from error


def claim_log(
    folder: Path,
    name: str,
    identity: Mapping[str, Any],
    from_json: Callable[[Mapping[str, Any]], Record],
    key_of: Callable[[Record], str],
) -> RecordLog[Record]:
    """Return the log `name` in the folder of the run with this identity; raises EvaluationError as `claim` does.

    `from_json` makes of a parsed line what was written, `key_of` tells records apart.
    """

    def read(path: Path) -> dict[str, Record]:
        try:
            records = [from_json(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
        except (ValueError, KeyError, TypeError) as error:
            raise EvaluationError(f"{path}: not a record of this run ({error}); name another --out") from error
        return {key_of(record): record for record in records}

    claim(folder, identity)
    return RecordLog(folder / name, read)
