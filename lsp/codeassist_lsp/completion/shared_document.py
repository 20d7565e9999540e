"""What all windows that have one document open share of it: answers, looks at other files, the live cache's name."""

from __future__ import annotations

from collections.abc import Callable

from codeassist_lsp.completion.second_look import LookCounts, SecondLook, Submit
from codeassist_lsp.completion.suggestion_cache import CacheCounts, SuggestionCache


class SharedDocument:
    """One document of a process. `uri` names its live cache to the model's session."""

    def __init__(self, uri: str, suggestions: SuggestionCache, second_look: SecondLook) -> None:
        self.uri = uri
        self.suggestions = suggestions
        self.second_look = second_look
        self.num_sessions = 0


class SharedDocuments:
    """The documents that any client has open. `on_closed` hears the URI of one that nobody has open any more.

    `submit` runs work where versions of an index may be compared.
    """

    def __init__(self, submit: Submit, on_closed: Callable[[str], None]) -> None:
        self.cache_counts = CacheCounts()
        self.look_counts = LookCounts()
        self._submit = submit
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
            suggestions = SuggestionCache(self.cache_counts)
            shared = SharedDocument(uri, suggestions, SecondLook(self._submit, self.look_counts))
            self._open[uri] = shared
        shared.num_sessions += 1
        return shared

    def release(self, shared: SharedDocument) -> None:
        """Note that one session fewer has it open; after the last one all that was kept of it is gone."""
        shared.num_sessions -= 1
        if shared.num_sessions <= 0 and self._open.get(shared.uri) is shared:
            del self._open[shared.uri]
            self._on_closed(shared.uri)
