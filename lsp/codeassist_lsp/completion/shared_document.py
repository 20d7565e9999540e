"""What all windows that have one document open share: answers, snippets, tokens and live caches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codeassist.completion.document_state import DocumentState, SnippetPolicy
from codeassist_lsp.completion.suggestion_cache import CacheCounts, SuggestionCache


@dataclass(slots=True)
class LookCounts:
    """How many second looks were made, of all documents, and how many of them were asked for."""

    num_made: int = 0
    num_used: int = 0


class SharedDocument:
    """One document of a process. `state` is what the model's session keeps of it, by the policy `snippets`."""

    def __init__(self, uri: str, suggestions: SuggestionCache, look_counts: LookCounts) -> None:
        self.uri = uri
        self.snippets = SnippetPolicy()
        self.state = DocumentState(uri, policy=self.snippets)
        self.suggestions = suggestions
        self.look_counts = look_counts
        self.num_sessions = 0


class SharedDocuments:
    """The documents that any client has open. `on_closed` hears of one that nobody has open any more."""

    def __init__(self, on_closed: Callable[[DocumentState], None]) -> None:
        self.cache_counts = CacheCounts()
        self.look_counts = LookCounts()
        self._on_closed = on_closed
        self._open: dict[str, SharedDocument] = {}

    def __len__(self) -> int:
        return len(self._open)

    @property
    def num_kept(self) -> int:
        """How many answers are kept, of all documents together."""
        return sum(len(shared.suggestions) for shared in self._open.values())

    def open(self, uri: str) -> SharedDocument:
        """Return what is shared of a document, for one more session."""
        shared = self._open.get(uri)
        if shared is None:
            shared = self._open[uri] = SharedDocument(uri, SuggestionCache(self.cache_counts), self.look_counts)
        shared.num_sessions += 1
        return shared

    def release(self, shared: SharedDocument) -> None:
        """Note that one session fewer has it open; after the last one all that was kept of it is gone."""
        shared.num_sessions -= 1
        if shared.num_sessions <= 0 and self._open.get(shared.uri) is shared:
            del self._open[shared.uri]
            self._on_closed(shared.state)
