"""Whether other files would still give an answer what they gave it, found out beside the event loop.

Finding out may take a look into the index, so it happens on a thread of its own; where that cannot say within its time,
nothing is taken for known.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from codeassist.completion.document_state import Seen, SnippetPolicy
from codeassist.request import CompletionRequest
from codeassist_lsp.workspace.workspace import DocumentScope

log = logging.getLogger(__name__)

MOST_S = 0.25
"""How long comparing may take: then the model is asked, which knows what it is given."""


class ContextWatch:
    """Compares contexts, and looks for those of later requests, on one thread."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="context")

    async def would_see(
        self, scope: DocumentScope, policy: SnippetPolicy, request: CompletionRequest, seen: Seen
    ) -> Seen | None:
        """Return what was `seen` as of now if a request would be given it again, None if it would not.

        Raises TimeoutError where that is not found out in time.
        """
        if scope.workspace is None or scope.settings_in_force().context.mode == "none":
            return seen  # by its scope the answer had no context either
        comparing = asyncio.wrap_future(self._thread.submit(policy.would_see, request, seen, scope.retriever))
        return await asyncio.wait_for(comparing, MOST_S)

    def submit(self, work: Callable[[], None]) -> Future[None]:
        """Run `work` on that thread. Raises RuntimeError once it takes nothing more."""
        return self._thread.submit(work)

    def close(self) -> None:
        """Compare nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
