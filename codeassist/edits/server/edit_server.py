"""A remote engine as next edits use it: requests cleared of what must not leave this machine, and what has left.

The rules are those of completions: each file whose text would be in a prompt has to be one that may leave, by its
repository, its name and what git ignores; of texts that may, keys and passwords go as asterisks. Edits of other files
are left out of the history, and where the file of the place itself has to stay, the server is not asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from cachetools import LRUCache

from codeassist.edits.change import LineChange
from codeassist.edits.diff_prompt import MOST_HUNKS
from codeassist.edits.edit_request import EditRequest
from codeassist.errors import ModelError
from codeassist.remote.continuation import Continuation, RawPrompt, continuation, gives_scores, scores
from codeassist.remote.fallback import Patience, RemoteWithFallback
from codeassist.remote.session import RemoteSession
from codeassist.request import CompletionRequest, Sent

log = logging.getLogger(__name__)

T = TypeVar("T")
Stopped = Callable[[], bool]
Question = Callable[[RemoteSession, Patience], Coroutine[Any, Any, T]]
_MOST_TEXTS = 64


class EditServer:
    """Asks a remote engine about next edits. For one thread at a time, the one that completes."""

    def __init__(self, remote: RemoteWithFallback) -> None:
        self._remote = remote
        self._sent: list[Sent] = []
        self._clear_texts: LRUCache[str, tuple[str, str | None]] = LRUCache(_MOST_TEXTS)
        self._cleared: tuple[EditRequest, dict[str, EditRequest | None]] | None = None

    @property
    def name(self) -> str:
        """The model's, and where it is."""
        return self._remote.model_name

    def take_sent(self) -> tuple[Sent, ...]:
        """Return what left this machine since this was asked last."""
        taken, self._sent = tuple(self._sent), []
        return taken

    def cleared(self, request: EditRequest, path: str) -> EditRequest | None:
        """Return of a request what may leave for a place in `path`: edits and texts of files that may. None: nothing.

        Lines stay where they are.
        """
        if self._cleared is None or self._cleared[0] is not request:
            self._cleared = request, {}
        known = self._cleared[1]
        if path not in known:
            known[path] = self._clear(request, path)
        return known[path]

    def clear_piece(self, path: str, text: str) -> str | None:
        """Return some lines of a file without their secrets; None where these cannot be looked for."""
        return self._remote.cleared(path, text)

    def go_on(
        self,
        make: Callable[[RemoteSession], RawPrompt],
        begin: Callable[[], Callable[[str], bool]],
        should_stop: Stopped,
    ) -> Continuation | None:
        """Have the server go on with a prompt; None where it is away, or gives nothing to judge its answers by."""

        async def question(session: RemoteSession, patience: Patience) -> Continuation | None:
            prompt = make(session) if session.capabilities.features.logprobs else None
            if prompt is None or not _fits(session, prompt):
                return None
            return await continuation(session, prompt, begin, patience, self._sent.append)

        return self._asked(question, should_stop)

    def scores(
        self, make: Callable[[RemoteSession], tuple[RawPrompt, ...]], should_stop: Stopped
    ) -> list[tuple[float, ...]] | None:
        """Return how likely the server finds the tokens of prompts, each but its first; None where it does not say."""

        async def question(session: RemoteSession, patience: Patience) -> list[tuple[float, ...]] | None:
            if not gives_scores(session):
                return None
            found: list[tuple[float, ...]] = []
            for prompt in make(session):
                told = await scores(session, prompt, patience, self._sent.append) if _fits(session, prompt) else None
                if told is None:
                    return None
                found.append(told)
            return found

        return self._asked(question, should_stop)

    def _asked(self, question: Question[T | None], should_stop: Stopped) -> T | None:
        try:
            return self._remote.ask(question, should_stop)
        except ModelError as error:  # it is away: completions say so, and rules propose all the same
            log.info("no next edit of %s: %s", self._remote.model_name, error)
            return None

    def _clear_text(self, path: str, text: str) -> str | None:
        known = self._clear_texts.get(path)
        if known is None or known[0] != text:
            known = self._clear_texts[path] = text, self._remote.cleared(path, text)
        return known[1]

    def _clear(self, request: EditRequest, path: str) -> EditRequest | None:
        may_leave = {
            each: self._may_leave(request, each) for each in {path, *(change.path for change in request.history)}
        }
        if not may_leave[path]:
            return None
        texts = {each: self._clear_text(each, request.files.get(each, "")) for each in may_leave if may_leave[each]}
        history = [change for change in request.history if texts.get(change.path) is not None][-MOST_HUNKS:]
        clear = [each for change in history if (each := self._clear_change(change)) is not None]
        own = texts[path]
        if own is None or not clear:
            return None
        files = {each: text for each, text in texts.items() if text is not None and each in request.files}
        return replace(request, history=tuple(clear), files={**files, path: own}, diagnostics=(), dismissed=frozenset())

    def _clear_change(self, change: LineChange) -> LineChange | None:
        sides: list[tuple[str, ...]] = []
        for side in (change.old, change.new):
            text = self.clear_piece(change.path, "\n".join(side)) if side else None
            if side and text is None:
                return None
            sides.append(() if text is None else tuple(text.split("\n")))
        return replace(change, old=sides[0], new=sides[1])

    def _may_leave(self, request: EditRequest, path: str) -> bool:
        has_file = request.has_file or path != request.path
        asked = CompletionRequest(path, "", "", root=request.root, repository=request.repository, has_file=has_file)
        reason = self._remote.why_kept(asked)
        if reason is not None:
            log.debug("no next edit in %s by a server: %s", path, reason)
        return reason is None


def _fits(session: RemoteSession, prompt: RawPrompt) -> bool:
    num_tokens, most = len(prompt.tokens) + prompt.max_tokens, session.capabilities.max_tokens
    return num_tokens <= session.prompter.budget.total and (most is None or num_tokens <= most)
