"""Retrieval by the rules of each document's `SnippetPolicy`, for who does not hold one itself."""

from __future__ import annotations

import threading
from collections import OrderedDict

from codeassist.completion.snippet_policy import SnippetPolicy
from codeassist.request import CompletionRequest, Retrieval, Retriever

_MOST_DOCUMENTS = 64


class TypedWordRetriever:
    """Asks `inner` as the policy of the request's path has it. For any thread."""

    def __init__(self, inner: Retriever) -> None:
        self._inner = inner
        self._policies: OrderedDict[str, SnippetPolicy] = OrderedDict()
        self._lock = threading.Lock()

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return the snippets for the beginning of the word; as `Retriever.retrieve`."""
        with self._lock:
            policy = self._policies.setdefault(request.path, SnippetPolicy())
            self._policies.move_to_end(request.path)
            while len(self._policies) > _MOST_DOCUMENTS:
                self._policies.popitem(last=False)
        found = policy.find(request, max_chars, self._inner)
        policy.arrange(found.snippets)
        return found
