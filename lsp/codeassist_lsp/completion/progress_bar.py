"""One work-done progress in the client: made when work begins, reported as it goes, ended once.

A client that does not want progress, or does not answer, costs nothing but the bar.
"""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import count
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from pygls.lsp.server import LanguageServer

log = logging.getLogger(__name__)

_ANSWER_S = 10.0
_BETWEEN_REPORTS_S = 0.1
_tokens = count(1)


class ProgressBar:
    """A progress titled `title`. Used on the event loop only; `end` comes once, whatever became of the work."""

    def __init__(self, server: LanguageServer, title: str) -> None:
        self._server = server
        self._token = f"codeassist-{next(_tokens)}"
        self._title = title
        self._message = ""
        self._percentage: int | None = None
        self._is_shown = False
        self._has_ended = False
        self._reported_at_s = 0.0
        self._making = asyncio.create_task(self._make())

    def report(self, message: str, done: int = 0, total: int | None = None) -> None:
        """Say how far the work is."""
        percentage = min(100, 100 * done // total) if total else None
        if (message, percentage) == (self._message, self._percentage):
            return
        is_new = message != self._message
        self._message, self._percentage = message, percentage
        now_s = time.monotonic()
        if self._is_shown and (is_new or now_s - self._reported_at_s > _BETWEEN_REPORTS_S):
            self._reported_at_s = now_s
            self._send(types.WorkDoneProgressReport(message=message, percentage=percentage))

    def end(self, message: str) -> None:
        """Say that the work is over."""
        self._has_ended, self._message = True, message
        if self._is_shown:
            self._send(types.WorkDoneProgressEnd(message=message))

    async def _make(self) -> None:
        create = types.WorkDoneProgressCreateParams(token=self._token)
        try:
            await asyncio.wait_for(self._server.window_work_done_progress_create_async(create), _ANSWER_S)
        except (TimeoutError, JsonRpcException) as error:
            log.info("the client shows no progress: %s", error or type(error).__name__)
            return
        # Also of what has ended meanwhile: Helix shows that something goes on from the making of a progress to its end.
        self._send(types.WorkDoneProgressBegin(title=self._title, message=self._message, percentage=self._percentage))
        self._is_shown = True
        if self._has_ended:
            self._send(types.WorkDoneProgressEnd(message=self._message))

    def _send(
        self, value: types.WorkDoneProgressBegin | types.WorkDoneProgressReport | types.WorkDoneProgressEnd
    ) -> None:
        self._server.progress(types.ProgressParams(token=self._token, value=value))
