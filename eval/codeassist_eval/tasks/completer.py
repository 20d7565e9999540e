"""What completes, as evaluation sees it.

`codeassist.completion.session.Session` is one, a server another, the tests have fakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol, runtime_checkable

from codeassist.errors import CodeAssistError
from codeassist.request import Completion, CompletionRequest, Retriever


class Completer(Protocol):
    """Completes one request at a time."""

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        """Return one completion."""
        ...


@runtime_checkable
class ParallelCompleter(Protocol):
    """Has up to `num_at_once` requests under way."""

    num_at_once: int

    def start(self, request: CompletionRequest, retriever: Retriever) -> Future[Completion]:
        """Retrieve now, and answer later. Cancelling the future ends the request."""
        ...

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        """Return one completion."""
        ...


@runtime_checkable
class BatchCompleter(Protocol):
    """Completes up to `size` requests together."""

    size: int

    def complete_all(
        self, asked: Sequence[tuple[CompletionRequest, Retriever]]
    ) -> Sequence[Completion | CodeAssistError]:
        """Return what became of each request, in their order; snippets are found for one after the other."""
        ...
