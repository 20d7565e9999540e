"""The figures of a run over next-edit tasks: over all, by kind, by language.

Scores and records in, plain values out. Shares are in percent; None where there is nothing to make a share of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from codeassist_eval.edits.edit_record import EditRecord
from codeassist_eval.edits.edit_score import EditScore
from codeassist_eval.percentiles import percentiles

_SAME_FILE, _TOPS = ("near", "far"), (1, 3, 10)


def edit_figures(scores: Sequence[EditScore], records: Mapping[str, EditRecord]) -> dict[str, Any]:
    """Return what `metrics.json` holds.

    location_hit…: the place of the next change is among the first sites, whether or not they would be shown;
    exact_given_place, similarity_given_place: of what is first proposed there; quiet_rate: complete changes after which
    nothing is shown; show_rate: others after which something is; shown_precision: of what is shown, what leaves the
    text as a change of the commit does; end_to_end_exact: tasks in which the next change itself is shown;
    keystrokes_saved: of all characters of the next changes; kept_rate: of the characters that shown edits add, what
    the commit adds too; first_ms: until there was something to show, where there was.
    """
    found = _over(scores, records)
    same = [score for score in scores if score.kind in _SAME_FILE]
    other = [score for score in scores if score.kind == "other_file"]
    found |= {f"location_hit{top}_same_file": _hit(same, top) for top in _TOPS}
    found |= {f"location_hit{top}_other_file": _hit(other, top) for top in _TOPS}
    found["by_kind"] = _by(scores, records, lambda score: score.kind)
    found["by_language"] = _by(scores, records, lambda score: score.language)
    return found


def _by(
    scores: Sequence[EditScore], records: Mapping[str, EditRecord], key: Callable[[EditScore], str]
) -> dict[str, Any]:
    names = sorted({key(score) for score in scores})
    return {name: _over([score for score in scores if key(score) == name], records) for name in names}


def _over(scores: Sequence[EditScore], records: Mapping[str, EditRecord]) -> dict[str, Any]:
    left = [score for score in scores if score.kind != "quiet"]
    quiet = [score for score in scores if score.kind == "quiet"]
    shown = [score for score in scores if score.is_shown]
    of_run = [records[score.task_id] for score in scores]
    similar = [score.similarity_given for score in left if score.similarity_given is not None]
    errors = [score.more_errors for score in shown if score.more_errors is not None]
    num_drafted = sum(record.num_drafted for record in of_run)
    return {
        "tasks": len(scores),
        **{f"location_hit{top}": _hit(left, top) for top in _TOPS},
        "exact_given_place": _share(bool(score.is_exact_given) for score in left),
        "similarity_given_place": 100 * fmean(similar) if similar else None,
        "end_to_end_exact": _share(score.is_exact_next for score in left),
        "shown": len(shown),
        "show_rate": _share(score.is_shown for score in left),
        "quiet_rate": _share(not score.is_shown for score in quiet),
        "finder_show_rate": _share(not records[score.task_id].is_quiet for score in left),
        "finder_quiet_rate": _share(records[score.task_id].is_quiet for score in quiet),
        "shown_precision": _share(score.is_exact_shown for score in shown),
        "shown_place_precision": _share(score.is_right_place for score in shown),
        "keystrokes_saved": _ratio(sum(score.keys_saved for score in scores), sum(score.keys for score in scores)),
        "kept_rate": _ratio(sum(score.kept_chars for score in shown), sum(score.added_chars for score in shown)),
        "syntax_errors_more": fmean(errors) if errors else None,
        "sites_ms": percentiles((record.sites_ms for record in of_run), (50, 95), 1),
        "given_ms": percentiles((each for record in of_run if (each := record.given_ms) is not None), (50, 95), 1),
        "shown_ms": percentiles((record.shown_ms for record in of_run), (50, 95), 1),
        "first_ms": percentiles((each for record in of_run if (each := record.first_ms) is not None), (50, 95), 1),
        "draft_acceptance": _ratio(sum(record.num_accepted for record in of_run), num_drafted),
    }


def _hit(scores: Sequence[EditScore], top: int) -> float | None:
    return _share(score.rank is not None and score.rank < top for score in scores)


def _share(values: Iterable[bool]) -> float | None:
    known = list(values)
    return 100 * fmean(known) if known else None


def _ratio(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
