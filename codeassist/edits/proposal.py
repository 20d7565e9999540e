"""What a next edit would be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.site import Site


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of the text as it stands now. `source` names what proposed it ("token rule", "diff", "sweep", ...);
    `confidence` in [0, 1] is the gate's, 0 before it was asked."""

    change: LineChange
    site: Site
    source: str
    confidence: float = 0.0


class Proposer(Protocol):
    """Proposes a change for a site."""

    @property
    def name(self) -> str:
        """What it is called in `source`, settings and figures."""
        ...

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool]) -> Sequence[Proposal]:
        """Return what the site's lines, or lines beside them, may become: best first; nothing where nothing is to be
        changed. Raises what generating raises."""
        ...
