"""The gate where a server's model proposes: by what the server says of given text, or of its own, or by the site alone.

Servers that repeat a prompt with its probabilities (vLLM, SGLang) are asked what a local model is asked. Of others it
is known how likely their own answer was, and nothing of what rules propose: these are judged as without a model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codeassist.completion.pipeline import never
from codeassist.edits.calibrations import RULES_ALONE, calibration_of
from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.gate import CalibratedGate, Calibration, SyntaxCheck
from codeassist.edits.likelihood import Likelihood, num_changed
from codeassist.edits.pipeline import Verdict
from codeassist.edits.proposal import Proposal
from codeassist.edits.server.edit_server import EditServer
from codeassist.edits.server.server_diff import ServerDiffProposer, diff_prompt, layout_of
from codeassist.remote.continuation import RawPrompt
from codeassist.remote.session import RemoteSession

BY_OWN_TOKENS = Calibration(
    model="",
    threshold=0.402,
    bias=-0.946,
    weights={"site": 1.824, "new": 1.513, "lines": -0.745, "insertion": -0.157, "deletion": -0.916},
)
"""Fitted on the 0.5B's 160 proposals for 156 dev tasks without what only given text tells; of repositories that were
left out 11 were shown, 7 of them right; with all 15 and 9 (2026-11-30)."""


class ServerLikelihoods:
    """See LikelihoodSource: by three prompts that the server repeats with their probabilities."""

    def __init__(self, server: EditServer) -> None:
        self._server = server

    def of(
        self, request: EditRequest, change: LineChange, should_stop: Callable[[], bool] = never
    ) -> Likelihood | None:
        """Return a change's likelihood; None where the server tells none, or something must not leave for it."""
        cleared = self._server.cleared(request, change.path)
        if cleared is None or self._has_secrets(cleared, change):
            return None
        laid_out: list[tuple[int, int, int]] = []

        def make(session: RemoteSession) -> tuple[RawPrompt, ...]:
            layout, place = layout_of(session), (session, cleared, change.path, change.start_line)
            before, gone = len(diff_prompt(*place).tokens), len(layout.removed(change.old))
            old, new = ([*layout.added(side), *layout.keep] for side in (change.old, change.new))
            laid_out[:] = [(before, before + gone, num_changed(old, new))]
            return (
                diff_prompt(*place, change.old, come=change.new, keeps=True),
                diff_prompt(*place, change.old, come=change.old, keeps=True),
                diff_prompt(*place, keeps=True),
            )

        told = self._server.scores(make, should_stop)
        if told is None:
            return None
        [(before, after, changed)] = laid_out
        with_new, with_old, kept = told  # of token n at n - 1: the first has none
        return Likelihood(
            with_new[before - 1] - kept[before - 1], sum(with_new[after - 1 :]), sum(with_old[after - 1 :]), changed
        )

    def _has_secrets(self, cleared: EditRequest, change: LineChange) -> bool:
        end = change.start_line + len(change.old)
        if tuple(cleared.files[change.path].split("\n")[change.start_line : end]) != change.old:
            return True
        new = "\n".join(change.new)
        return self._server.clear_piece(change.path, new) != new


@dataclass(frozen=True, slots=True)
class _Known:
    likelihood: Likelihood

    def of(
        self, request: EditRequest, change: LineChange, should_stop: Callable[[], bool] = never
    ) -> Likelihood | None:
        return self.likelihood


class ServerGate:
    """See Gate."""

    def __init__(self, server: EditServer, proposer: ServerDiffProposer, syntax: SyntaxCheck | None = None) -> None:
        self._server = server
        self._proposer = proposer
        self._syntax = syntax
        self._likelihoods = ServerLikelihoods(server)
        self._alone = CalibratedGate(RULES_ALONE, syntax=syntax)

    def judge(self, request: EditRequest, proposal: Proposal, should_stop: Callable[[], bool]) -> Verdict:
        """Judge one proposal. Raises Cancelled; a server that is away says nothing."""
        told = self._likelihoods.of(request, proposal.change, should_stop)
        if told is not None:
            return self._by(calibration_of(self._server.name), told).judge(request, proposal, should_stop)
        said = self._proposer.said(proposal.change) if proposal.source == self._proposer.name else None
        if said is not None:
            return self._by(BY_OWN_TOKENS, said).judge(request, proposal, should_stop)
        return self._alone.judge(request, proposal, should_stop)

    def _by(self, calibration: Calibration, likelihood: Likelihood) -> CalibratedGate:
        return CalibratedGate(calibration, _Known(likelihood), self._syntax)
