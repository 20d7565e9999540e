"""What all clients of a process share: the model in service, the work under way, the repositories, what was measured.

Lives on one event loop; only `Inference` and `Indexes` have threads.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from codeassist import __version__
from codeassist.completion.document_state import DocumentState
from codeassist.errors import CodeAssistError
from codeassist.settings import Settings
from codeassist_indexer.open_document.reader import READER
from codeassist_lsp.completion.inference import Inference, LoadSession, ModelState
from codeassist_lsp.completion.scheduling import Works
from codeassist_lsp.completion.shared_document import SharedDocuments
from codeassist_lsp.usage.feedback_store import FeedbackWriter
from codeassist_lsp.usage.request_log import RequestLog
from codeassist_lsp.workspace.context import ContextWatch
from codeassist_lsp.workspace.indexes import Indexes

if TYPE_CHECKING:
    from codeassist.completion.completer import Completer
    from codeassist.engine.prompt_cache import PromptCache
    from codeassist_lsp.completion.suggestion_log import ShownSuggestion

log = logging.getLogger(__name__)

_STATUS_S = 2.0
_CLOSE_S = 0.5
_MOST_STRIPS = 3


class Listener(Protocol):
    """A client's connection, as the backend sees it."""

    def model_changed(self, state: ModelState) -> None:
        """Hear that another state of the model holds."""
        ...

    def not_counted(self, problem: str) -> None:
        """Hear why suggestions are not counted."""
        ...

    def is_first_editor(self) -> None:
        """Hear that the editor that came before has left: from now on this one says which model is served."""
        ...


@dataclass(frozen=True, slots=True)
class Editor:
    """What an editor says of itself."""

    name: str
    pid: int | None


@dataclass(frozen=True, slots=True)
class Sharing:
    """That several windows share a server: how long it stays when the last has left, and how it is told to end."""

    linger_s: float
    end: Callable[[], None]


