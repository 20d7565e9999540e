"""The typing benchmark: sessions replayed one after the other, each written down when it is done.

A folder holds one run; the same run goes on where it was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeassist.errors import Cancelled, CodeAssistError
from codeassist_eval.errors import EvaluationError
from codeassist_eval.runs.record_log import RecordLog, claim_log
from codeassist_eval.typing.typing_figures import KeystrokeRecord, Sample, SessionRecord
from codeassist_eval.typing.typing_replay import Replayer
from codeassist_eval.typing.typing_sessions import EditSession

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class TypingRun:
    """The sessions that are done, and those that failed with the reason."""

    done: tuple[SessionRecord, ...]
    failed: Mapping[str, str]

    def require_all(self) -> None:
        """Raise EvaluationError if a session is missing."""
        if self.failed:
            name, reason = next(iter(self.failed.items()))
            raise EvaluationError(f"{len(self.failed)} sessions failed, {name} first: {reason}")


def session_log(folder: Path, identity: Mapping[str, Any]) -> RecordLog[SessionRecord]:
    """Open the log of a run in `folder`."""
    return claim_log(folder, "sessions.jsonl", identity, as_session, lambda record: record.name)


def run_typing_bench(
    replayer: Replayer, sessions: Sequence[EditSession], log: RecordLog[SessionRecord] | None, report: Report
) -> TypingRun:
    """Replay the sessions that are not in the log yet. One that fails is noted and the next one begins."""
    done = {} if log is None else log.read()
    failed: dict[str, str] = {}
    num_total = sum(len(session.trace.keystrokes) for session in sessions)
    num_done = sum(len(session.trace.keystrokes) for session in sessions if session.trace.name in done)
    for number, session in enumerate(sessions, 1):
        name = session.trace.name
        if name in done:
            continue

        def keystroke_done(number: int = number) -> None:
            nonlocal num_done
            num_done += 1
            report(f"session {number} of {len(sessions)}", num_done, num_total)

        try:
            record = replayer.replay(session, keystroke_done)
        except Cancelled:
            raise
        except CodeAssistError as error:
            failed[name] = str(error)
            continue
        done[name] = record
        if log is not None:
            log.append(record)
    names = [session.trace.name for session in sessions]
    return TypingRun(tuple(done[name] for name in names if name in done), failed)


def as_session(data: Mapping[str, Any]) -> SessionRecord:
    """Read back what `asdict` made of a session."""
    keystrokes = [
        KeystrokeRecord(
            **{**keystroke, "sample": None if keystroke["sample"] is None else Sample(**keystroke["sample"])}
        )
        for keystroke in data["keystrokes"]
    ]
    return SessionRecord(data["name"], tuple(keystrokes))
