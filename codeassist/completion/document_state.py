"""What completing keeps of one open document from request to request: all of it, in one object.

The rules for the snippets of its prompts stand here too: what is asked for, what is given again, what stays. A
Retriever finds snippets and says whether what they rest on still holds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from codeassist.document import TextEdit
from codeassist.request import CompletionRequest, Retrieval, RetrievalBasis, Retriever, Snippet
from codeassist.tokenization.file_tokens import DocumentTokens, SnippetTokens

if TYPE_CHECKING:  # torch takes two seconds to import
    from codeassist.engine.engine import Engine
    from codeassist.engine.prompt_cache import PromptCache
    from codeassist.monitor.monitor_set import MonitorSet

PromptKind = str
"""What a prompt is for: completions have "whole", as the settings ask for, and "cut", to what can be read in time. Each
kind has a live cache of its own: none undoes another's."""
_MOST_WORD_CHARS = 200
_TYPED_WORD = re.compile(r"\w+\Z")
_LEAST_OVERLAP = 0.5  # of the shorter window: two such show the same place


class DocumentState:
    """A document's tokens, live caches and snippets.

    Whoever opens a document makes one and hands it to every request in it; nothing else is kept of the document, and
    `close` frees it. What belongs to one model (tokens, caches) begins anew when another completes. `name` is for logs.
    `policy` has the rules for its snippets; without one, each request gets the best that are found for it.
    `warmed_by`: the monitors that have loaded what they have to know of its file.
    With `is_exact`, of the last prompt only the unchanged beginning counts, whatever `cache.mode` is. While it
    `outlives`, its states are kept on the disk for who opens it again.
    """

    def __init__(self, name: str = "", *, policy: SnippetPolicy | None = None, is_exact: bool = False) -> None:
        self.name = name
        self.policy = policy
        self.is_exact = is_exact
        self.outlives = False
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
        cache = self._caches[kind]
        cache.outlives = self.outlives and kind == "whole"
        return cache

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
        """Free the caches, keeping on the disk what may serve again: the document was closed. On the thread that owns
        the engine."""
        if self._engine is not None:
            for cache in self._caches.values():
                self._engine.put_away(cache)
        self._caches.clear()

    def discard(self) -> None:
        """Free the caches: what they hold cannot be trusted. On the thread that owns the engine."""
        for kind in tuple(self._caches):
            self.free(kind)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an answer was given of other files: a digest of it, for at most how many characters, and its basis.

    What was late has none: it is looked for again.
    """

    max_chars: int
    digest: bytes
    basis: RetrievalBasis | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A suggestion for `request`: the edit, at the cursor, of its prefix and suffix put together."""

    request: CompletionRequest
    edit: TextEdit

    @property
    def taken(self) -> CompletionRequest:
        """The request after it, once it is taken."""
        before = self.request
        prefix = before.prefix + self.edit.text
        return CompletionRequest(before.path, prefix, self._suffix, language=before.language)

    def leads_to(self, request: CompletionRequest) -> bool:
        """Whether a request is this one, or what it becomes when some or all of the draft is typed."""
        before = self.request
        return (
            (request.path, request.language) == (before.path, before.language)
            and request.prefix.startswith(before.prefix)
            and (before.prefix + self.edit.text).startswith(request.prefix)
            and request.suffix in (before.suffix, self._suffix)
        )

    @property
    def _suffix(self) -> str:
        return self.request.suffix[self.edit.end_char - self.edit.start_char :]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one retriever found, and for which question."""

    retriever: Retriever
    question: bytes
    max_chars: int
    found: Retrieval

    def is_to(self, question: bytes, retriever: Retriever) -> bool:
        return self.question == question and self.retriever == retriever

    @property
    def holds(self) -> bool:
        basis = self.found.basis
        return basis is not None and basis.holds()


@dataclass(frozen=True, slots=True)
class _Ahead:
    draft: Draft
    answer: _Answer


class SnippetPolicy:
    """The rules for one document's snippets, from its first request to its last. For any thread.

    - *Words*: a request is asked as it stood where the word before its cursor began. A word that has begun is no name
      yet: its letters match names that nobody means. One key in six within a word would change the prompt's snippets,
      which must be read, and they would show fewer of the names that come (docs/results/2026-11-22-typed-words.md).
    - *Reuse*: the same question is not asked again while its answer's basis holds. Alternatives to an answer see what
      it saw. What was looked up ahead for a draft serves who types along it.
    - *Lateness*: an answer that sources were late for is asked for again at the next request; one looked up ahead
      serves once. Of the answers to one question the one with the fewest late sources counts, the first among equals.
    - *Standing*: what stands in the prompt is worth more to a ranker (`CompletionRequest.standing`), and stays where
      it stood: a snippet that moves, or slides by a line, makes all after it stale.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._standing: tuple[Snippet, ...] = ()
        self._shown: _Answer | None = None
        self._answer: _Answer | None = None
        self._ahead: _Ahead | None = None

    def retrieve(self, request: CompletionRequest, max_chars: int, retriever: Retriever) -> Retrieval:
        """Return what stands in the document's prompt from now on: snippets of together about `max_chars` characters.

        The order is a prompt's falling worth: new ones come first, nearest to the file; then those that stay.
        """
        shown = self._shown
        question = _question_of(request, max_chars)
        if request.alternative and shown is not None and shown.is_to(question, retriever):
            return replace(shown.found, snippets=self._standing)
        found = self.find(request, max_chars, retriever)
        self._shown = _Answer(retriever, question, max_chars, found)
        return replace(found, snippets=self.arrange(found.snippets))

    def arrange(self, found: Sequence[Snippet]) -> tuple[Snippet, ...]:
        """Return what was found in the order of the document's prompt, in which it stands from now on."""
        with self._lock:
            self._standing = arranged(self._standing, found)
            return self._standing

    def find(self, request: CompletionRequest, max_chars: int, retriever: Retriever) -> Retrieval:
        """Return what a request's snippets are chosen of, the best first, without changing what stands."""
        ahead = self._ahead
        if ahead is not None and _serves(ahead, request, max_chars, retriever):
            if ahead.answer.found.late_sources:
                self._ahead = None
            return replace(ahead.answer.found, stage_ms={"second_look": 0.0})
        question, kept = _question_of(request, max_chars), self._answer
        is_known = kept is not None and kept.is_to(question, retriever) and kept.holds
        if kept is not None and is_known and not kept.found.late_sources:
            return replace(kept.found, stage_ms={"same_word": 0.0})
        found = self._ask(request, max_chars, retriever)
        if kept is not None and is_known and len(kept.found.late_sources) <= len(found.late_sources):
            return replace(kept.found, stage_ms=found.stage_ms)
        self._answer = _Answer(retriever, question, max_chars, found)
        return found

    def look_ahead(self, draft: Draft, max_chars: int, retriever: Retriever) -> bool:
        """Find what who takes a draft, or types along it, will need; return whether anything was looked for.

        For idle time: it may take as long as retrieving, and is not waited for. After "RepoCoder: Repository-Level
        Code Completion Through Iterative Retrieval and Generation".
        """
        ahead = self._ahead
        is_ready = ahead is not None and ahead.draft == draft and not ahead.answer.found.late_sources
        if ahead is not None and is_ready and _serves(ahead, draft.request, max_chars, retriever):
            return False
        taken = draft.taken
        found = self._ask(taken, max_chars, retriever)
        self._ahead = _Ahead(draft, _Answer(retriever, _question_of(taken, max_chars), max_chars, found))
        return True

    @property
    def seen(self) -> Seen:
        """What the document's last prompt was given."""
        shown = self._shown
        return Seen(0, _digest_of(())) if shown is None else _seen(shown.found, shown.max_chars)

    def would_see(self, request: CompletionRequest, seen: Seen, retriever: Retriever) -> Seen | None:
        """Return the same as of now if a request would be given what was `seen` before; None if it would not.

        Nothing is retrieved while the basis holds.
        """
        if seen.basis is not None and seen.basis.holds():
            return seen
        now = _seen(self.find(request, seen.max_chars, retriever), seen.max_chars)
        return now if now.digest == seen.digest else None

    def _ask(self, request: CompletionRequest, max_chars: int, retriever: Retriever) -> Retrieval:
        asked = replace(request, prefix=before_typed_word(request.prefix), standing=self._standing)
        return retriever.retrieve(asked, max_chars)


