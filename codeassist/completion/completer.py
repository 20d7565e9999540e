"""What answers requests of editors and commands: a local model's session, or a server with one to fall back on.

One request at a time, all from one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from codeassist.completion.document_state import DocumentState
from codeassist.completion.pipeline import Job
from codeassist.request import Completion, CompletionRequest, Retriever

if TYPE_CHECKING:  # torch takes two seconds to import
    from codeassist.engine.engine import Engine


class Completer(Protocol):
    """`codeassist.completion.session.Session` and `codeassist.remote.fallback.RemoteWithFallback` are these.

    `engine` is the one in this process whose caches are healed in idle time; None as long as there is none.
    """

    @property
    def model_name(self) -> str:
        """Return what answers, for people."""
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """Return what the user should know of it."""
        ...

    @property
    def problem(self) -> str | None:
        """Return what is wrong now, None as long as nothing is; may change from request to request."""
        ...

    @property
    def engine(self) -> Engine | None:
        """Return the engine in this process."""
        ...

    def complete(
        self,
        request: CompletionRequest,
        retriever: Retriever,
        cancelled: Callable[[], bool] = ...,
        document: DocumentState | None = None,
    ) -> Completion:
        """Answer one request. Raises Cancelled. `document` keeps what the next request in it can use again."""
        ...

    def alternatives(self, job: Job, num_wanted: int) -> Iterator[Completion]:
        """Answer one job's request `num_wanted` times, the likeliest answer first, the others each with a beginning of
        their own (`CompletionRequest.alternative`). Raises Cancelled."""
        ...

    def warm(self, request: CompletionRequest, document: DocumentState) -> None:
        """After an answer, have what later ones in its document have to know loaded. Returns at once."""
        ...

    def close(self) -> None:
        """Let go of connections and caches; nothing is asked of it again."""
        ...


def one_after_the_other(completer: Completer, job: Job, num_wanted: int) -> Iterator[Completion]:
    """The alternatives of a completer that makes each for itself."""
    for number in range(num_wanted):
        request = replace(job.request, alternative=number)
        yield completer.complete(request, job.retriever, job.cancelled, job.document)
