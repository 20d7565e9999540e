"""What completes, as evaluation sees it.

Knows no engine: `codeassist.session.Session` is one, the tests have fakes.
"""

from __future__ import annotations

from typing import Protocol

from codeassist.request import Completion, CompletionRequest, Retriever


class Completer(Protocol):
    """Completes one request at a time."""

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        """Return one completion."""
        ...
