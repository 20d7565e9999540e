"""How often the analysis behind the monitors knows what can stand at a place, and how often it is wrong.

What is measured is whether the truth would have been excluded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from codeassist_eval.analysis.places import AskedPlace
from codeassist_eval.percentiles import percentile
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
class Excluded:
    """A place at which the true name was not among the allowed ones."""

    language: str
    kind: str
    where: str
    line: str
    some: tuple[str, ...]


@dataclass(slots=True)
class AnalysisFigures:
    """What was counted. Times are of questions that were asked when the process was warm."""

    counts: dict[tuple[str, str], PlaceCount] = field(default_factory=dict[tuple[str, str], PlaceCount])
    excluded: list[Excluded] = field(default_factory=list[Excluded])
    answer_ms: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

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
            "excluded": [
                {"language": e.language, "kind": e.kind, "where": e.where, "line": e.line, "some": list(e.some)}
                for e in self.excluded
            ],
        }


AllNames = Callable[[AskedPlace], frozenset[str] | None]
"""An oracle: all names that can stand at a place, None where it does not know."""


def check_analysis(asked: Iterable[AskedPlace], indexes: Path, all_names: AllNames = lambda _: None) -> AnalysisFigures:
    """Ask at each place, in order; those of one repository should come together.

    Where `all_names` says what can stand at a place, each of these is a truth: none of them may be excluded.
    """
    figures = AnalysisFigures()
    folder: Path | None = None
    store: Store | None = None
    analyst: RepositoryAnalysisService | None = None
    warmed: set[str] = set()
    try:
        for place in asked:
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
            _ask(analyst, place, figures, all_names)
    finally:
        if analyst is not None and store is not None:
            analyst.close()
            store.close()
    return figures


def _ask(analyst: RepositoryAnalysisService, asked: AskedPlace, figures: AnalysisFigures, all_names: AllNames) -> None:
    analysis = analyst.analyse(asked.request)
    if not isinstance(analysis, TextAnalysis):
        return
    kind = asked.place.kind
    count = figures.counts.setdefault((asked.language, kind), PlaceCount())
    begin = perf_counter()
    found = analysis.found(asked.text, asked.place)
    figures.answer_ms.setdefault(asked.language, []).append((perf_counter() - begin) * 1e3)
    count.num_places += 1
    if found.names is None:
        count.abstained[found.source] += 1
        return
    by_position = kind == "keyword" and not asked.is_keyword
    others = (all_names(asked) or frozenset()) - found.names if not by_position else frozenset[str]()
    is_there = found.room != 0 if by_position else asked.name in found.names and not others
    if found.strength == "likely":
        count.num_likely += 1
        count.num_astray += not is_there
        count.doubts[found.doubt] += 1
        count.astray[found.doubt] += not is_there
        return
    count.num_active += 1
    count.num_names += len(found.names)
    count.num_named += asked.is_keyword
    count.num_counted += by_position and found.room is not None
    if is_there:
        return
    count.num_excluded += 1
    line_number = asked.text.count("\n") + 1
    where = f"{asked.folder.name}/{asked.request.path}:{line_number}"
    some = tuple(sorted(found.names, key=lambda name: (name.startswith("_"), name)))[:10]
    line = asked.line + "".join(f" +{name}" for name in sorted(others)[:10])
    figures.excluded.append(Excluded(asked.language, kind, where, line, some))
