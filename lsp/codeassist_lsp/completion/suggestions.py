"""The pipeline from a request to suggestions: context, prompt, generate, fit, gate. On the inference thread.

Context, prompt and generation are the completer's (`codeassist/completion/session.py`); here is decided how much it is
asked for, each of its answers is fitted to the text around the cursor (`codeassist_indexer/fitting`), and what is worth
showing passes the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from codeassist.completion.beginnings import as_fitted
from codeassist.completion.document_state import DocumentState, Seen
from codeassist.completion.pipeline import Job
from codeassist.completion.stops import with_line_end
from codeassist.control_characters import brings_control_characters
from codeassist.document import TextEdit
from codeassist.errors import Cancelled, CodeAssistError
from codeassist.request import Completion, CompletionRequest
from codeassist.settings import CompletionSettings, ContextSettings, IndexSettings, Settings
from codeassist_indexer.fitting.trim import Fitted
from codeassist_indexer.open_document.reader import READER, DocumentPlace
from codeassist_lsp.workspace.workspace import DocumentScope

if TYPE_CHECKING:
    from codeassist.completion.completer import Completer

_numbers = count(1)
_NEW_SNIPPETS_MS = 100.0  # who types sees what the document's prompt holds; what is new is there a moment later


def next_number() -> int:
    """Return a number that no other suggestion of this process has."""
    return next(_numbers)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What an answer depends on beside the text around the cursor and other files. `model` counts loadings."""

    root: Path | None
    path: str
    language: str | None
    model: int
    completion: CompletionSettings
    context: ContextSettings
    index: IndexSettings
    multiline: str
    max_lines: int


@dataclass(frozen=True, slots=True)
class SuggestionRequest:
    """Everything of one request: a cursor, what its document belongs to, the settings and the model as they were then.

    `document` is what the model's session keeps of it. Line ends of `prefix` and `suffix` are "\\n". `num_wanted`
    suggestions are made at most. What nobody asked for, `is_automatic`, has to be likelier than what somebody did.
    Without `has_names` the cursor's line is no code, and no names are known there.
    """

    document: DocumentState
    scope: DocumentScope
    settings: Settings
    prefix: str
    suffix: str
    num_wanted: int = 1
    is_automatic: bool = False
    has_names: bool = True
    model: int = 0

    @property
    def conditions(self) -> Conditions:
        """What its answer depends on beside texts."""
        settings, editor = self.settings, self.settings.editor
        return Conditions(
            self.scope.root,
            self.scope.path,
            self.scope.language,
            self.model,
            settings.completion,
            settings.context,
            settings.index,
            editor.multiline,
            editor.max_lines,
        )

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes two requests that are under way at the same time one."""
        return (self.conditions, self.prefix, self.suffix, self.num_wanted, self.is_automatic)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Edits of a request's text (prefix and suffix put together), and where they came from.

    A completion is one, at the cursor. `number` stays the same when its beginning has been typed and only the rest is
    left. An answer's sure beginning and the whole answer are two: who has accepted the first decides on the rest anew.
    """

    edits: tuple[TextEdit, ...]
    completion: Completion
    number: int

    @property
    def at_cursor(self) -> TextEdit:
        """The edit that begins at the cursor."""
        return self.edits[0]


@dataclass(frozen=True, slots=True)
class Suggested:
    """The suggestions for a request, the likeliest first; none is an answer too.

    `first` is what the model said first, `seen` what it knew of other files.
    """

    suggestions: tuple[Suggestion, ...]
    first: Completion
    fit_ms: float
    seen: Seen

    @property
    def was_withheld(self) -> bool:
        """Whether there was something to show, but too unlikely to be right (`editor.min_confidence`)."""
        return not self.suggestions and self.first.finish_reason == "unlikely"


def suggest(
    session: Completer,
    wanted: SuggestionRequest,
    stopped: Callable[[], bool],
    beside: Executor | None = None,
) -> Suggested:
    """Answer a request. Raises Cancelled when `stopped()`: half a suggestion is none.

    What need not wait for the model's answer is done on `beside` meanwhile.
    """
    request = request_for(wanted)
    policy = wanted.document.policy
    assert policy is not None, "a document of an editor has one"
    passed: list[Suggestion] = []
    first: Completion | None = None
    fit_ms = 0.0
    prepare = wanted.document.prepare
    scope = wanted.scope
    place = READER.place(wanted.prefix, wanted.suffix, scope.path, scope.language)
    with closing(FitPreparation(place, beside, prepare)) as preparation:
        stopped = preparation.begun_by(stopped)
        for completion in _generate(session, wanted, request, stopped):
            first = first or completion
            began = perf_counter()
            for fitted in _shown_of(preparation, completion, wanted):
                if _passes(fitted, wanted, passed):
                    cursor = len(wanted.prefix)
                    edit = TextEdit(cursor, cursor + fitted.num_replaced, fitted.text)
                    passed.append(Suggestion((edit,), completion, next_number()))
            fit_ms += (perf_counter() - began) * 1e3
    assert first is not None, "a request is for at least one suggestion"
    session.warm(request, wanted.document)
    return Suggested(tuple(passed), first, fit_ms, policy.seen)


