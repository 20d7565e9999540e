"""The line rule: whole lines that a past edit put in, took out or exchanged, at a site where the same lines stand.

Indentation is the site's. No model; under a millisecond a site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.placed_change import PlacedChange, placed_changes
from codeassist.edits.proposal import Proposal
from codeassist.edits.site import Site

_MOST_CHANGES = 8
_MOST_PROPOSALS = 3
_LEAST_TELLING_CHARS = 4  # a shorter line ("}", "else") stands everywhere


class LineRule:
    """The `Proposer` of the line rule."""

    name = "line rule"

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool]) -> Sequence[Proposal]:
        """Return what the site becomes by each of the last edits, the last one first."""
        lines = request.files.get(site.path, "").split("\n")
        found: list[LineChange] = []
        for placed in reversed(placed_changes(request.history)[-_MOST_CHANGES:]):
            if should_stop():
                break
            if placed.change.old:
                found += _exchanged(placed, site, lines)
            elif placed.path in request.files:
                found += _put_in(placed, site, lines, request.files[placed.path].split("\n"))
        return [Proposal(change, site, self.name) for change in list(dict.fromkeys(found))[:_MOST_PROPOSALS]]


def _exchanged(placed: PlacedChange, site: Site, lines: Sequence[str]) -> Iterator[LineChange]:
    old, new = placed.change.old, placed.change.new
    wanted = [line.strip() for line in old]
    if max(map(len, wanted)) < _LEAST_TELLING_CHARS:
        return
    for start in _nearest_first(site, len(lines) - len(old) + 1, len(old) - 1):
        here = tuple(lines[start : start + len(old)])
        if [line.strip() for line in here] == wanted and not _is_done(lines, start, new, placed, site):
            yield LineChange(site.path, start, here, _moved(new, old, here))


def _put_in(placed: PlacedChange, site: Site, lines: Sequence[str], edited: Sequence[str]) -> Iterator[LineChange]:
    above = edited[placed.start_line - 1] if 0 < placed.start_line <= len(edited) else ""
    below = edited[placed.end_line] if placed.end_line < len(edited) else ""
    new = placed.change.new
    is_same_file = placed.path == site.path
    for start in _nearest_first(site, len(lines) + 1, 0):
        if is_same_file and placed.start_line <= start <= placed.end_line:
            continue
        here_above = lines[start - 1] if start else ""
        here_below = lines[start] if start < len(lines) else ""
        model, here = _same(above, here_above) or _same(below, here_below) or ("", "")
        if not here or _is_done(lines, start, new, placed, site) or _stands_above(lines, start, new):
            continue
        yield LineChange(site.path, start, (), _moved(new, (model,), (here,)))


def _same(one: str, other: str) -> tuple[str, str] | None:
    return (one, other) if len(one.strip()) >= _LEAST_TELLING_CHARS and one.strip() == other.strip() else None


def _nearest_first(site: Site, behind: int, above: int) -> list[int]:
    """The places in and beside a site, that in its first line first."""
    rows = range(max(0, site.start_line - 1 - above), min(behind, max(site.end_line, site.start_line + 1) + 1))
    return sorted(rows, key=lambda row: abs(row - site.start_line))


def _is_done(lines: Sequence[str], start: int, new: Sequence[str], placed: PlacedChange, site: Site) -> bool:
    """Whether the new lines stand there already, by this very edit or by hand."""
    if placed.path == site.path and placed.start_line <= start < placed.end_line:
        return True
    return bool(new) and [line.strip() for line in lines[start : start + len(new)]] == [line.strip() for line in new]


def _stands_above(lines: Sequence[str], start: int, new: Sequence[str]) -> bool:
    above = lines[max(0, start - len(new)) : start]
    return [line.strip() for line in above] == [line.strip() for line in new]


def _moved(new: Sequence[str], model: Sequence[str], here: Sequence[str]) -> tuple[str, ...]:
    """New lines with the indentation of a place: what they had more or less than the model's lines stays so."""
    was, is_now = _indentation(model), _indentation(here)
    if was == is_now:
        return tuple(new)
    return tuple(is_now + line[len(was) :] if line.startswith(was) and line.strip() else line for line in new)


def _indentation(lines: Sequence[str]) -> str:
    line = next((line for line in lines if line.strip()), "")
    return line[: len(line) - len(line.lstrip())]
