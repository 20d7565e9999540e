"""What completing keeps of one open document from request to request: all of it, in one object."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from codeassist.completion.snippet_policy import SnippetPolicy
from codeassist.tokenization.file_tokens import DocumentTokens, SnippetTokens

if TYPE_CHECKING:  # torch takes two seconds to import
    from codeassist.engine.engine import Engine, PromptCache
    from codeassist.monitor.monitor_set import MonitorSet

PromptKind = str
"""What a prompt is for: completions have "whole", as the settings ask for, and "cut", to what can be read in time. Each
kind has a live cache of its own: none undoes another's."""


class DocumentState:
    """A document's tokens, live caches and snippets.

    Whoever opens a document makes one and hands it to every request in it; nothing else is kept of the document, and
    `close` frees it. What belongs to one model (tokens, caches) begins anew when another completes. `name` is for logs.
    `policy` has the rules for its snippets; without one, each request gets the best that are found for it.
    `warmed_by`: the monitors that have loaded what they have to know of its file.
    With `is_exact`, of the last prompt only the unchanged beginning counts, whatever `cache.mode` is.
    """

    def __init__(self, name: str = "", *, policy: SnippetPolicy | None = None, is_exact: bool = False) -> None:
        self.name = name
        self.policy = policy
        self.is_exact = is_exact
        self.warmed_by: MonitorSet | None = None
        self._lock = Lock()  # over `_tokens`, which `prepare` reads on another thread
        self._tokens: DocumentTokens | None = None
        self._engine: Engine | None = None
        self._caches: dict[PromptKind, PromptCache] = {}

    def tokens(self, snippet_tokens: SnippetTokens) -> DocumentTokens:
        """Return its tokens by the tokenizer of `snippet_tokens`."""
        with self._lock:
            if self._tokens is None or self._tokens.snippet_tokens is not snippet_tokens:
                self._tokens = DocumentTokens(snippet_tokens)
            return self._tokens

    def cache(self, engine: Engine, kind: PromptKind = "whole") -> PromptCache:
        """Return its live cache for a kind of prompt. On the thread that owns the engine."""
        if self._engine is not engine:
            self._caches.clear()
            self._engine = engine
        if kind not in self._caches:
            self._caches[kind] = engine.open(self.name, is_exact=self.is_exact)
        return self._caches[kind]

    def free(self, kind: PromptKind) -> None:
        """Free the cache of one kind of prompt. On the thread that owns the engine."""
        cache = self._caches.pop(kind, None)
        if cache is not None and self._engine is not None:
            self._engine.forget(cache)

    def prepare(self) -> None:
        """Have what was completed once tokenised whole for the requests to come. From any thread."""
        with self._lock:
            tokens = self._tokens
        if tokens is not None:
            tokens.prepare()

    def close(self) -> None:
        """Free the caches: the document was closed, or what they hold cannot be trusted. On the thread that owns the
        engine."""
        for kind in tuple(self._caches):
            self.free(kind)
