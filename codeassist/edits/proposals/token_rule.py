"""The token rule: what a past edit replaced inside a line is replaced at the site in the same way.

Renames fit wherever the old name stands; what was put in, taken out or exchanged fits where its neighbours are the
same. No model; under a millisecond a site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.proposal import Proposal
from codeassist.edits.proposals.replacement import Replacement, applied, fits, replacements_of
from codeassist.edits.site import Site

_MOST_CHANGES = 8
_MOST_PROPOSALS = 3
_MOST_LINE_CHARS = 1_000
_LEAST_AROUND = 1


class TokenRule:
    """The `Proposer` of the token rule."""

    name = "token rule"

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool]) -> Sequence[Proposal]:
        """Return what the site's lines become by each of the last edits, the last one first; lines beside the site
        where no rule fits in it."""
        lines = request.files.get(site.path, "").split("\n")
        begin, end = max(0, site.start_line), min(max(site.end_line, site.start_line + 1), len(lines))
        for start_line, end_line in ((begin, end), (end, end + 1), (begin - 1, begin)):
            if 0 <= start_line < end_line <= len(lines) and not should_stop():
                changes = list(_changes(request, site.path, lines, start_line, end_line))
                if changes:
                    unique = list(dict.fromkeys(changes))[:_MOST_PROPOSALS]
                    return [Proposal(change, site, self.name) for change in unique]
        return ()


def _changes(
    request: EditRequest, path: str, lines: Sequence[str], start_line: int, end_line: int
) -> Iterator[LineChange]:
    old = tuple(lines[start_line:end_line])
    recent = request.history[-_MOST_CHANGES:][::-1]
    sets = [replacements_of(change) for change in recent]
    together = tuple(dict.fromkeys(made for one in sets for made in one))
    for replacements in (*sets, together):
        new = tuple(with_replacements(line, replacements) for line in old)
        if new == old:
            continue
        first = next(n for n, (was, is_now) in enumerate(zip(old, new, strict=True)) if was != is_now)
        last = next(n for n in range(len(old) - 1, -1, -1) if old[n] != new[n])
        yield LineChange(path, start_line + first, old[first : last + 1], new[first : last + 1])


def with_replacements(line: str, replacements: Sequence[Replacement]) -> str:
    """Return a line with every replacement made that fits in it; the same line where none does."""
    if len(line) > _MOST_LINE_CHARS:
        return line
    for made in replacements:
        places = [fit for fit in fits(made, line) if made.is_rename or fit.num_around >= _LEAST_AROUND]
        if not made.is_rename and len(places) > 1:
            places = [max(places, key=lambda fit: fit.num_around)]
        for fit in reversed(places):
            line = applied(made, line, fit)
    return line
