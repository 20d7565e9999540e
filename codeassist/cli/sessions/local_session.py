"""One completion from settings to result, with what it took to get ready: what `complete` and `demo` share.

Knows no terminal.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from codeassist.cli.sessions.repository import open_context
from codeassist.completion.iterative_retrieval import IterativeRetriever
from codeassist.errors import ModelError
from codeassist.models.hardware import detect
from codeassist.models.registry import Choice, InstalledModel, choose_auto, choose_installed, find_entry, find_installed
from codeassist.progress import Progress
from codeassist.request import Completion, CompletionRequest
from codeassist.settings import Settings

if TYPE_CHECKING:
    from codeassist.completion.session import Session
    from codeassist.request import Retriever


class SessionLike(Protocol):
    """What this module needs of `codeassist.completion.session.Session`."""

    repository: str

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        """Answer one request."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """A completion, with the notices of getting ready in front of its own, and what getting ready took."""

    completion: Completion
    startup_ms: Mapping[str, float]
    server: ServerNote = field(default_factory=lambda: ServerNote())


@dataclass(frozen=True, slots=True)
class ServerNote:
    """Whether a running server answered: its process, or else why none did."""

    pid: int | None = None
    reason: str | None = None


def choose_to_pull(name: str, settings: Settings) -> Choice:
    """Return the entry to fetch; "auto" asks whether the hub can be reached. Raises ModelError for an unknown name."""
    if name != "auto":
        return Choice(find_entry(name, settings))
    from codeassist.models.hub import is_hub_reachable

    return choose_auto(detect(), settings, is_hub_reachable)


def find_model(settings: Settings, progress: Progress) -> tuple[InstalledModel, tuple[str, ...]]:
    """Return the installed model that the settings name, and notices. Raises ModelError if it is not installed."""
    name = settings.model.name
    notices: tuple[str, ...] = ()
    if name == "auto":
        choice = choose_installed(detect(), settings)
        if choice is None:
            raise ModelError(
                "no model is installed; run `codeassist models pull` to fetch the one that fits this machine"
            )
        name, notices = choice.entry.name, (choice.notice,) if choice.notice else ()
    installed = find_installed(name, settings, progress)
    if installed is None:
        raise ModelError(f"{name}: not installed; run `codeassist models pull {name}`")
    return installed, notices


def start_session(settings: Settings, model: InstalledModel, progress: Progress) -> SessionLike:
    """Load the model. Tests put a fake in this function's place."""
    return _with_analysts(settings, model, progress)


def run_completion(request: CompletionRequest, root: Path | None, settings: Settings, progress: Progress) -> Outcome:
    """Find the model, load, bring the index up to date while the weights are packed, complete."""
    began = time.perf_counter()
    with _opened(settings, progress) as (session, session_notices):
        if root is not None:
            session.repository = root.name
        loaded = time.perf_counter()
        context = open_context(root, settings, progress)
        indexed = time.perf_counter()
        twice = settings.context.rounds > 1
        completion = session.complete(
            request, IterativeRetriever(context.retriever, session) if twice else context.retriever
        )
    notices = (*session_notices, *context.notices, *completion.notices)
    return Outcome(
        replace(completion, notices=notices),
        {"load model": (loaded - began) * 1000, "index": (indexed - loaded) * 1000},
    )


@contextmanager
def _opened(settings: Settings, progress: Progress) -> Generator[tuple[SessionLike, tuple[str, ...]], None, None]:
    """The local model's session, or the remote engine's, and what the user should know of it."""
    if settings.remote.url is None:
        model, notices = find_model(settings, progress)
        yield start_session(settings, model, progress), notices
        return
    from codeassist.cli.sessions.remote_session import open_remote

    with closing(open_remote(settings, lambda: open_local(settings, progress))) as engine:
        yield engine, engine.notices


def open_local(settings: Settings, progress: Progress) -> Session:
    """Load the model that the settings name, with the notices of choosing it in front of its own."""
    model, notices = find_model(settings, progress)
    session = _with_analysts(settings, model, progress)
    session.notices = (*notices, *session.notices)
    return session


def _with_analysts(settings: Settings, model: InstalledModel, progress: Progress) -> Session:
    from codeassist.cli.sessions.analyses import RepositoryAnalysts
    from codeassist.completion.session import open_session

    session = open_session(settings, model, progress)
    if session.monitoring is not None:
        session.monitoring.analysts = RepositoryAnalysts(settings)
    return session
