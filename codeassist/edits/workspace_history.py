"""The last edits of all documents as one history of whole lines, in the order of time.

What was typed at the same lines with pauses in between is one change: the line as it was became the line as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from codeassist.edits.change import LineChange
from codeassist.edits.history import MASS_CHANGE_LINES, MOST_AGE_S, MOST_ENTRIES, PastEdit

Mask = Callable[[str, str], str]
"""Takes the secrets out of a text of a path, without changing how many lines it has."""


def workspace_history(
    documents: Iterable[tuple[str, Iterable[PastEdit]]], now_s: float, mask: Mask, most_age_s: float = MOST_AGE_S
) -> tuple[LineChange, ...]:
    """Return the last MOST_ENTRIES changes of documents, each given by its path and its edits, the oldest first."""
    timed = [
        (edit.ended_s, change)
        for path, edits in documents
        for edit in edits
        if now_s - edit.ended_s < most_age_s and (change := edit.line_change(path)) is not None
    ]
    timed.sort(key=lambda entry: entry[0])  # stable: edits of one document stay in their order
    return masked(joined([change for _, change in timed])[-MOST_ENTRIES:], mask)


def joined(changes: Iterable[LineChange]) -> list[LineChange]:
    """Return the changes with those of the same lines made one; what comes to nothing is left out.

    Accepted suggestions stay by themselves.
    """
    found: list[LineChange] = []
    for change in changes:
        last = next((at for at in reversed(range(len(found))) if found[at].path == change.path), None)
        both = None if last is None or last < len(found) - 1 else _composed(found[last], change)
        if both is None:
            found.append(change)
            continue
        found.pop()
        if both.old != both.new:
            found.append(both)
    return found


def masked(changes: Iterable[LineChange], mask: Mask) -> tuple[LineChange, ...]:
    """Return the changes without secrets; one that only changed a secret is left out."""
    clean = [replace(each, old=_masked(each.path, each.old, mask), new=_masked(each.path, each.new, mask))
             for each in changes]  # fmt: skip
    return tuple(each for each in clean if each.old != each.new)


def without_mass_changes(changes: Iterable[LineChange]) -> tuple[LineChange, ...]:
    """Return the last MOST_ENTRIES of the changes that somebody may have typed: in at most MASS_CHANGE_LINES lines."""
    small = [each for each in changes if len(each.old) + len(each.new) <= MASS_CHANGE_LINES and not _is_format(each)]
    return tuple(small[-MOST_ENTRIES:])


def _is_format(change: LineChange) -> bool:
    return "".join("".join(change.old).split()) == "".join("".join(change.new).split())


def _composed(first: LineChange, second: LineChange) -> LineChange | None:
    """One change for two that follow each other, None where they do not meet, or would be no edit of a person's."""
    if len(first.new) + len(second.new) > MASS_CHANGE_LINES:
        return None
    if first.is_accepted or second.is_accepted:
        return None
    second_end = second.start_line + len(second.old)
    if second.start_line > first.end_line or second_end < first.start_line:
        return None
    start = min(first.start_line, second.start_line)
    above = second.old[: max(0, first.start_line - second.start_line)]
    below = second.old[len(second.old) - max(0, second_end - first.end_line) :] if second_end > first.end_line else ()
    head = first.new[: max(0, second.start_line - first.start_line)]
    tail = first.new[len(first.new) - max(0, first.end_line - second_end) :] if first.end_line > second_end else ()
    return trimmed(LineChange(first.path, start, above + first.old + below, head + second.new + tail))


def trimmed(change: LineChange) -> LineChange:
    """Return the change without the lines that its two sides begin and end with alike."""
    old, new = change.old, change.new
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return replace(
        change,
        start_line=change.start_line + head,
        old=old[head : len(old) - tail],
        new=new[head : len(new) - tail],
    )


def _masked(path: str, lines: Sequence[str], mask: Mask) -> tuple[str, ...]:
    return tuple(mask(path, "\n".join(lines)).split("\n")) if lines else ()
