"""What is measured: a finder, proposers and a gate under one name. A new one is a row of SYSTEMS.

Names in, parts of an `EditPipeline` out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from codeassist.completion.open_session import open_session
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.forms.registry import FORMS
from codeassist.edits.gate import CalibratedGate
from codeassist.edits.likelihood import LikelihoodSource
from codeassist.edits.model_parts import open_parts, rules_alone
from codeassist.edits.pipeline import EditPipeline, Gate
from codeassist.edits.proposal import Proposal, Proposer
from codeassist.edits.proposals.token_rule import TokenRule
from codeassist.edits.site import Site
from codeassist.models.model_choice import find_model
from codeassist.progress import silent
from codeassist.settings import Settings
from codeassist_eval.errors import EvaluationError
from codeassist_indexer.edit_sites.finder import LearnedSiteFinder
from codeassist_indexer.edit_sites.rules import RULES


@dataclass(frozen=True, slots=True)
class DraftCounts:
    """How many tokens were drafted so far, and how many of them the model would have chosen too."""

    num_drafted: int = 0
    num_accepted: int = 0


@dataclass(frozen=True, slots=True)
class EditSystem:
    """The parts. `drafts` tells what was drafted since the system was opened; `close` frees the model."""

    finder: LearnedSiteFinder
    rules: Sequence[Proposer]
    models: Sequence[Proposer]
    gate: Gate
    drafts: Callable[[], DraftCounts] = DraftCounts
    close: Callable[[], None] = lambda: None
    identity: Mapping[str, str] = field(default_factory=dict[str, str])

    def pipeline(self) -> EditPipeline:
        """Return the stages as the product runs them."""
        return EditPipeline(self.finder, self.rules, self.models, self.gate)

    def at(self, request: EditRequest, site: Site) -> Proposal | None:
        """Return the first proposal for a site, whatever the gate would say of it."""
        for proposer in (*self.rules, *self.models):
            for proposal in proposer.propose(request, site, lambda: False):
                return proposal
        return None


Opener = Callable[[Settings, str | None], EditSystem]
"""Makes a system of the settings and the model that was asked for."""


def _nothing(settings: Settings, model: str | None) -> EditSystem:
    return EditSystem(LearnedSiteFinder(), (), (), rules_alone().gate)


def _token_rule(settings: Settings, model: str | None) -> EditSystem:
    return EditSystem(LearnedSiteFinder(), (TokenRule(),), (), rules_alone().gate)


def _rules(settings: Settings, model: str | None) -> EditSystem:
    return EditSystem(LearnedSiteFinder(), RULES, (), rules_alone().gate)


def _model(form: str | None, rules: Sequence[Proposer], settings: Settings, model: str | None) -> EditSystem:
    """A model's parts, in a form or in its own (None); it is asked where the rules bring nothing."""
    if model is not None:
        settings = replace(settings, model=replace(settings.model, name=model))
    installed, _ = find_model(settings, silent)
    session = open_session(settings, installed)
    parts = open_parts(session, form=form)
    counts = [0, 0]
    if parts.model is not None:
        parts.model.watch(lambda made: _add(counts, made.decoded.num_drafted, made.decoded.num_draft_accepted))
    return EditSystem(
        LearnedSiteFinder(),
        rules,
        parts.proposers,
        parts.gate,
        lambda: DraftCounts(*counts),
        session.close,
        {"model": installed.name, "model_sha256": installed.sha256},
    )


def _add(counts: list[int], num_drafted: int, num_accepted: int) -> None:
    counts[0] += num_drafted
    counts[1] += num_accepted


def open_asked(
    settings: Settings, model: str | None
) -> tuple[LearnedSiteFinder, Sequence[Proposer], Sequence[Proposer], LikelihoodSource]:
    """Open what the product asks with a model: finder, rules, proposers, likelihoods."""
    system = _model(None, RULES, settings, model)
    assert isinstance(system.gate, CalibratedGate) and system.gate.likelihoods is not None
    return system.finder, system.rules, system.models, system.gate.likelihoods


SYSTEMS: Mapping[str, Opener] = {
    "nothing": _nothing,
    "token-rule": _token_rule,
    "rules": _rules,
    "all": partial(_model, None, RULES),
    **{form: partial(_model, form, ()) for form in ("diff", "fim", *FORMS)},
}
BASELINES = ("nothing", "token-rule")


def open_system(name: str, settings: Settings, model: str | None) -> EditSystem:
    """Open a system by its name. Raises EvaluationError for an unknown one."""
    opener = SYSTEMS.get(name)
    if opener is None:
        raise EvaluationError(f"no proposer '{name}' (--proposer); there are {', '.join(SYSTEMS)}")
    return opener(settings, model)
