"""RepoCoder's second look at other files, in an editor: a suggestion is taken for what stands there.

It is made while nobody asks for anything, and never waited for: who types along the
suggestion, or takes it, then has its context at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock

from codeassist.request import CompletionRequest, Retrieval, Retriever
from codeassist_lsp.workspace.context import Version

log = logging.getLogger(__name__)

Submit = Callable[[Callable[[], None]], Future[None]]
"""Runs work where versions of an index may be compared; what it raises there is logged and costs nothing."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A suggestion for `request`: `text`, in the place of `num_replaced` characters after the cursor.

    max_chars: what the snippets of the request might hold together. conditions: the repository, the model and the
    settings that the request was made under; under others nothing of this counts.
    """

    request: CompletionRequest
    text: str
    num_replaced: int
    max_chars: int
    conditions: object = None

    @property
    def taken(self) -> CompletionRequest:
        """The request that follows once it is taken."""
        before = self.request
        return CompletionRequest(before.path, before.prefix + self.text, before.suffix[self.num_replaced :])

    def leads_to(self, request: CompletionRequest) -> bool:
        """Whether a request is this one, or what it becomes when some or all of the draft is typed."""
        before = self.request
        return (
            request.path == before.path
            and request.prefix.startswith(before.prefix)
            and (before.prefix + self.text).startswith(request.prefix)
            and request.suffix in (before.suffix, before.suffix[self.num_replaced :])
        )


@dataclass(frozen=True, slots=True)
class _Ready:
    draft: Draft
    version: Version
    found: Retrieval


@dataclass(slots=True)
class LookCounts:
    """How many second looks were made, of all documents, and how many of them were asked for."""

    num_made: int = 0
    num_used: int = 0


class SecondLook:
    """What is ready for one document, at most one draft. For any thread."""

    def __init__(self, submit: Submit, counts: LookCounts) -> None:
        self.counts = counts
        self._submit = submit
        self._ready: _Ready | None = None
        self._lock = Lock()

    def begin(self, draft: Draft, retriever: Retriever, index_version: Callable[[], Version | None]) -> None:
        """Look for what other files say after a draft. Returns at once."""
        try:
            self._submit(lambda: self._look(draft, retriever, index_version))
        except RuntimeError:  # the thread takes nothing more: the server ends
            log.debug("no second look for %s: the server ends", draft.request.path)

    def over(self, retriever: Retriever, version: Version | None, conditions: object = None) -> Retriever:
        """Return a retriever that has what is ready at an index's version, and else asks `retriever`."""
        ready = self._ready
        if ready is None or version is None or (ready.version, ready.draft.conditions) != (version, conditions):
            return retriever
        return _Over(self, ready, retriever)

    def was_used(self) -> None:
        """Count that what was ready was what was asked for."""
        with self._lock:
            self.counts.num_used += 1

    def _look(self, draft: Draft, retriever: Retriever, index_version: Callable[[], Version | None]) -> None:
        try:
            version = index_version()  # first: what changes while we look makes it stale
            ready = self._ready
            if version is None or (ready is not None and (ready.draft, ready.version) == (draft, version)):
                return
            found = retriever.retrieve(draft.taken, draft.max_chars)
        except Exception:  # nobody waits for this: who asks next looks for himself
            log.warning("no second look for %s", draft.request.path, exc_info=True)
            return
        with self._lock:
            self.counts.num_made += 1
            self._ready = _Ready(draft, version, found)


@dataclass(frozen=True, slots=True)
class _Over:
    look: SecondLook
    ready: _Ready
    inner: Retriever

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        ready = self.ready
        if max_chars < ready.draft.max_chars or not ready.draft.leads_to(request):
            return self.inner.retrieve(request, max_chars)
        self.look.was_used()
        return Retrieval(ready.found.snippets, {"second_look": 0.0}, ready.found.late_sources)