class Backend:
    """Made on the event loop that it lives on. Of the editors, the one that came first says which model is served."""

    def __init__(self, load: LoadSession, sharing: Sharing | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self.inference = Inference(load, self._model_changed)
        self.works = Works()
        self.indexes = Indexes(self._is_busy)
        self.requests = RequestLog()
        self.contexts = ContextWatch()
        self.documents = SharedDocuments(self.inference.forget)
        self.script = DocumentState("script", is_exact=True)  # whatever programs ask, one after the other
        self.beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="beside-model")
        self.feedback = FeedbackWriter(lambda problem: self._on_loop(lambda: self._not_counted(problem)))
        self.sharing = sharing
        self.editor_left_s: float | None = None  # when the last one did, by the monotonic clock
        self._listeners: list[Listener] = []
        self._editors: dict[Listener, Editor] = {}
        self.last_shown: ShownSuggestion | None = None  # what any client was given last
        self._waiting: set[asyncio.Future[None]] = set()  # until a model is in service
        self._began_s = time.monotonic()
        threading.Thread(target=_import_early, name="import", daemon=True).start()
        threading.Thread(target=READER.warm, name="reader-start", daemon=True).start()

    def join(self, listener: Listener) -> None:
        """Tell `listener` from now on what changes."""
        self._listeners.append(listener)

    def leave(self, listener: Listener) -> None:
        """Tell it nothing more."""
        if listener in self._listeners:
            self._listeners.remove(listener)
        was_first = next(iter(self._editors), None) is listener
        if self._editors.pop(listener, None) is not None:
            self.editor_left_s = time.monotonic()
        if was_first and self._editors:
            next(iter(self._editors)).is_first_editor()

    def met_editor(self, listener: Listener, editor: Editor) -> None:
        """Take note that `listener` is an editor; a program that asks once is none."""
        self._editors[listener] = editor

    def want_model(self, listener: Listener, settings: Settings) -> None:
        """Serve the model that a client's settings name, if it is that client's to say."""
        if next(iter(self._editors), None) is listener:
            self.inference.want(settings)

    async def model_settled(self) -> None:
        """Wait until a model is in service, or it is known why none is."""
        if not self.inference.state.is_to_come:
            return
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)

    async def status(self, with_recent: bool = False) -> dict[str, Any]:
        """What goes on, ready for JSON: docs/lsp.md says what each entry means."""
        state = self.inference.state
        cached, looks = self.documents.cache_counts, self.documents.look_counts
        return {
            "version": __version__,
            "pid": os.getpid(),
            "uptime_s": round(time.monotonic() - self._began_s, 1),
            "model": {
                "name": state.name,
                "device": state.device,
                "notices": list(state.notices),
                "loading": None if state.loading is None else state.loading.stage,
                "problem": state.problem,
                "missing": state.missing,
                "num_restarts": self.inference.num_restarts,
            },
            "clients": len(self._listeners),
            "editors": [{"name": editor.name, "pid": editor.pid} for editor in self._editors.values()],
            "shared": None if self.sharing is None else {"linger_s": self.sharing.linger_s},
            "documents": len(self.documents),
            **await self._cache(),
            "requests": {
                "counts": dict(self.requests.counts),
                "under_way": len(self.works),
                "joined": self.works.num_joined,
            },
            "results": {
                "kept": self.documents.num_kept,
                "hits": cached.num_hits,
                "along": cached.num_along,
                "stale": cached.num_stale,
                "missed": cached.num_missed,
            },
            "second_looks": {"made": looks.num_made, "used": looks.num_used},
            "feedback": {"unwritten": self.feedback.num_unwritten, "problem": self.feedback.problem},
            "monitors": dict(self.requests.monitored),
            "tokens": self.requests.tokens(),
            "sources": self.requests.sources(),
            "latency_ms": self.requests.latency_ms(),
            **({"recent": self.requests.recent()} if with_recent else {}),
        }

    def close(self) -> None:
        """Load nothing more and end the inference thread."""
        self.inference.close()
        self.contexts.close()
        self.beside.shutdown(wait=False, cancel_futures=True)
        self.feedback.close(_CLOSE_S)

    def _is_busy(self) -> bool:
        """Whether the first model is being loaded, or a model is asked. For any thread."""
        return not self.inference.is_settled or len(self.works) > 0

    async def _cache(self) -> dict[str, Any]:
        """The caches as they stand between two jobs; nothing of them while a long job runs, or without a model."""
        try:
            asking = asyncio.wrap_future(self.inference.submit(_describe))
            return await asyncio.wait_for(asking, _STATUS_S)
        except (CodeAssistError, TimeoutError):
            return {"threads": None, "cache": None}

    def _model_changed(self, state: ModelState) -> None:
        self._on_loop(lambda: self._spread(state))

    def _on_loop(self, what: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(what)
        except RuntimeError:  # the loop is closed: nobody listens any more
            log.debug("nobody listens any more")

    def _not_counted(self, problem: str) -> None:
        for listener in tuple(self._listeners):
            listener.not_counted(problem)

    def _spread(self, state: ModelState) -> None:
        for listener in tuple(self._listeners):
            listener.model_changed(state)
        for waiter in () if state.is_to_come else self._waiting:
            if not waiter.done():
                waiter.set_result(None)


def _describe(session: Completer) -> dict[str, Any]:
    """What the engine holds; nothing without one. Runs on the inference thread."""
    if session.engine is None:
        return {"threads": None, "cache": None}
    import torch

    held = session.engine.held
    num_slots = sum(len(cache.tokens) for cache in held)
    num_exact = sum(cache.num_exact for cache in held)
    on_disk = session.engine.on_disk
    return {
        "threads": torch.get_num_threads(),
        "cache": {
            "documents": len(held),
            "slots": num_slots,
            "exact_share": num_exact / num_slots if num_slots else 1.0,
            "kept_on_disk": 0 if on_disk is None else on_disk.num_written,
            "read_back": 0 if on_disk is None else on_disk.num_read,
            "strips": [_strip(cache) for cache in held[: -_MOST_STRIPS - 1 : -1]],
        },
    }


def _strip(cache: PromptCache) -> dict[str, Any]:
    """What each slot of a cache holds, and which of them are other files'."""
    runs = () if cache.live is None else cache.live.runs()
    return {
        "name": cache.name,
        "runs": [[run.state, run.start, run.stop] for run in runs],
        "snippets": [[part.start, part.stop] for part in cache.snippets],
    }


def _import_early() -> None:
    """Import PyTorch while the client still says hello: two seconds less until the first completion."""
    gc.disable()  # else the garbage is looked for ten times on the way
    try:
        import_module("codeassist.engine.engine")
        import_module("codeassist.completion.open_session")
    finally:
        gc.freeze()  # nothing of all this goes again: no collection that falls into a request need look at it
        gc.enable()
