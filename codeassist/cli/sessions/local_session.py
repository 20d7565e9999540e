"""The local model, loaded: one session for the requests of a command or a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from codeassist.models.hardware import require_torch
from codeassist.models.model_choice import find_model
from codeassist.models.registry import InstalledModel
from codeassist.progress import Progress
from codeassist.request import Completion, CompletionRequest
from codeassist.settings import Settings

if TYPE_CHECKING:
    from codeassist.completion.session import Session
    from codeassist.request import Retriever


class SessionLike(Protocol):
    """What this module needs of `codeassist.completion.session.Session`."""

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        """Answer one request."""
        ...


def start_session(settings: Settings, model: InstalledModel, progress: Progress) -> SessionLike:
    """Load the model. Tests put a fake in this function's place."""
    return _open(settings, model, progress, ())


def open_local(settings: Settings, progress: Progress) -> Session:
    """Load the model that the settings name, with the notices of choosing it in front of its own."""
    model, notices = find_model(settings, progress)
    return _open(settings, model, progress, notices)


def _open(settings: Settings, model: InstalledModel, progress: Progress, notices: tuple[str, ...]) -> Session:
    require_torch()
    from codeassist.cli.sessions.analyses import AnalysisServices
    from codeassist.completion.open_session import open_session

    return open_session(settings, model, progress, analysts=AnalysisServices(settings), notices=notices)
