"""The analysis service of one repository: what its analyses share, and what they found before.

The worker's process finds names. Nothing here raises for code that is not understood.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from cachetools import LRUCache

from codeassist.errors import CodeAssistError
from codeassist.request import AllowedNames, Analysis, CompletionRequest, NamePosition
from codeassist_indexer.analysis.process import AnalysisProcess
from codeassist_indexer.analysis.python.questions import module_folders, python_question, python_warm_up
from codeassist_indexer.analysis.text.arguments import arguments, left_over
from codeassist_indexer.analysis.text.lexer import START, LexState, lex_end
from codeassist_indexer.analysis.text.name_positions import NamePositions
from codeassist_indexer.analysis.text.name_query import Found, NameQuery
from codeassist_indexer.languages.registry import ANALYSED, is_read_by_jedi, language_at
from codeassist_indexer.storage.analysis_reader import state_of_others
from codeassist_indexer.storage.store import Store

if TYPE_CHECKING:  # who has no server need not load what speaks to one
    from codeassist_indexer.analysis.language_server import LanguageServer

log = logging.getLogger(__name__)

DEADLINE_S = 10.0
"""How long one answer may take before its process is taken for hung. Nobody has to wait for it that long."""

_MAX_ANSWERS = 2_000
_MAX_CHECKPOINTS = 32


# Which answers depend on the moment and not on the text.
_PASSING = frozenset({"hung", "failed", "stale", "no worker", "given up"})


_NONE: Mapping[str, LanguageServer] = MappingProxyType({})


class RepositoryAnalysisService:
    """Begins analyses of a repository's files. For any thread. `servers`, by language, are asked where it abstains.

    Answers are kept by the content that they were found in: a document that changes has others. `close` ends what runs
    for it; it starts again when it is asked again.
    """

    def __init__(
        self, root: Path, store: Store, deadline_s: float = DEADLINE_S, servers: Mapping[str, LanguageServer] = _NONE
    ) -> None:
        self._root = root
        self._store = store
        self._deadline_s = deadline_s
        self._process = AnalysisProcess(self._setup)
        self._servers = servers
        self._lock = threading.Lock()
        self._answers: LRUCache[bytes, Found] = LRUCache(_MAX_ANSWERS)
        self._checkpoints: LRUCache[tuple[str, str], tuple[str, LexState]] = LRUCache(_MAX_CHECKPOINTS)
        self._latest: WeakValueDictionary[str, TextAnalysis] = WeakValueDictionary()
        self._logged: set[str] = set()

    def analyse(self, request: CompletionRequest) -> Analysis | None:
        """Return an analysis of the request's text, or None for a language that is not analysed. Returns at once."""
        language = language_at(request)
        if language is None or language not in ANALYSED:
            return None
        analysis = TextAnalysis(self, request, language)
        self._latest[request.path] = analysis
        return analysis

    def warm(self, request: CompletionRequest) -> None:
        """In idle time, load what the first question about a file would wait for. Blocks; never raises."""
        language = language_at(request)
        if language is None or language not in ANALYSED:
            return
        path, text = request.path, request.prefix + request.suffix
        asked = {"language": language, "path": path, "kind": "warm", "before": text, "suffix": ""}
        if is_read_by_jedi(language):
            asked |= python_warm_up(text)
        try:
            self._process.ask(path, asked, self._deadline_s)
        except CodeAssistError as error:  # the index is broken or held: whoever updates it says so
            self._log_once(path, str(error), logging.INFO)

    def close(self) -> None:
        """End what runs for this repository."""
        self._process.close()
        for server in self._servers.values():
            server.close()

    def checkpoint(self, language: str, path: str, prefix: str) -> LexState:
        """What of `prefix` is settled, read on from where an earlier text of the file began alike."""
        with self._lock:
            known = self._checkpoints.get((language, path))
        start = LexState()
        if known is not None:
            text, state = known
            if prefix[: state.offset] == text[: state.offset]:
                start = state
        state = lex_end(language, prefix, start).settled
        with self._lock:
            self._checkpoints[language, path] = (prefix, state)
        return state

    def find(self, question: NameQuery) -> Found:
        """Return what was found for a question, now or before."""
        key = self._key(question)
        with self._lock:
            known = self._answers.get(key)
        if known is not None:
            return known
        found = self._answer(question)
        server = self._servers.get(question.language)
        if found.names is None and server is not None and found.source != "stale":
            asked = server.find(question)
            if asked.names is None and asked.is_passing:
                self._log_once(f"the server for {question.language}", asked.source)
            found = asked if asked.names else found
        if not found.is_passing:
            with self._lock:
                self._answers[key] = found
        return found

    def is_latest(self, path: str, analysis: TextAnalysis) -> bool:
        """Whether no later analysis of the file has begun."""
        return self._latest.get(path, analysis) is analysis

    def _answer(self, question: NameQuery) -> Found:
        asked: dict[str, object] | None
        if is_read_by_jedi(question.language):
            asked = python_question(question)
        else:
            asked = {"before": question.before, "suffix": question.suffix}
        if asked is None:
            return Found(None, "not asked")
        asked |= {"language": question.language, "path": question.path, "kind": question.place.kind}
        try:
            answer = self._process.ask(question.path, asked, self._deadline_s, question.is_stale)
            names = answer.get("names")
            if names or (names is not None and "positional" in answer):  # a call may take no keyword
                positional = tuple(answer.get("positional", ()))
                are_all = bool(answer.get("are_all", False))
                source = "jedi" if is_read_by_jedi(question.language) else "index"
                doubt = str(answer.get("doubt", ""))
                return Found(
                    frozenset(names),
                    source,
                    positional=positional,
                    are_all=are_all,
                    strength="likely" if doubt else "sure",
                    doubt=doubt,
                )
            why = str(answer.get("unsure", "nothing found"))
            return Found(None, why, is_passing=why in _PASSING)
        except CodeAssistError as error:
            self._log_once(question.path, str(error), logging.INFO)
        return Found(None, "failed", is_passing=True)

    def _log_once(self, path: str, why: str, level: int = logging.WARNING) -> None:
        with self._lock:
            is_new = path not in self._logged
            self._logged.add(path)
        if is_new:
            log.log(level, "no analysis of %s: %s", path, why)

    def _setup(self) -> dict[str, object]:
        folders = module_folders(self._root, self._store)
        return {"root": str(self._root), "sys_path": folders, "database": str(self._store.path)}

    def _key(self, question: NameQuery) -> bytes:
        digest = hashlib.blake2b(digest_size=20)
        state = self._version(question.path)
        for part in (question.language, question.path, question.place.kind, state, question.before, question.suffix):
            digest.update(part.encode("utf-8", "surrogatepass"))
            digest.update(b"\0")
        return digest.digest()

    def _version(self, path: str) -> str:
        """What is another value as soon as another file of the repository has changed in the index."""
        try:
            return state_of_others(self._store, path)
        except CodeAssistError:
            return ""


