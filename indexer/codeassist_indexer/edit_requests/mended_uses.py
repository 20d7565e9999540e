"""A gate that knows when an edit mends a use: analysis found it left behind, and would not find it any more.

What a rule makes of such a place is no guess, and that it changes is not the model's to judge. The gate inside still
rules out what does not parse, was turned down or takes back an edit; and so does the model where it finds the new text
less likely than the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from codeassist.edits.edit_request import EditRequest
from codeassist.edits.pipeline import Gate, Verdict, taken
from codeassist.edits.proposal import Proposal
from codeassist_indexer.edit_sites.certain import CERTAIN
from codeassist_indexer.edit_sites.finder import LearnedSiteFinder

_LEAST = 0.1
"""Where no model was asked: below this the gate disagrees."""


@dataclass(frozen=True, slots=True)
class MendedUses:
    """The `Gate`. `by_rules`: the sources whose proposals count as mending."""

    inside: Gate
    finder: LearnedSiteFinder
    by_rules: frozenset[str]

    def judge(self, request: EditRequest, proposal: Proposal, should_stop: Callable[[], bool]) -> Verdict:
        """Judge one proposal. Raises what generating raises."""
        verdict = self.inside.judge(request, proposal, should_stop)
        agrees = verdict.confidence >= _LEAST if verdict.gain is None else verdict.gain > 0
        if not agrees or proposal.source not in self.by_rules or proposal.site.score < CERTAIN:
            return verdict
        if verdict.why_not is None or not self._mends(request, proposal, should_stop):
            return verdict
        return Verdict(CERTAIN)

    def _mends(self, request: EditRequest, proposal: Proposal, should_stop: Callable[[], bool]) -> bool:
        """Whether one certain place fewer is left once the edit is made."""
        after = taken(request, proposal)
        if after is None:
            return False
        after = replace(after, history=request.history)  # of what is proposed nothing follows yet
        now, then = (
            sum(site.score >= CERTAIN for site in self.finder.look(each, should_stop).sites)
            for each in (request, after)
        )
        return then < now
