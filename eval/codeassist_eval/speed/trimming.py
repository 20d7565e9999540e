"""How much of what models spoil trimming mends, and how often it spoils the truth.

Knows no model: the answers are what stands in the files, spoilt as `trim_cases` says.
"""

from __future__ import annotations

import dataclasses
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import thread_time

from rich.table import Table

from codeassist.errors import SettingsError
from codeassist_eval.percentiles import percentile
from codeassist_eval.speed.trim_cases import Case, cases, is_equal
from codeassist_indexer.fitting.trim import trim
from codeassist_indexer.languages.registry import language_of

_MIN_CHARS, _MAX_CHARS = 500, 200_000
_MOST_FILES = 400


@dataclass(slots=True)
class TrimFigures:
    """What was counted for one language.

    `plain` and `changed`: answers that were the truth, and those of them that trimming changed; `spoilt` and `mended`:
    answers that were more than the truth, and those of them that trimming made equal to it. By kind of place.
    """

    plain: Counter[str] = field(default_factory=Counter[str])
    changed: Counter[str] = field(default_factory=Counter[str])
    spoilt: Counter[str] = field(default_factory=Counter[str])
    mended: Counter[str] = field(default_factory=Counter[str])
    times_ms: list[float] = field(default_factory=list[float])
    failures: list[Case] = field(default_factory=list[Case])


def measure(files: Iterable[tuple[str, str]], num_places: int, rng: random.Random) -> TrimFigures:
    """Count over so many places in the files (path, text)."""
    figures = TrimFigures()
    known = list(files)
    for _ in range(num_places):
        for case in cases(*rng.choice(known), rng):
            _count(case, figures)
    return figures


def _count(case: Case, figures: TrimFigures) -> None:
    began = thread_time()
    trimmed = trim(case.answer, case.prefix, case.suffix, case.path)
    figures.times_ms.append((thread_time() - began) * 1e3)
    is_right = is_equal(trimmed, case.truth)
    if case.spoilt is None:
        figures.plain[case.kind] += 1
        figures.changed[case.kind] += not is_right
    else:
        figures.spoilt[case.kind] += 1
        figures.mended[case.kind] += is_right
    if not is_right:
        figures.failures.append(dataclasses.replace(case))


def read_files(folder: Path, rng: random.Random) -> dict[str, list[tuple[str, str]]]:
    """Some readable files of the folder for each language: their paths and texts. Raises SettingsError for none."""
    found: dict[str, list[tuple[str, str]]] = {}
    paths = [path for path in sorted(folder.rglob("*")) if language_of(path.name) is not None and path.is_file()]
    rng.shuffle(paths)
    for path in paths:
        text = path.read_text(errors="replace")
        of_language = found.setdefault(language_of(path.name, text) or "", [])
        if _MIN_CHARS <= len(text) <= _MAX_CHARS and len(of_language) < _MOST_FILES:
            of_language.append((path.relative_to(folder).as_posix(), text))
    known = {language: files for language, files in sorted(found.items()) if files}
    if not known:
        raise SettingsError(
            f"{folder} holds no file of a known language between {_MIN_CHARS} and {_MAX_CHARS} characters"
        )
    return known


def failure_lines(measured: dict[str, TrimFigures]) -> Iterator[str]:
    """Yield the cases that went wrong, one JSON object a line."""
    for figures in measured.values():
        for case in figures.failures:
            yield json.dumps(dataclasses.asdict(case)) + "\n"


def trim_document(figures: TrimFigures) -> dict[str, object]:
    """Return the figures of one language as JSON has them."""
    times = sorted(figures.times_ms)
    return {
        "plain": figures.plain,
        "changed": figures.changed,
        "spoilt": figures.spoilt,
        "mended": figures.mended,
        "ms_p50": percentile(times, 50) if times else None,
        "ms_p95": percentile(times, 95) if times else None,
        "ms_max": times[-1] if times else None,
    }


def trim_table(measured: dict[str, TrimFigures]) -> Table:
    """Return the figures of all languages, by kind of place."""
    table = Table("language", "kind", "truths", "changed", "", "spoilt", "mended", "", "p95 ms")
    for language, figures in measured.items():
        for kind in [*figures.plain, None]:
            plain, changed = _of(figures.plain, kind), _of(figures.changed, kind)
            spoilt, mended = _of(figures.spoilt, kind), _of(figures.mended, kind)
            times = sorted(figures.times_ms)
            table.add_row(
                *(language, kind or "all", str(plain), str(changed), _percent(changed, plain)),
                *(str(spoilt), str(mended), _percent(mended, spoilt)),
                f"{percentile(times, 95):.1f}" if kind is None else "",
                end_section=kind is None,
            )
    return table


def _of(counts: Counter[str], kind: str | None) -> int:
    return counts.total() if kind is None else counts[kind]


def _percent(part: int, whole: int) -> str:
    return f"{part / whole * 100:.2f}%" if whole else "–"
