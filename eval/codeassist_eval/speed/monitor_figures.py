"""What monitors bring: the same tasks with and without them, and how right and how fast they were.

Records in, figures out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from codeassist.request import SUSPECT_PROBABILITY
from codeassist_eval.percentiles import percentile, percentiles

Arm = Literal["with", "without"]
ARMS: tuple[Arm, ...] = ("with", "without")


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer. `members`: names that it writes at places where all that exist are known, and how many of them do.

    `parses`: whether the file with it has no more syntax errors than with the truth; None without a grammar.
    """

    text: str
    next_identifier: str | None
    em: float
    num_members: int
    num_existing: int
    decode_ms: float
    num_tokens: int
    parses: bool | None


@dataclass(frozen=True, slots=True)
class MonitorRecord:
    """One task. `acts`: kind, place, outcome, written, wanted and number of names of each place of the answer.

    `num_known` of the truth's places had names, `excluded` are those of its names that were not among them.
    `weighing_ms`: each choice between whole names.
    """

    task_id: str
    kind: str | None
    language: str
    target: str
    next_identifier: str | None
    answers: Mapping[str, Answered]
    acts: Sequence[Mapping[str, Any]]
    mask_ms: Sequence[float]
    weighing_ms: Sequence[float]
    wait_ms: float
    num_known: int
    excluded: Sequence[str]

    def hits(self, arm: Arm) -> bool:
        """Whether the answer's next identifier is the true one."""
        return self.answers[arm].next_identifier == self.next_identifier

    @property
    def is_active(self) -> bool:
        """Whether a monitor knew the names of any place of the answer."""
        return any(act["outcome"] in ("agreed", "overruled", "outweighed") for act in self.acts)

    @property
    def num_suspect(self) -> int:
        """How many names were forbidden of which the model was so sure that the analysis may be wrong."""
        acts = [act for act in self.acts if act["outcome"] == "overruled" and act.get("strength") == "sure"]
        return sum((act["wanted_probability"] or 0.0) > SUSPECT_PROBABILITY for act in acts)

    @property
    def at_cursor(self) -> str:
        """What became of the first place, if the answer begins at one."""
        first = next((act for act in self.acts if act["char"] <= 0), None)
        return "no place" if first is None else first["outcome"]


def figures(records: Sequence[MonitorRecord]) -> dict[str, Any]:
    """Return the figures of all tasks, and of each language and kind."""
    document = _of(records)
    groups = sorted({(record.language, record.kind or "") for record in records})
    document["by_kind"] = [
        {
            "language": language,
            "kind": kind,
            **_of([each for each in records if (each.language, each.kind or "") == (language, kind)]),
        }
        for language, kind in groups
    ]
    return document


def _of(records: Sequence[MonitorRecord]) -> dict[str, Any]:
    mask_ms = sorted(ms for record in records for ms in record.mask_ms)
    weighing_ms = [ms for record in records for ms in record.weighing_ms]
    active = [record for record in records if record.is_active]
    num_known = sum(record.num_known for record in records)
    num_excluded = sum(len(record.excluded) for record in records)
    decode_ms = sum(record.answers["with"].decode_ms for record in records)
    return {
        "tasks": len(records),
        "next_identifier_match": _by_arm(records, lambda record, arm: record.hits(arm)),
        "em": _by_arm(records, lambda record, arm: record.answers[arm].em),
        "members_exist": {arm: _members(records, arm) for arm in ARMS},
        "parses": {arm: _parsing(records, arm) for arm in ARMS},
        "active": {"tasks": len(active), "percent": _percent(len(active), len(records))},
        "when_active": {
            "next_identifier_match": _by_arm(active, lambda record, arm: record.hits(arm)),
            "em": _by_arm(active, lambda record, arm: record.answers[arm].em),
        },
        "truth_excluded": {
            "places_known": num_known,
            "excluded": num_excluded,
            "percent": _percent(num_excluded, num_known),
        },
        "at_cursor": dict(Counter(record.at_cursor for record in records).most_common()),
        "outcomes": dict(Counter(act["outcome"] for record in records for act in record.acts).most_common()),
        "strengths": dict(Counter(act.get("strength") or "unknown" for record in records for act in record.acts)),
        "suspected_wrong": sum(record.num_suspect for record in records),
        "overruled": {
            "mended": sum(record.hits("with") and not record.hits("without") for record in records),
            "spoilt": sum(record.hits("without") and not record.hits("with") for record in records),
        },
        "wrong_by_class": dict(Counter(why_wrong(each) for each in records if not each.hits("with")).most_common()),
        "mask_ms_p50": percentile(mask_ms, 50) if mask_ms else None,
        "mask_ms_p95": percentile(mask_ms, 95) if mask_ms else None,
        "mask_percent_of_decode": _percent(sum(mask_ms), decode_ms),
        "token_ms": {arm: _token_ms(records, arm) for arm in ARMS},
        "whole_names": {
            "times": len(weighing_ms),
            "ms": percentiles(weighing_ms, digits=2),
            "token_ms": {arm: _token_ms([each for each in records if each.weighing_ms], arm) for arm in ARMS},
        },
        "wait_ms_mean": sum(record.wait_ms for record in records) / len(records) if records else None,
    }


def why_wrong(record: MonitorRecord) -> str:
    """The class of a task whose next identifier is wrong even with monitors."""
    if record.next_identifier in record.excluded:
        return "the truth was excluded"
    match record.at_cursor:
        case "agreed" | "overruled" | "outweighed":
            return "another name that exists"
        case "late":
            return "the analysis was late"
        case "abstained":
            return "the analysis did not know"
        case _:
            return "no place at the cursor"


def _by_arm(records: Sequence[MonitorRecord], value: Callable[[MonitorRecord, Arm], float]) -> dict[str, float | None]:
    return {arm: _percent(sum(value(record, arm) for record in records), len(records)) for arm in ARMS}


def _members(records: Sequence[MonitorRecord], arm: Arm) -> dict[str, Any]:
    known = [record.answers[arm] for record in records if record.answers[arm].num_members]
    whole = sum(answer.num_existing == answer.num_members for answer in known)
    return {"answers": len(known), "percent": _percent(whole, len(known))}


def _parsing(records: Sequence[MonitorRecord], arm: Arm) -> float | None:
    judged = [record.answers[arm].parses for record in records if record.answers[arm].parses is not None]
    return _percent(sum(map(bool, judged)), len(judged))


def _token_ms(records: Sequence[MonitorRecord], arm: Arm) -> dict[str, float] | None:
    """What decoding took for a token, by answers."""
    answers = [record.answers[arm] for record in records]
    return percentiles([answer.decode_ms / answer.num_tokens for answer in answers if answer.num_tokens], digits=2)


def _percent(part: float, whole: float) -> float | None:
    return round(100 * part / whole, 2) if whole else None