class TextAnalysis:
    """An analysis of one request's text."""

    def __init__(self, analyst: RepositoryAnalysisService, request: CompletionRequest, language: str) -> None:
        self._analyst = analyst
        self._request = request
        self._language = language
        self._places: NamePositions | None = None

    def place(self, text: str) -> NamePosition | None:
        """Return the place at which `text` ends."""
        request = self._request
        if not text.startswith(request.prefix):
            return NamePositions(self._language).at_end(text)
        if self._places is None:
            state = self._analyst.checkpoint(self._language, request.path, request.prefix)
            self._places = NamePositions(self._language, state)
        return self._places.at_end(text)

    def names(self, text: str, place: NamePosition) -> AllowedNames | None:
        """Return all that may stand there, or None."""
        found = self.found(text, place)
        if found.names is None or (not found.names and found.room is None):
            return None
        return AllowedNames(found.names, found.source, found.room, found.strength)

    def found(self, text: str, place: NamePosition) -> Found:
        """The same, with the reason where there is nothing."""
        before = text[: place.start]
        if is_read_by_jedi(self._language) and place.kind == "keyword":
            return self._argument(before)
        return self._find(before, place)

    def _argument(self, before: str) -> Found:
        """What the call takes is asked once, as it was when its bracket had been opened; the rest is counting."""
        state = START if self._places is None or not before.startswith(self._request.prefix) else self._places.settled
        brackets = lex_end(self._language, before, state).brackets
        if not brackets:
            return Found(None, "no call")
        first = brackets[-1] + 1
        call = self._find(before[:first], NamePosition("keyword", first))
        if call.names is None:
            return call
        given = arguments(before[first:])
        if given is None:
            return Found(None, "arguments that only a parser tells apart")
        names, room = left_over(call.names, call.positional, call.are_all, given)
        if not names and room is None:
            return Found(None, "no keyword")
        return Found(names, call.source, room=room, strength=call.strength, doubt=call.doubt)

    def _find(self, before: str, place: NamePosition) -> Found:
        request = self._request

        def is_stale() -> bool:
            return not self._analyst.is_latest(request.path, self)

        return self._analyst.find(NameQuery(self._language, request.path, place, before, request.suffix, is_stale))
