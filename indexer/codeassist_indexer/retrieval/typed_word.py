"""Retrieval for who types: what other files say where the word that is being typed began, found once a word.

Knows no ranking. A word that has begun is no name yet: its letters match names that nobody means. One key in six within
a word would change the prompt's snippets, which must be read, and they would show fewer of the names that come
(docs/results/2026-11-22-typed-words.md).
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

from codeassist.errors import CodeAssistError
from codeassist.request import CompletionRequest, Retrieval, Retriever
from codeassist_indexer.storage.chunk_reader import stored_file
from codeassist_indexer.storage.store import Store

log = logging.getLogger(__name__)

_MOST_WORD_CHARS = 200
_MOST_DOCUMENTS = 64
_TYPED_WORD = re.compile(r"\w+\Z")


@dataclass(frozen=True, slots=True)
class _IndexState:
    """Which changes an index had, and the number that the document's own file had in it."""

    epoch: int
    last_change: int
    own_file_id: int | None


@dataclass(frozen=True, slots=True)
class _Kept:
    asked: bytes
    state: _IndexState
    found: Retrieval


class TypedWordRetriever:
    """Asks `inner` for a request as it stood where the word before its cursor began. For any thread.

    While that stays the same and no other file has changed in the index, what was found is given again, and `inner` is
    not asked.
    """

    def __init__(self, inner: Retriever, store: Store) -> None:
        self._inner = inner
        self._store = store
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return the snippets for the beginning of the word; as `Retriever.retrieve`."""
        path = request.path
        request = replace(request, prefix=before_typed_word(request.prefix))
        asked = _digest(request, max_chars)
        with self._lock:
            kept = self._kept.get(path)
        if kept is not None and kept.asked == asked and not self._has_changed(kept.state, path):
            return Retrieval(kept.found.snippets, {"same_word": 0.0}, kept.found.late_sources)
        state = self._state(path)  # first: what changes while we look makes it stale
        found = self._inner.retrieve(request, max_chars)
        if state is not None and (found.snippets or not found.late_sources):
            with self._lock:
                self._kept[path] = _Kept(asked, state, found)
                self._kept.move_to_end(path)
                while len(self._kept) > _MOST_DOCUMENTS:
                    self._kept.popitem(last=False)
        return found

    def _state(self, path: str) -> _IndexState | None:
        try:
            epoch, newest, _ = self._store.vector_changes()
            return _IndexState(epoch, newest, self._file_id(path))
        except CodeAssistError as error:
            log.info("what was found for %s is not kept: %s", path, error)
            return None

    def _has_changed(self, state: _IndexState, path: str) -> bool:
        """Whether any other file may have changed; its own changes whenever a key has been indexed."""
        try:
            changed = self._store.changed_files(state.epoch, state.last_change)
            if not changed:
                return changed is None
            return not set(changed) <= {state.own_file_id, self._file_id(path)}  # each version has its own number
        except CodeAssistError as error:
            log.info("whether anything has changed for %s cannot be said: %s", path, error)
            return True

    def _file_id(self, path: str) -> int | None:
        file = stored_file(self._store, path)
        return None if file is None else file.file_id


def before_typed_word(prefix: str) -> str:
    """Return a prefix without the word that it ends with."""
    word = _TYPED_WORD.search(prefix[-_MOST_WORD_CHARS:])
    return prefix if word is None else prefix[: len(prefix) - len(word[0])]


def _digest(request: CompletionRequest, max_chars: int) -> bytes:
    """What tells one question from another, without keeping its text."""
    state = hashlib.blake2b(f"{max_chars} {len(request.prefix)} ".encode(), digest_size=16)
    for text in (request.prefix, request.suffix):
        state.update(text.encode("utf-8", "surrogatepass"))
    return state.digest()