def before_typed_word(prefix: str) -> str:
    """Return a prefix without the word that it ends with."""
    word = _TYPED_WORD.search(prefix[-_MOST_WORD_CHARS:])
    return prefix if word is None else prefix[: len(prefix) - len(word[0])]


def arranged(standing: Sequence[Snippet], found: Iterable[Snippet]) -> tuple[Snippet, ...]:
    """Return what was found, in the place of one that shows the same place the window that stands, in a steady order.

    New ones come first; then those that stay, as they stood.
    """
    comes: list[Snippet] = []
    stays: set[int] = set()
    for snippet in found:
        stood = next((number for number, each in enumerate(standing) if shows_the_same(each, snippet)), None)
        if stood is None:
            comes.append(snippet)
        else:
            stays.add(stood)
    return (*comes, *(standing[number] for number in sorted(stays)))


def shows_the_same(one: Snippet, other: Snippet) -> bool:
    """Whether two snippets are windows on the same place of a file, and the file says the same there."""
    if (one.path, one.library) != (other.path, other.library):
        return False
    first, end = max(one.start_line, other.start_line), min(one.end_line, other.end_line)
    shorter = min(one.end_line - one.start_line, other.end_line - other.start_line)
    if end - first < max(_LEAST_OVERLAP * shorter, 1):
        return False
    ours, theirs = one.text.split("\n"), other.text.split("\n")
    return (
        ours[first - one.start_line : end - one.start_line] == theirs[first - other.start_line : end - other.start_line]
    )


def _serves(ahead: _Ahead, request: CompletionRequest, max_chars: int, retriever: Retriever) -> bool:
    answer = ahead.answer
    return (
        answer.retriever == retriever
        and answer.max_chars <= max_chars
        and ahead.draft.leads_to(request)
        and answer.holds
    )


def _question_of(request: CompletionRequest, max_chars: int) -> bytes:
    """What tells one question from another, without keeping its text."""
    prefix = before_typed_word(request.prefix)
    asked = (max_chars, len(prefix), request.language, request.sees_libraries, request.path)
    state = hashlib.blake2b(f"{asked}\n".encode("utf-8", "surrogatepass"), digest_size=16)
    for text in (prefix, request.suffix):
        state.update(text.encode("utf-8", "surrogatepass"))
    return state.digest()


def _seen(found: Retrieval, max_chars: int) -> Seen:
    return Seen(max_chars, _digest_of(found.snippets), None if found.late_sources else found.basis)


def _digest_of(snippets: Iterable[Snippet]) -> bytes:
    """What tells the snippets of one retrieval from those of another: all that a prompt says of them."""
    state = hashlib.blake2b(digest_size=16)
    for snippet in snippets:
        for part in (snippet.path, snippet.text):
            data = part.encode("utf-8", "surrogatepass")
            state.update(len(data).to_bytes(8, "little") + data)
    return state.digest()
