"""The pipeline that answers in a server: put together once for each model in service."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from codeassist_indexer.edit_requests.edit_pipeline import open_edit_pipeline

if TYPE_CHECKING:
    from codeassist.completion.completer import Completer
    from codeassist.edits.pipeline import EditPipeline


class _Opened:
    """The pipelines of a process: the last model's, whose cache its engine frees, and the one without a model."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_rules: EditPipeline | None = None
        self._last: tuple[Completer, EditPipeline] | None = None

    def of(self, completer: Completer | None) -> EditPipeline:
        from codeassist.completion.session import Session
        from codeassist.remote.fallback import RemoteWithFallback

        with self._lock:
            if not isinstance(completer, Session | RemoteWithFallback):
                self._by_rules = self._by_rules or open_edit_pipeline(None)
                return self._by_rules
            if self._last is None or self._last[0] is not completer:
                self._last = completer, open_edit_pipeline(completer)
            return self._last[1]


_opened = _Opened()


def open_pipeline(completer: Completer | None) -> EditPipeline:
    """Return the pipeline for what is in service. Called on the thread that completes, if anything does."""
    return _opened.of(completer)
