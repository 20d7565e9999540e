"""What of other files an answer rests on, and whether they would still give it the same.

Finding out may take a look into the index, so it happens on a thread of its own; where that cannot say within its time,
nothing is taken for known.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from codeassist.errors import CodeAssistError
from codeassist.request import CompletionRequest, Snippet
from codeassist_lsp.workspace.workspace import DocumentScope

log = logging.getLogger(__name__)

Version = tuple[object, ...]
MOST_S = 0.25
"""How long comparing may take: then the model is asked, which knows what it is given."""
_NO_CONTEXT: Version = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """The snippets that an answer was given, as a digest, and how many characters of them it had asked for at most."""

    max_chars: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether other files would give the same again, and the index's version that this was found at, if it has one."""

    is_same: bool
    version: Version | None


def digest_of(snippets: Iterable[Snippet]) -> bytes:
    """What tells the snippets of one retrieval from those of another: all that a prompt says of them."""
    state = hashlib.blake2b(digest_size=16)
    for snippet in snippets:
        for part in (snippet.path, snippet.text):
            data = part.encode("utf-8", "surrogatepass")
            state.update(len(data).to_bytes(8, "little") + data)
    return state.digest()


class ContextWatch:
    """Compares contexts, on one thread: versions are those of that thread's database connections."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="context")

    def ask_version(self, scope: DocumentScope) -> Callable[[], Version | None]:
        """Ask for the version of the index that a document's context comes from. Returns at once.

        What it returns waits for the answer, so it is not for the event loop: for the inference thread, before it
        retrieves. None where the version cannot be said in time.
        """
        if _has_no_context(scope):
            return lambda: _NO_CONTEXT
        asking = self._thread.submit(version_of, scope)

        def version() -> Version | None:
            try:
                return asking.result(MOST_S)
            except TimeoutError:
                asking.cancel()
                return None

        return version

    async def compare(
        self, scope: DocumentScope, request: CompletionRequest, seen: Seen, version: Version | None
    ) -> Verdict | None:
        """Say whether a request still has the context that was `seen` at `version`; None: not found out in time.

        Nothing is retrieved while the index has that version.
        """
        if _has_no_context(scope):
            return Verdict(True, _NO_CONTEXT)  # by its scope the answer had none either
        comparing = asyncio.wrap_future(self._thread.submit(_compare, scope, request, seen, version))
        try:
            return await asyncio.wait_for(comparing, MOST_S)
        except TimeoutError:
            log.info("whether the context has changed was not found out in time")
            return None

    def submit(self, work: Callable[[], None]) -> Future[None]:
        """Run `work` on the thread whose versions these are."""
        return self._thread.submit(work)

    def close(self) -> None:
        """Compare nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _has_no_context(scope: DocumentScope) -> bool:
    return scope.workspace is None or scope.settings_in_force().context.mode == "none"


def version_of(scope: DocumentScope) -> Version | None:
    """Return the version of a document's index as the calling thread sees it; None: it cannot be said now."""
    if scope.workspace is None:
        return _NO_CONTEXT
    try:
        return scope.workspace.index_version()
    except CodeAssistError as error:
        log.info("the index of %s has no version now: %s", scope.repository, error)
        return None


def _compare(scope: DocumentScope, request: CompletionRequest, seen: Seen, version: Version | None) -> Verdict:
    now = version_of(scope)
    if now is not None and now == version:
        return Verdict(True, now)
    snippets = scope.retriever.retrieve(request, seen.max_chars).snippets
    return Verdict(digest_of(snippets) == seen.digest, now)
