"""One completion from settings to result, with what it took to get ready: what `complete` and `demo` share."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from codeassist.cli.sessions.local_session import SessionLike, open_local, start_session
from codeassist.cli.sessions.repository import open_context
from codeassist.completion.iterative_retrieval import IterativeRetriever
from codeassist.models.model_choice import find_model
from codeassist.progress import Progress
from codeassist.request import Completion, CompletionRequest
from codeassist.settings import Settings
from codeassist_indexer.fitting.fitted import Fitted
from codeassist_indexer.open_document.reader import READER


@dataclass(frozen=True, slots=True)
class Outcome:
    """A completion, with the notices of getting ready in front of its own, and what getting ready took.

    `replacement`: what the answer is where it may also take the place of characters behind the cursor, if it does.
    """

    completion: Completion
    startup_ms: Mapping[str, float]
    server: ServerNote = field(default_factory=lambda: ServerNote())
    replacement: Fitted | None = None


@dataclass(frozen=True, slots=True)
class ServerNote:
    """Whether a running server answered: its process, or else why none did."""

    pid: int | None = None
    reason: str | None = None


def run_completion(request: CompletionRequest, root: Path | None, settings: Settings, progress: Progress) -> Outcome:
    """Find the model, load, bring the index up to date while the weights are packed, complete."""
    began = time.perf_counter()
    threading.Thread(target=READER.warm, name="reader-start", daemon=True).start()  # while the model is loaded
    with _opened(settings, progress) as (session, session_notices):
        loaded = time.perf_counter()
        context = open_context(root, settings, progress)
        indexed = time.perf_counter()
        twice = settings.context.rounds > 1
        completion = session.complete(
            request, IterativeRetriever(context.retriever, session) if twice else context.retriever
        )
    return Outcome(
        completion.after(*session_notices, *context.notices),
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
