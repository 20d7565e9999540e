"""Which proposals are worth showing: one calibrated number, and what rules a proposal out whatever that says.

A proposal is held back that the user turned down, that takes back one of the last edits, that no longer fits the text,
and that does not parse where the text did. Of the others a logistic regression makes one probability: of what the model
thinks of the change, of the site, and of who proposed it. Cursor and Copilot report that learning when to be silent
brings more accepted edits with fewer shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from codeassist.control_characters import brings_control_characters
from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.likelihood import Likelihood, LikelihoodSource
from codeassist.edits.pipeline import Verdict, applied
from codeassist.edits.proposal import Proposal

_CLIP = 8.0  # nats beyond which a margin says no more


class SyntaxCheck(Protocol):
    """Says whether a text parses; the core knows no grammar."""

    def num_errors(self, path: str, text: str) -> int | None:
        """Return how many syntax errors a text has, None where nobody can say."""
        ...


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic regression over `features`, and the least probability that is shown.

    Fitted by `codeassist eval calibrate-edits` on a model's own proposals: `model` names it. What has no weight counts
    nothing. `thresholds`: those of single proposers, by their names, where they are not `threshold`: a change that was
    made before is right more often than a model's own text that is as likely.
    """

    model: str
    threshold: float
    bias: float
    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    thresholds: Mapping[str, float] = field(default_factory=dict[str, float])

    def least(self, source: str) -> float:
        """Return the least probability at which a proposer's proposal is shown."""
        return self.thresholds.get(source, self.threshold)

    def confidence(self, values: Mapping[str, float]) -> float:
        """Return the probability that a proposal with these features is right, in (0, 1)."""
        total = self.bias + sum(self.weights.get(name, 0.0) * value for name, value in values.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def features(proposal: Proposal, likelihood: Likelihood | None) -> dict[str, float]:
    """What a proposal's probability follows from; margins in nats, clipped."""
    change = proposal.change
    values = {
        "site": proposal.site.score,
        f"site {proposal.site.source}": 1.0,
        f"source {proposal.source}": 1.0,
        "insertion": float(not change.old),
        "deletion": float(not change.new),
        "lines": math.log1p(max(len(change.old), len(change.new))),
    }
    if likelihood is None:
        return values | {"unread": 1.0}
    return values | {
        "place": _clipped(likelihood.place),
        "margin": _clipped(likelihood.margin),
        "total": _clipped(likelihood.new - likelihood.old),
        "new": _clipped(likelihood.new / likelihood.num_changed),
    }


class CalibratedGate:
    """Judges by a calibration. Without `likelihoods` (no model is loaded) by the site and who proposed alone."""

    def __init__(
        self,
        calibration: Calibration,
        likelihoods: LikelihoodSource | None = None,
        syntax: SyntaxCheck | None = None,
    ) -> None:
        self._calibration = calibration
        self.likelihoods = likelihoods
        self._syntax = syntax

    def judge(self, request: EditRequest, proposal: Proposal, should_stop: Callable[[], bool]) -> Verdict:
        """See Gate."""
        why_not = self._what_rules_out(request, proposal.change)
        if why_not is not None:
            return Verdict(0.0, why_not)
        likelihood = None
        if self.likelihoods is not None:
            likelihood = self.likelihoods.of(request, proposal.change, should_stop)
        gain = None if likelihood is None else likelihood.new - likelihood.old
        confidence = self._calibration.confidence(features(proposal, likelihood))
        least = self._calibration.least(proposal.source)
        if confidence < least:
            return Verdict(confidence, f"not sure enough: {confidence:.2f} of {least:.2f}", gain)
        return Verdict(confidence, gain=gain)

    def _what_rules_out(self, request: EditRequest, change: LineChange) -> str | None:
        if change.old == change.new:
            return "changes nothing"
        if replace(change, is_accepted=False) in {replace(each, is_accepted=False) for each in request.dismissed}:
            return "was turned down"
        before = request.files.get(change.path)
        after = None if before is None else applied(before, change)
        if before is None or after is None:
            return "the text has changed"
        if _brings_no_text("\n".join(change.new), before):
            return "brings characters that nobody sees"
        if takes_back(request, change, after):
            return "takes back one of the last edits"
        if self._syntax is not None and _breaks(self._syntax, change.path, before, after):
            return "would not parse any more"
        return None


def takes_back(request: EditRequest, change: LineChange, after: str) -> bool:
    """Whether a change makes one of the last edits undone: the same lines the other way round, here or elsewhere, or
    a text as it stood before some of them. `after` is the file's text with the change."""
    for edit in request.history:
        if edit.old != edit.new and (edit.old, edit.new) == (change.new, change.old):
            return True
    text = request.files[change.path]
    for edit in reversed(request.history):
        if edit.path == change.path:
            earlier = applied(text, LineChange(edit.path, edit.start_line, edit.new, edit.old))
            if earlier is None:
                return False  # the history is not of this text
            if earlier == after:
                return True
            text = earlier
    return False


def _brings_no_text(new: str, before: str) -> bool:
    """Whether there are control characters, or marks of bytes that are no text, which the file does not hold."""
    is_new = [char in new and char not in before for char in ("\r", "\ufffd")]
    return any(is_new) or brings_control_characters(new, before, "")


def _breaks(syntax: SyntaxCheck, path: str, before: str, after: str) -> bool:
    errors = syntax.num_errors(path, after)
    if not errors:
        return False
    known = syntax.num_errors(path, before)
    return known is not None and errors > known


def _clipped(value: float) -> float:
    return max(-_CLIP, min(_CLIP, value))
