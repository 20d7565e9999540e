"""READ FIRST. Finds where the next edit may lie: the `SiteFinder` that learned from real commits.

EditRequest ─► past_changes     what the edits did to names, and where they stand now
            ─► read_lines       all lines of the request's files as arrays
            ─► definitions      what each line stands in, while there is time
            ─► features         numbers for each line
            ─► ranker.judge     the first lines, and whether anything is left
            ─► sites            ranges with reasons, none where nothing is left
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from codeassist.edits.edit_request import EditRequest
from codeassist.edits.site import Site
from codeassist_indexer.edit_sites.certain import CERTAIN, certain_rows
from codeassist_indexer.edit_sites.definitions import DefinitionReader
from codeassist_indexer.edit_sites.ranker import SiteRanker, shipped_ranker
from codeassist_indexer.edit_sites.read_request import read_request
from codeassist_indexer.edit_sites.sites import sites


@dataclass(frozen=True, slots=True)
class Found:
    """Sites in falling order of score, and the probability that anything is left to be changed at all."""

    sites: tuple[Site, ...]
    rest: float


@dataclass(frozen=True, slots=True)
class LearnedSiteFinder:
    """The `SiteFinder`. Keeps nothing of a request but the definitions of the files that it read last. May be used by
    several threads."""

    ranker: SiteRanker = field(default_factory=shipped_ranker)
    definitions: DefinitionReader = field(default_factory=DefinitionReader)

    def find(self, request: EditRequest, should_stop: Callable[[], bool]) -> Sequence[Site]:
        """Return sites in falling order of score, none overlapping another; none where nothing seems to be left."""
        found = self.look(request, should_stop)
        return found.sites if found.rest >= self.ranker.threshold else ()

    def look(self, request: EditRequest, should_stop: Callable[[], bool]) -> Found:
        """Return the sites whether or not anything seems to be left."""
        read = read_request(request, self.definitions, should_stop)
        if read is None:
            return Found((), 0.0)
        judged = self.ranker.judge(read.lines)
        certain = certain_rows(request, read.table, read.past, read.definitions)
        found = sites(read, judged, certain)
        left = tuple(site for site in found if not _is_dismissed(site, request))
        is_certain = any(site.score >= CERTAIN for site in left) and bool(certain)
        return Found(left, 1.0 if is_certain else judged.rest)


def _is_dismissed(site: Site, request: EditRequest) -> bool:
    """Whether a change of the same lines was turned down, wherever they stand now."""
    lines = request.files[site.path].split("\n")[site.start_line : max(site.end_line, site.start_line + 1)]
    return any(
        change.path == site.path
        and (any(line in lines for line in change.old) if change.old else change.start_line == site.start_line)
        for change in request.dismissed
    )
