"""What takes keys and passwords out of texts that leave this machine. What does so is handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from codeassist.request import CompletionRequest, InstalledIn, Retrieval, Retriever, Snippet


@dataclass(frozen=True, slots=True)
class Redactors:
    """What takes keys and passwords out of texts that leave this machine: out of a request, and out of a snippet.

    Where they cannot be looked for it returns None, and the text stays here.
    """

    request: Callable[[CompletionRequest], CompletionRequest | None] = lambda request: request
    snippet: Callable[[Snippet], Snippet | None] = lambda snippet: snippet


NOTHING_REDACTED = Redactors()


@dataclass(frozen=True, slots=True)
class ClearedRetriever:
    """Clears the snippets that another finds, and leaves out those that cannot be.

    Those of an index are clear, by the rules of when it was made. What is of an installed package is left out
    unless `lets_package_out`, whatever finds it.

    Two that clear the same one's are equal: what a document's policy knows of one holds for the other.
    """

    retriever: Retriever
    cleared: Callable[[Snippet], Snippet | None]
    lets_package_out: Callable[[InstalledIn, CompletionRequest], bool] = lambda package, request: False

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return the other's snippets, cleared."""
        found = self.retriever.retrieve(request, max_chars)
        cleared = (
            self.cleared(each)
            for each in found.snippets
            if each.package is None or self.lets_package_out(each.package, request)
        )
        return replace(found, snippets=tuple(snippet for snippet in cleared if snippet is not None))
