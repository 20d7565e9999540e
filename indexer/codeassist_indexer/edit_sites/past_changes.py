"""The edits of a request, placed in the texts as they stand now, and what they did to names.

A request in, values out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codeassist.edits.edit_request import EditRequest
from codeassist.edits.placed_change import PlacedChange, placed_changes
from codeassist.edits.proposals.replacement import NAME, Replacement, replacements_of
from codeassist_indexer.edit_sites.line_table import KEYWORDS

MOST_CHANGES = 12
"""So many of the last edits are looked at."""
_LEAST_NAME_CHARS = 3


@dataclass(frozen=True, slots=True)
class PastChanges:
    """What was changed. `placed` in order, the last one last; there is at least one.

    `gone`, `came` and `stayed` are names that the edits together took away more often than they put them in, the other
    way round, and that stand on both sides of an edit; each with how often.
    """

    placed: tuple[PlacedChange, ...]
    gone: Mapping[str, int]
    came: Mapping[str, int]
    stayed: frozenset[str]
    replacements: tuple[Replacement, ...]

    @property
    def last(self) -> PlacedChange:
        """The edit that was made last."""
        return self.placed[-1]


def past_changes(request: EditRequest) -> PastChanges | None:
    """Return what the request's history did; None where nothing was changed in files that are there."""
    history = [change for change in request.history if change.path in request.files][-MOST_CHANGES:]
    if not history:
        return None
    placed = placed_changes(history)
    gone, came = Counter[str](), Counter[str]()
    stayed: set[str] = set()
    for change in history:
        old, new = names_in(change.old), names_in(change.new)
        gone += old - new
        came += new - old
        stayed |= (old & new).keys()
    net_gone, net_came = gone - came, came - gone
    replacements = [made for change in reversed(history) for made in replacements_of(change)]
    return PastChanges(placed, net_gone, net_came, frozenset(stayed), tuple(dict.fromkeys(replacements)))


def names_in(lines: Sequence[str]) -> Counter[str]:
    """Count the names of some lines: of three characters or more, no keywords."""
    found = (name for line in lines for name in NAME.findall(line))
    return Counter(name for name in found if len(name) >= _LEAST_NAME_CHARS and name.lower() not in KEYWORDS)
