"""What goes with a model: who proposes, in the form that it knows edits by, and the gate with its calibration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codeassist.edits.calibration_file import read_calibration
from codeassist.edits.calibrations import RULES_ALONE, calibration_of
from codeassist.edits.diff_prompt import DiffPrompt
from codeassist.edits.edit_model import EditModel
from codeassist.edits.forms.registry import FORMS, form_of
from codeassist.edits.gate import CalibratedGate, SyntaxCheck
from codeassist.edits.likelihood import DiffLikelihood
from codeassist.edits.pipeline import Gate
from codeassist.edits.proposal import Proposer
from codeassist.edits.proposals.diff import DiffProposer
from codeassist.edits.proposals.fim import FimProposer
from codeassist.edits.proposals.rewrite import RewriteProposer
from codeassist.edits.server.edit_server import EditServer
from codeassist.edits.server.server_diff import ServerDiffProposer
from codeassist.edits.server.server_gate import ServerGate
from codeassist.request import Sent

if TYPE_CHECKING:
    from codeassist.completion.session import Session
    from codeassist.engine.prompt_cache import PromptCache
    from codeassist.remote.fallback import RemoteWithFallback


@dataclass(frozen=True, slots=True)
class ModelParts:
    """The model's parts of an `EditPipeline`: its `models`, its `gate`, what it sent. `model` None: none is here."""

    proposers: tuple[Proposer, ...]
    gate: Gate
    model: EditModel | None = None
    take_sent: Callable[[], tuple[Sent, ...]] = tuple

    def close(self) -> None:
        """Free the live cache. On the thread that owns the engine."""
        if self.model is not None:
            self.model.close()


def open_parts(
    session: Session,
    syntax: SyntaxCheck | None = None,
    cache: PromptCache | None = None,
    form: str | None = None,
) -> ModelParts:
    """Return the parts that go with a session's model. Raises ModelError where it has not the form's tokens, or its
    entry names a calibration that is none.

    `cache`: the live cache to use, of one workspace; a new one unless given. `syntax` says whether texts parse. `form`:
    its entry's unless given, else what its name says.
    """
    model = EditModel.of(session, cache)
    tokenizer = session.tokenizer
    start = [tokenizer.bos_id] if tokenizer.add_bos and tokenizer.bos_id is not None else []
    prompt = DiffPrompt(model.encode, start)
    own, known_as = session.edit_calibration, session.model_name
    calibration = calibration_of(known_as) if own is None else read_calibration(own, known_as)
    gate = CalibratedGate(calibration, DiffLikelihood(model, prompt), syntax)
    name = form or session.edit_form or form_of(session.model_name)
    proposer = _proposer(session, model, prompt, name)
    return ModelParts((proposer,), gate, model)


def _proposer(session: Session, model: EditModel, prompt: DiffPrompt, form: str) -> Proposer:
    match form:
        case "diff":
            return DiffProposer(model, prompt)
        case "fim":
            return FimProposer(model, session.prompter.template)
        case _:
            return RewriteProposer(model, FORMS[form])


def server_parts(remote: RemoteWithFallback, syntax: SyntaxCheck | None = None) -> ModelParts:
    """Return the parts where a server's model answers: asked about what may leave this machine, and nothing else."""
    server = EditServer(remote)
    proposer = ServerDiffProposer(server)
    return ModelParts((proposer,), ServerGate(server, proposer, syntax), take_sent=server.take_sent)


def rules_alone(syntax: SyntaxCheck | None = None) -> ModelParts:
    """Return the parts where no model is loaded."""
    return ModelParts((), CalibratedGate(RULES_ALONE, syntax=syntax))
