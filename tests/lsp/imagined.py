"""A client's requests in this process, with an imagined model and imagined other files, both pure functions.

Everything between is the real thing: documents, suggestion cache, joined work, fitting, what is shown. Time stands
still unless a test says otherwise.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codeassist.completion.completer import one_after_the_other
from codeassist.completion.document_state import DocumentState, SnippetPolicy
from codeassist.completion.pipeline import Job
from codeassist.request import Completion, CompletionRequest, Retrieval, Snippet, Trace, UsedSnippet
from codeassist.settings import Settings
from codeassist_indexer.retrieval.sources.retrieval_context import RecentPlaces
from codeassist_lsp.completion.client_requests import ClientRequest, ClientRequests, Kind
from codeassist_lsp.completion.document_session import DocumentSession, DocumentSessions
from codeassist_lsp.completion.inference import ModelState
from codeassist_lsp.completion.scheduling import Works
from codeassist_lsp.completion.shared_document import SharedDocuments
from codeassist_lsp.completion.suggestion_cache import CacheCounts, SuggestionCache
from codeassist_lsp.completion.suggestion_log import ShownSuggestion, SuggestionLog
from codeassist_lsp.completion.suggestions import Suggested, SuggestionRequest, suggest
from codeassist_lsp.usage.request_log import RequestLog
from codeassist_lsp.workspace.context import ContextWatch

Say = Callable[[str], str]


def of_few_letters(question: str) -> str:
    """What an imagined model says: nothing, or some letters that are easily typed along."""
    digest = hashlib.sha256(question.encode()).digest()
    return "".join("ab)(. "[byte % 6] for byte in digest[1 : digest[0] % 9])


@dataclass
class Scope:
    """An imagined repository: `other` is what its other files say, `version` its index's."""

    root: Path
    settings: Settings = field(default_factory=Settings)
    other: str = "other"
    version: int = 0
    path: str = "src/a.txt"  # of no language: what is trimmed there takes no time
    recent: RecentPlaces = field(default_factory=RecentPlaces)
    file: Path | None = None  # nothing of it is indexed
    language: str | None = None
    told_path: str | None = None
    has_file: bool = True

    def of_cell(self) -> Scope:
        return self

    @property
    def workspace(self) -> Scope:
        return self

    @property
    def repository(self) -> str:
        return self.root.name

    @property
    def retriever(self) -> Scope:
        return self

    def settings_in_force(self) -> Settings:
        return self.settings

    def note_cursor(self, line: int) -> None:
        self.recent.note(self.path, line, line + 1)

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        snippet = Snippet("src/b.py", self.other, 1, 2, "bm25", 1.0, "imagined")
        return Retrieval((snippet,), basis=AtVersion(self, self.version))

    def change(self, other: str) -> None:
        """Other files are edited and indexed."""
        self.other = other
        self.version += 1


@dataclass(frozen=True)
class AtVersion:
    """An imagined repository at one version."""

    scope: Scope
    version: int

    def holds(self) -> bool:
        return self.scope.version == self.version


@dataclass
class Model:
    """In the place of a session, its engine, and the thread that owns it: answers at once."""

    say: Say = of_few_letters
    state: ModelState = field(default_factory=lambda: ModelState("imagined"))
    num_loaded: int = 1
    num_asked: int = 0
    is_hasty: bool = False
    sure: str | None = None  # of what is said; None: all of it
    engine: Any = None

    def submit(self, job: Callable[[Any], Any]) -> Future[Any]:
        done: Future[Any] = Future()
        self.num_asked += 1
        done.set_result(job(self))
        return done

    def revive(self) -> None:
        pass

    def try_again(self) -> None:
        pass

    def complete(self, request: CompletionRequest, retriever: Any, stopped: Any, document: DocumentState) -> Completion:
        assert document.policy is not None
        snippets = document.policy.retrieve(request, 1000, retriever).snippets
        asked = (
            self.num_loaded, request.repository, request.path, request.prefix, request.suffix, request.max_lines,
            request.temperature, request.alternative, [snippet.text for snippet in snippets],
        )  # fmt: skip
        stage_ms = dict.fromkeys(("retrieve", "prompt", "prefill", "first_token", "decode"), 0.0)
        used = [UsedSnippet(snippet, 1) for snippet in snippets]
        said = self.say(repr(asked))
        return Completion(
            said,
            said,
            "eos",
            f"model {self.num_loaded}",
            used,
            sure=said if self.sure is None else self.sure,
            trace=Trace(stage_ms, num_prompt_tokens=9, num_new_tokens=len(said), is_hasty=self.is_hasty),
        )

    def alternatives(self, job: Job, num_wanted: int) -> Iterator[Completion]:
        return one_after_the_other(self, job, num_wanted)

    def warm(self, request: CompletionRequest, document: DocumentState) -> None:
        pass


class Client:
    """A client with documents in imagined repositories. Made within a running event loop."""

    def __init__(self, model: Model, places: dict[str, Scope], now_s: Callable[[], float], sleep: Any) -> None:
        self.model = model
        self.places = places
        self.inference = model
        self.works = Works()
        self.requests = RequestLog()
        self.contexts = ContextWatch()
        self.shared = SharedDocuments(lambda uri: None)
        find_scope: Any = lambda uri, language_id: self.places[uri]  # noqa: E731
        self.documents = DocumentSessions(find_scope, self.shared)
        self.beside = None
        self.failed: list[str] = []
        self.last_shown: ShownSuggestion | None = None
        self.suggestion_log = SuggestionLog()
        backend: Any = self
        self.completing = ClientRequests(
            backend, self.suggestion_log, self.failed.append, lambda: None, now_s=now_s, sleep=sleep
        )

    @property
    def counts(self) -> CacheCounts:
        return self.shared.cache_counts

    def cache(self, uri: str) -> SuggestionCache:
        return self.entry(uri).shared.suggestions

    async def ask(self, uri: str, cursor_char: int, kind: Kind = "automatic") -> list[ShownSuggestion]:
        """Ask as an editor does; a failure of the server's is one of the test's."""
        entry = self.entry(uri)
        found = await asyncio.create_task(
            self.completing.complete(ClientRequest(("inline", uri), entry, entry.now, cursor_char, kind))
        )
        assert not self.failed
        return found

    def entry(self, uri: str) -> DocumentSession:
        entry = self.documents.get(uri)
        assert entry is not None
        return entry

    def afresh(self, uri: str, prefix: str, suffix: str, num_wanted: int = 1) -> Suggested:
        """What is suggested by who has no cache."""
        scope: Any = self.places[uri]
        wanted = SuggestionRequest(
            DocumentState(uri, policy=SnippetPolicy()), scope, scope.settings, prefix, suffix, num_wanted
        )
        session: Any = self.model
        return suggest(session, wanted, lambda: False)
