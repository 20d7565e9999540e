"""How often the analysis behind the monitors knows what can stand at a place, and how often it is wrong.

What is measured is whether the truth would have been excluded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from codeassist_eval.analysis.places import AskedPlace
from codeassist_eval.percentiles import percentile
from codeassist_eval.runs.record_log import RecordLog, claim_log
from codeassist_indexer.analysis.service import RepositoryAnalysisService, TextAnalysis
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.storage.store import Store, database_path

# Long enough for a busy machine: what is counted must not depend on it.
_DEADLINE_S = 60.0


@dataclass(slots=True)
class PlaceCount:
    """Of one kind of place in one language. Where names are only likely, the analysis is not active.

    `num_astray`: likely ones without the true name.
    """

    num_places: int = 0
    num_active: int = 0
    num_excluded: int = 0
    num_names: int = 0
    num_named: int = 0  # active places of arguments at which one with a name stands
    num_counted: int = 0  # those at which one without stands, and it is known how many may
    num_likely: int = 0
    num_astray: int = 0
    abstained: Counter[str] = field(default_factory=Counter[str])
    doubts: Counter[str] = field(default_factory=Counter[str])
    astray: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True, slots=True)
class PlaceRecord:
    """What the analysis said at one place. `holds`: the true name is among the allowed ones.

    `why`: for what it abstained, or what makes it no more than likely. `is_keyword`: the truth is an argument with a
    name, `is_counted`: one without, where it is known how many may stand. `some` of the names, for people.
    """

    key: str
    language: str
    kind: str
    strength: Literal["sure", "likely", "unknown"]
    why: str
    holds: bool
    num_names: int
    is_keyword: bool
    is_counted: bool
    answer_ms: float
    where: str
    line: str
    some: tuple[str, ...]


@dataclass(slots=True)
class AnalysisFigures:
    """What was counted. Times are of questions that were asked when the process was warm."""

    counts: dict[tuple[str, str], PlaceCount] = field(default_factory=dict[tuple[str, str], PlaceCount])
    excluded: list[PlaceRecord] = field(default_factory=list[PlaceRecord])
    astray: list[PlaceRecord] = field(default_factory=list[PlaceRecord])
    answer_ms: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def add(self, record: PlaceRecord) -> None:
        """Count one place."""
        count = self.counts.setdefault((record.language, record.kind), PlaceCount())
        self.answer_ms.setdefault(record.language, []).append(record.answer_ms)
        count.num_places += 1
        match record.strength:
            case "unknown":
                count.abstained[record.why] += 1
            case "likely":
                count.num_likely += 1
                count.doubts[record.why] += 1
                if not record.holds:
                    count.num_astray += 1
                    count.astray[record.why] += 1
                    self.astray.append(record)
            case "sure":
                count.num_active += 1
                count.num_names += record.num_names
                count.num_named += record.is_keyword
                count.num_counted += record.is_counted
                if not record.holds:
                    count.num_excluded += 1
                    self.excluded.append(record)

    def as_document(self) -> dict[str, Any]:
        """One JSON object."""
        active = sum(count.num_active for count in self.counts.values())
        return {
            "places": sum(count.num_places for count in self.counts.values()),
            "active": active,
            "truth_excluded": len(self.excluded),
            "truth_excluded_percent": 100 * len(self.excluded) / active if active else 0.0,
            "likely": sum(count.num_likely for count in self.counts.values()),
            "likely_without_truth": sum(count.num_astray for count in self.counts.values()),
            "by_kind": [
                {
                    "language": language,
                    "kind": kind,
                    "places": count.num_places,
                    "active": count.num_active,
                    "truth_excluded": count.num_excluded,
                    "likely": count.num_likely,
                    "likely_without_truth": count.num_astray,
                    **(
                        {"active_with_keyword": count.num_named, "active_by_position": count.num_counted}
                        if kind == "keyword"
                        else {}
                    ),
                    "names_mean": count.num_names / count.num_active if count.num_active else 0.0,
                    "abstained": dict(count.abstained.most_common()),
                    "doubts": dict(count.doubts.most_common()),
                    "doubts_without_truth": dict(count.astray.most_common()),
                }
                for (language, kind), count in sorted(self.counts.items())
            ],
            "answer_ms": {
                language: {"p50": percentile(times, 50), "p95": percentile(times, 95)}
                for language, times in sorted(self.answer_ms.items())
            },
            "excluded": [_shown(record) for record in self.excluded],
            "astray": [_shown(record) | {"doubt": record.why} for record in self.astray],
        }


AllNames = Callable[[AskedPlace], frozenset[str] | None]
"""An oracle: all names that can stand at a place, None where it does not know."""


def place_log(folder: Path, identity: Mapping[str, Any]) -> RecordLog[PlaceRecord]:
    """Open the log of a run in `folder`."""
    return claim_log(folder, "places.jsonl", identity, _as_record, lambda record: record.key)


def check_analysis(
    asked: Iterable[AskedPlace],
    indexes: Path,
    all_names: AllNames = lambda _: None,
    log: RecordLog[PlaceRecord] | None = None,
) -> AnalysisFigures:
    """Ask at each place, in order; those of one repository, and in it of one file, should come together.

    Where `all_names` says what can stand at a place, each of these is a truth: none of them may be excluded. Places
    that are in the log are not asked again.
    """
    figures = AnalysisFigures()
    done = {} if log is None else log.read()
    folder: Path | None = None
    store: Store | None = None
    analyst: RepositoryAnalysisService | None = None
    warmed: set[str] = set()
    try:
        for place in asked:
            known = done.get(place.key)
            if known is not None:
                figures.add(known)
                continue
            if analyst is None or place.folder != folder:
                if analyst is not None and store is not None:
                    analyst.close()
                    store.close()
                folder, warmed = place.folder, set()
                store = Store(database_path(folder, indexes))
                update_index(store, folder)
                analyst = RepositoryAnalysisService(folder, store, _DEADLINE_S)
            if place.request.path not in warmed:
                analyst.warm(place.request)
                warmed.add(place.request.path)
            record = _ask(analyst, place, all_names)
            if record is None:
                continue
            figures.add(record)
            if log is not None:
                log.append(record)
    finally:
        if analyst is not None and store is not None:
            analyst.close()
            store.close()
    return figures


def _ask(analyst: RepositoryAnalysisService, asked: AskedPlace, all_names: AllNames) -> PlaceRecord | None:
    analysis = analyst.analyse(asked.request)
    if not isinstance(analysis, TextAnalysis):
        return None
    begin = perf_counter()
    found = analysis.found(asked.text, asked.place)
    answer_ms = (perf_counter() - begin) * 1e3
    names = found.names or frozenset[str]()
    by_position = asked.place.kind == "keyword" and not asked.is_keyword
    is_known = found.names is not None
    others = (all_names(asked) or frozenset()) - names if is_known and not by_position else frozenset[str]()
    return PlaceRecord(
        key=asked.key,
        language=asked.language,
        kind=asked.place.kind,
        strength=found.strength if is_known else "unknown",
        why=found.doubt if is_known else found.source,
        holds=found.room != 0 if by_position else asked.name in names and not others,
        num_names=len(names),
        is_keyword=asked.is_keyword,
        is_counted=by_position and found.room is not None,
        answer_ms=answer_ms,
        where=f"{asked.folder.name}/{asked.request.path}:{asked.text.count(chr(10)) + 1}",
        line=asked.line + "".join(f" +{name}" for name in sorted(others)[:10]),
        some=tuple(sorted(names, key=lambda name: (name.startswith("_"), name)))[:10],
    )


def _shown(record: PlaceRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("language", "kind", "where", "line")} | {"some": list(record.some)}


def _as_record(data: Mapping[str, Any]) -> PlaceRecord:
    return PlaceRecord(**{**data, "some": tuple(data["some"])})
