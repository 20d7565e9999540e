"""Judged lines made into sites: neighbours joined, nothing twice, a range and a reason for people.

Values in, values out.
"""

from __future__ import annotations

from collections.abc import Mapping

from codeassist.edits.site import Site
from codeassist_indexer.edit_sites.certain import CERTAIN
from codeassist_indexer.edit_sites.features import value_of
from codeassist_indexer.edit_sites.line_table import Floats, LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges
from codeassist_indexer.edit_sites.ranker import Judgement
from codeassist_indexer.edit_sites.read_request import ReadRequest
from codeassist_indexer.edit_sites.reasons import Reasons, Why

MOST_SITES = 32
_JOINED_SHARE = 0.8
"""A neighbouring line belongs to a site where it is at least so likely as the site's likeliest line."""
_MOST_LINES = 4


def sites(read: ReadRequest, judged: Judgement, certain: Mapping[int, Why]) -> tuple[Site, ...]:
    """Return sites in falling order of score; no two share a line or lie side by side. The rows that are `certain` have
    a score of CERTAIN at least."""
    table = read.table
    likely = {int(row): float(each) for row, each in zip(judged.lines.rows, judged.probabilities, strict=True)}
    likely |= {row: max(likely.get(row, 0.0), CERTAIN) for row in certain}
    probability = dict(sorted(likely.items(), key=lambda each: -each[1]))
    reasons = Reasons.of(read.past, read.definitions)
    taken: set[int] = set()
    found: list[Site] = []
    for row, score in probability.items():
        if taken & {row - 1, row, row + 1}:
            continue
        known = certain.get(row)
        puts_in = known is not None and known.puts_in
        first, behind = (row, row + 1) if puts_in else _reach(table, probability, taken, row)
        taken.update(range(first, behind))
        of_row = read.lines.features[row]
        file = int(table.file_of[row])
        start, end = first - int(table.first_lines[file]), behind - int(table.first_lines[file])
        if puts_in:
            start = end
        elif known is None and _puts_in(read.past, of_row):
            start = end = start + (behind - first > 1)  # between the two lines that were taken for the place
        why = known if known is not None else reasons.reason(table.lines[first:behind], of_row)
        found.append(Site(table.paths[file], start, end, score, why.source, why.reason))
        if len(found) == MOST_SITES:
            break
    return tuple(found)


def _reach(table: LineTable, probability: Mapping[int, float], taken: set[int], row: int) -> tuple[int, int]:
    """The lines around one that are nearly as likely, in its file, up to _MOST_LINES."""
    least = _JOINED_SHARE * probability[row]
    first, behind = row, row + 1
    file = table.file_of[row]

    def belongs(other: int) -> bool:
        near = 0 <= other < len(table) and table.file_of[other] == file
        return near and probability.get(other, 0.0) >= least and not taken & {other - 1, other, other + 1}

    while behind - first < _MOST_LINES:
        if belongs(behind):
            behind += 1
        elif belongs(first - 1):
            first -= 1
        else:
            break
    return first, behind


def _puts_in(past: PastChanges, row: Floats) -> bool:
    """Whether the place asks for new lines, not for other ones: the last edit only put lines in, and nothing here is
    what was changed."""
    return not past.last.change.old and not any(value_of(row, name) for name in ("gone_most", "rule_fits"))
