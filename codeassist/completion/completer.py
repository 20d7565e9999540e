"""What answers requests behind an editor or a command: a local model's session, or a server with one to fall back on.

Knows no client. One request at a time, all from one thread; only `prepare` is for others too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from codeassist.request import Completion, CompletionRequest, Retriever

if TYPE_CHECKING:  # torch takes two seconds to import
    from codeassist.engine.engine import Engine


class Completer(Protocol):
    """`codeassist.completion.session.Session` and `codeassist.remote.fallback.RemoteFirst` are these.

    `repository` is what models are told the repository is called. `engine` is the one in this process whose caches are
    healed in idle time; None as long as there is none.
    """

    repository: str

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
        document: str | None = None,
    ) -> Completion:
        """Answer one request. Raises Cancelled."""
        ...

    def prepare(self, document: str) -> None:
        """Find out what the next requests in a document will need. From any thread, also while another one completes
        something there."""
        ...

    def warm(self, request: CompletionRequest) -> None:
        """Behind an answer, have what later ones in its file have to know loaded. Returns at once."""
        ...

    def forget(self, document: str) -> None:
        """Drop what is kept of a document that was closed."""
        ...

    def close(self) -> None:
        """Let go of connections; nothing is asked of it again."""
        ...
