"""How many places of each kind fitting restores, and how long it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from time import thread_time

from rich.table import Table

from codeassist_eval.fitting.fit_place import FitPlace
from codeassist_eval.fitting.place_kinds import PLACE_KINDS
from codeassist_eval.fitting.source_file import SourceFile
from codeassist_eval.percentiles import percentiles
from codeassist_indexer.fitting.trim import Fitted, fit

_TRIES = 20
_SHOWN_CHARS = 120


@dataclass(frozen=True, slots=True)
class Wrong:
    """A place that was not restored, and what fitting made of its answer."""

    place: FitPlace
    fitted: Fitted

    def document(self) -> dict[str, object]:
        """The place as JSON has it: what stands around the cursor, not the whole file."""
        place = self.place
        return {
            "path": place.path,
            "before": place.prefix[-_SHOWN_CHARS:],
            "after": place.suffix[:_SHOWN_CHARS],
            "answer": place.answer,
            "inserted": self.fitted.text,
            "replaced": place.suffix[: self.fitted.num_replaced],
        }


@dataclass(slots=True)
class FitFigures:
    """What was counted at the places of one kind in one language; `times_ms`: of `fit`, by the thread's clock."""

    num_places: int = 0
    num_restored: int = 0
    wrong: list[Wrong] = field(default_factory=list[Wrong])
    times_ms: list[float] = field(default_factory=list[float])

    def document(self, num_examples: int) -> dict[str, object]:
        """The figures as JSON has them, with so many of the wrong places."""
        return {
            "places": self.num_places,
            "restored": round(self.num_restored / self.num_places, 4) if self.num_places else None,
            "ms": percentiles(self.times_ms, digits=2),
            "wrong": [each.document() for each in self.wrong[:num_examples]],
        }


def measure_fitting(files: Sequence[SourceFile], kinds: Sequence[str], limit: int, seed: str) -> dict[str, FitFigures]:
    """Fit answers at up to `limit` places of each kind. The same files, limit and seed give the same places."""
    return {kind: _of_kind(files, kind, limit, Random(f"{seed} {kind}")) for kind in kinds}


def _of_kind(files: Sequence[SourceFile], kind: str, limit: int, rng: Random) -> FitFigures:
    figures = FitFigures()
    for _ in range(limit * _TRIES):
        if figures.num_places >= limit:
            break
        place = PLACE_KINDS[kind](rng.choice(files), rng)
        if place is not None:
            _count(place, figures)
    return figures


def _count(place: FitPlace, figures: FitFigures) -> None:
    began = thread_time()
    fitted = fit(place.answer, place.prefix, place.suffix, place.path)
    figures.times_ms.append((thread_time() - began) * 1e3)
    figures.num_places += 1
    if place.accepts(place.prefix + fitted.text + place.suffix[fitted.num_replaced :]):
        figures.num_restored += 1
    else:
        figures.wrong.append(Wrong(place, fitted))


def fit_table(measured: Mapping[str, Mapping[str, FitFigures]]) -> Table:
    """The figures of all languages, by kind of place."""
    table = Table("language", "kind", "places", "restored", "p50 ms", "p95 ms")
    for language, by_kind in measured.items():
        for kind, figures in by_kind.items():
            ms = percentiles(figures.times_ms) or {}
            share = f"{figures.num_restored / figures.num_places:.2%}" if figures.num_places else "–"
            times = [f"{ms[name]:.1f}" if name in ms else "–" for name in ("p50", "p95")]
            table.add_row(language, kind, str(figures.num_places), share, *times)
        table.add_section()
    return table
