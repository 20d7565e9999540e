"""The finished parts of a long run in a folder: each is written when it is done, so the same run goes on later.

Knows no figure: what a record holds, and how it is read back, is its owner's.
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
    """The records in `folder`/`name`, one JSON object a line. Only the process of a run may append.

    `identity` is what must be the same for the run to go on; raises EvaluationError where another run stands there.
    `from_json` makes of a parsed line what was written, `key_of` tells records apart.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        identity: Mapping[str, Any],
        from_json: Callable[[Mapping[str, Any]], Record],
        key_of: Callable[[Record], str],
    ) -> None:
        self._from_json = from_json
        self._key_of = key_of
        self._path = folder / name
        claim(folder, identity)

    def read(self) -> dict[str, Record]:
        """Return what is done, by key; a last line that an interruption tore is cut off the file."""
        if not self._path.exists():
            return {}
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            with self._path.open("r+b") as file:
                file.truncate(len(whole))
        try:
            records = [self._from_json(json.loads(line)) for line in whole.decode("utf-8").splitlines()]
        except (ValueError, KeyError, TypeError) as error:
            raise EvaluationError(f"{self._path}: not a record of this run ({error}); name another --out") from error
        return {self._key_of(record): record for record in records}

    def append(self, record: Record) -> None:
        """Write one record down."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")
