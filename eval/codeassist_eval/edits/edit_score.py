"""What an answer to one task is worth, against what the commit did.

Tasks and records in, numbers out. Two changes are the same where they leave the same text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from codeassist.edits.change import LineChange
from codeassist.edits.pipeline import applied
from codeassist.edits.proposals.replacement import TOKEN
from codeassist_eval.edits.edit_record import EditRecord, change_from_json
from codeassist_eval.edits.edit_task import EditTask
from codeassist_eval.edits.syntax_errors import num_errors
from codeassist_eval.metrics.similarity import levenshtein_similarity

_TAB = 1
"""Keys that taking an edit costs; going to it costs one more where it is not in sight."""


@dataclass(frozen=True, slots=True)
class EditScore:
    """Of one task. `rank`: the number of the first site on the next change or beside it, from 0; None: not among those
    that were recorded. What cannot be said of a task is None."""

    task_id: str
    kind: str
    language: str
    rank: int | None
    is_exact_given: bool | None
    similarity_given: float | None
    is_shown: bool
    is_exact_shown: bool
    is_right_place: bool
    is_exact_next: bool
    keys: int
    keys_saved: int
    added_chars: int
    kept_chars: int
    more_errors: int | None


def score(task: EditTask, record: EditRecord) -> EditScore:
    """Judge a record."""
    files = task.request.files
    target = task.target
    given = None if record.given is None else change_from_json(record.given)
    shown = None if record.shown is None else change_from_json(record.shown)
    is_exact_given = similarity = None
    if target is not None:
        is_exact_given = given is not None and _same(files, given, target)
        similarity = 0.0 if given is None else _similarity(files, given, target)
    hit = next((each for each in task.targets if shown is not None and _same(files, shown, each)), None)
    keys = 0 if target is None else Levenshtein.distance("\n".join(target.old), "\n".join(target.new))
    saved = 0
    if hit is not None:
        whole = Levenshtein.distance("\n".join(hit.old), "\n".join(hit.new))
        is_far = hit.path != task.request.path or abs(hit.start_line - task.request.line) > 12
        saved = max(0, whole - _TAB - is_far)
    added, kept = (0, 0) if shown is None else _kept(files, shown, task.targets)
    return EditScore(
        task_id=task.task_id,
        kind=task.kind,
        language=task.language,
        rank=None if target is None else first_hit(record.places, target),
        is_exact_given=is_exact_given,
        similarity_given=similarity,
        is_shown=shown is not None,
        is_exact_shown=hit is not None,
        is_right_place=shown is not None and any(is_on(shown.path, shown.start_line, each) for each in task.targets),
        is_exact_next=hit is not None and hit is target,
        keys=keys,
        keys_saved=saved,
        added_chars=added,
        kept_chars=kept,
        more_errors=None if shown is None else _more_errors(files, shown),
    )


def is_on(path: str, line: int, target: LineChange) -> bool:
    """Whether a line is one of those that a change changes, or beside them; of an insertion, above or below it."""
    last = max(target.start_line, target.start_line + len(target.old) - 1)
    return path == target.path and target.start_line - 1 <= line <= last + 1


def first_hit(places: Sequence[tuple[str, int]], target: LineChange) -> int | None:
    """The number of the first place on a change or beside it."""
    return next((number for number, (path, line) in enumerate(places) if is_on(path, line, target)), None)


def _text(files: Mapping[str, str], change: LineChange) -> str | None:
    return applied(files[change.path], change) if change.path in files else None


def _same(files: Mapping[str, str], one: LineChange, other: LineChange) -> bool:
    """Whether two changes of the same files leave the same text."""
    text = _text(files, one)
    return one.path == other.path and text is not None and text == _text(files, other)


def _similarity(files: Mapping[str, str], change: LineChange, target: LineChange) -> float:
    """How alike the lines are that two changes leave, from the first that either changes to the last: 0 to 1."""
    one, other = _text(files, change), _text(files, target)
    if change.path != target.path or one is None or other is None:
        return 0.0
    first = min(change.start_line, target.start_line)
    behind = max(change.start_line + len(change.old), target.start_line + len(target.old))
    tail = len(files[change.path].split("\n")) - behind
    ours, theirs = (text.split("\n") for text in (one, other))
    return levenshtein_similarity(
        "\n".join(ours[first : len(ours) - tail]), "\n".join(theirs[first : len(theirs) - tail])
    )


def _kept(files: Mapping[str, str], change: LineChange, targets: Sequence[LineChange]) -> tuple[int, int]:
    """How many characters a change adds, in tokens, and how many of these the whole commit adds to the file too."""
    text = files.get(change.path, "")
    final = text
    for target in sorted(targets, key=lambda each: -each.start_line):
        if target.path == change.path:
            final = applied(final, target) or final
    added = _tokens(change.new) - _tokens(change.old)
    wanted = _tokens([final]) - _tokens([text])
    return _num_chars(added), _num_chars(added & wanted)


def _tokens(lines: Iterable[str]) -> Counter[str]:
    return Counter(token for line in lines for token in TOKEN.findall(line))


def _num_chars(tokens: Counter[str]) -> int:
    return sum(len(token) * count for token, count in tokens.items())


def _more_errors(files: Mapping[str, str], change: LineChange) -> int | None:
    after = _text(files, change)
    if after is None:
        return None
    was, is_now = num_errors(change.path, files[change.path]), num_errors(change.path, after)
    return None if was is None or is_now is None else is_now - was