def request_for(wanted: SuggestionRequest) -> CompletionRequest:
    """The request to the model: one line or a block, as the settings and the place have it."""
    editor, monitor, scope = wanted.settings.editor, wanted.settings.monitor, wanted.scope
    if editor.multiline == "auto":
        is_block = READER.extent(wanted.prefix, wanted.suffix, scope.path, scope.language) == "block"
    else:
        is_block = editor.multiline == "always"
    return CompletionRequest(
        scope.path,
        wanted.prefix,
        wanted.suffix,
        max_new_tokens=wanted.settings.completion.max_new_tokens,
        max_lines=editor.max_lines if is_block else 1,
        min_confidence=editor.min_confidence if wanted.is_automatic else 0.0,
        extent="block" if is_block else "lines",
        patience_ms=editor.patience_ms,
        snippets_ms=_NEW_SNIPPETS_MS if wanted.is_automatic else None,
        root=None if scope.root is None else str(scope.root),
        monitor_deadline_ms=float(monitor.deadline_ms) if monitor.mode == "on" and wanted.has_names else None,
        repository=scope.repository,
        language=scope.language,
        told_path=scope.told_path,
        has_file=scope.has_file,
    )


def _generate(
    session: Completer,
    wanted: SuggestionRequest,
    request: CompletionRequest,
    stopped: Callable[[], bool],
) -> Iterator[Completion]:
    found = session.alternatives(Job(request, wanted.scope.retriever, wanted.document, stopped), wanted.num_wanted)
    while True:
        try:
            completion = next(found, None)
        except CodeAssistError:
            raise
        except BaseException:  # what the cache holds now cannot be trusted
            wanted.document.discard()
            raise
        if completion is None:
            return
        if completion.finish_reason == "cancelled":
            raise Cancelled("the request was superseded")
        yield completion


def _shown_of(preparation: FitPreparation, completion: Completion, wanted: SuggestionRequest) -> tuple[Fitted, ...]:
    """What of an answer may be shown, what comes first in front.

    What nobody asked for is shown as far as it is sure. The whole answer stands behind: an alternative, and what the
    rest is taken from as soon as the beginning has been accepted. Of an unlikely one there is the beginning only.
    """
    whole = _fit(preparation, completion)
    if not wanted.is_automatic or wanted.settings.editor.min_confidence == 0:
        return (whole,)
    if not completion.text:
        return (preparation.place().fit(completion.sure),) if completion.sure.strip() else (whole,)
    beginning = as_fitted(completion.sure, whole.text)
    if not beginning or len(beginning) >= len(whole.text.rstrip()):
        return (whole,)
    return Fitted(beginning), whole


def _fit(preparation: FitPreparation, completion: Completion) -> Fitted:
    """The answer as it fits the text around the cursor."""
    text = with_line_end(completion.text, completion.raw_text)
    if completion.finish_reason == "max_tokens" and "\n" in text.strip():
        text = text.rstrip().rpartition("\n")[0]  # the last line ended for want of tokens
    return preparation.place().fit(text) if text.strip() else Fitted("")


def _passes(fitted: Fitted, wanted: SuggestionRequest, passed: Sequence[Suggestion]) -> bool:
    """Whether a fitted answer is worth showing: not blank, nothing that nobody would see, none that passed already.

    Nobody sees control characters, nor what stands there already.

    What is too unlikely has come back blank: the completer gives it up as soon as it is (`min_confidence`).
    """
    text = fitted.text
    if not text.strip() or text == wanted.suffix[: fitted.num_replaced]:
        return False
    if brings_control_characters(text, wanted.prefix, wanted.suffix):
        return False
    return all(text.split() != other.at_cursor.text.split() for other in passed)


class FitPreparation:
    """What fitting needs of the text around a cursor, found out on a thread of `beside` once the model is at work.

    Looking at syntax takes some milliseconds that nobody waits for then; without `beside` it is done when it is needed.
    After it `prepare` runs there: what the next request will need. Used by the thread that runs the model.
    """

    def __init__(
        self, place: DocumentPlace, beside: Executor | None, prepare: Callable[[], None] = lambda: None
    ) -> None:
        self._look = lambda: _looked_at(place)
        self._beside = beside
        self._prepare = prepare
        self._looking: Future[DocumentPlace] | None = None
        self._preparing: Future[None] | None = None
        self._place: DocumentPlace | None = None

    def begun_by(self, stopped: Callable[[], bool]) -> Callable[[], bool]:
        """Return `stopped`, whose first call begins to look: then the model is at work, and Python's lock is free."""

        def stopped_and_begun() -> bool:
            if self._beside is not None and self._looking is None:
                self._looking = self._beside.submit(self._look)
                self._preparing = self._beside.submit(self._prepare)
            return stopped()

        return stopped_and_begun

    def place(self) -> DocumentPlace:
        """Return the place; wait for it if it is being looked at."""
        if self._place is None:
            has_begun = self._looking is not None and not self._looking.cancel()
            self._place = self._looking.result() if has_begun and self._looking is not None else self._look()
        return self._place

    def close(self) -> None:
        """Look at nothing that nobody needs any more."""
        for each in (self._looking, self._preparing):
            if each is not None:
                each.cancel()


def _looked_at(place: DocumentPlace) -> DocumentPlace:
    place.prepare()
    return place
