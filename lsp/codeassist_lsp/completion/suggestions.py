"""What is suggested at a cursor: how much to ask the model for, its answers trimmed to what fits there, each one once.

Knows no client and no protocol. Runs on the inference thread.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING

from codeassist.control_characters import brings_control_characters
from codeassist.errors import Cancelled, CodeAssistError
from codeassist.request import Completion, CompletionRequest, Retrieval, Retriever
from codeassist.settings import Settings
from codeassist_indexer.fitting.trim import Fitted
from codeassist_indexer.open_document.reader import READER
from codeassist_lsp.completion.fit_preparation import FitPreparation
from codeassist_lsp.workspace.context import Seen, digest_of

if TYPE_CHECKING:
    from codeassist.completion.completer import Completer

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A cursor, and how many suggestions are wanted there at most.

    `document` names the live cache, `root` is the repository's folder. Line ends of `prefix` and `suffix` are "\\n".
    What nobody asked for, `is_automatic`, has to be likelier than what somebody did.
    """

    document: str
    path: str
    prefix: str
    suffix: str
    repository: str
    retriever: Retriever
    settings: Settings
    num_wanted: int = 1
    root: str | None = None
    is_automatic: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text to insert at the cursor, in the place of `num_replaced` characters behind it, and where it came from.

    `number` stays the same when its beginning has been typed and only the rest is left.
    """

    text: str
    num_replaced: int
    completion: Completion
    number: int


@dataclass(frozen=True, slots=True)
class Suggested:
    """The suggestions for a request, the likeliest first; none is an answer too.

    `first` is what the model said first, `seen` what it knew of other files.
    """

    suggestions: tuple[Suggestion, ...]
    first: Completion
    trim_ms: float
    seen: Seen

    @property
    def was_withheld(self) -> bool:
        """Whether there was something to show, but too unlikely to be right (`editor.min_confidence`)."""
        return not self.suggestions and self.first.finish_reason == "unlikely"


def suggest(
    session: Completer, wanted: GenerationRequest, stopped: Callable[[], bool], beside: Executor | None = None
) -> Suggested:
    """Answer a request. Raises Cancelled when `stopped()`: half a suggestion is none.

    What need not wait for the model's answer is done on `beside` meanwhile.
    """
    session.repository = wanted.repository
    request = request_for(wanted)
    retriever = _Once(wanted.retriever)
    found: list[Suggestion] = []
    first: Completion | None = None
    trim_ms = 0.0
    prepare = partial(session.prepare, wanted.document)
    with closing(FitPreparation(wanted.prefix, wanted.suffix, wanted.path, beside, prepare)) as fit_preparation:
        stopped = fit_preparation.begun_by(stopped)
        for alternative in range(wanted.num_wanted):
            completion = _complete(session, wanted, replace(request, alternative=alternative), retriever, stopped)
            first = first or completion
            began = perf_counter()
            text = _whole_lines(completion)
            fitted = fit_preparation.place().fit(text) if text.strip() else Fitted("")
            trim_ms += (perf_counter() - began) * 1e3
            is_seen = not brings_control_characters(fitted.text, wanted.prefix, wanted.suffix)
            if fitted.text.strip() and is_seen and all(fitted.text.split() != other.text.split() for other in found):
                found.append(Suggestion(fitted.text, fitted.num_replaced, completion, next(_numbers)))
    assert first is not None, "a request is for at least one suggestion"
    session.warm(request)
    return Suggested(tuple(found), first, trim_ms, retriever.seen)


def request_for(wanted: GenerationRequest) -> CompletionRequest:
    """The request to the model: one line or a block, as the settings and the place have it."""
    editor, completion = wanted.settings.editor, wanted.settings.completion
    if editor.multiline == "auto":
        is_block = READER.extent(wanted.prefix, wanted.suffix, wanted.path) == "block"
    else:
        is_block = editor.multiline == "always"
    return CompletionRequest(
        wanted.path,
        wanted.prefix,
        wanted.suffix,
        max_new_tokens=completion.max_new_tokens,
        max_lines=editor.max_lines if is_block else 1,
        min_confidence=editor.min_confidence if wanted.is_automatic else 0.0,
        extent="block" if is_block else "lines",
        patience_ms=editor.patience_ms,
        root=wanted.root,
        monitor_deadline_ms=wanted.settings.monitor.wait_ms,
    )


def _complete(
    session: Completer,
    wanted: GenerationRequest,
    request: CompletionRequest,
    retriever: Retriever,
    stopped: Callable[[], bool],
) -> Completion:
    try:
        completion = session.complete(request, retriever, stopped, document=wanted.document)
    except CodeAssistError:
        raise
    except BaseException:  # what the cache holds now cannot be trusted
        session.forget(wanted.document)
        raise
    if completion.finish_reason == "cancelled":
        raise Cancelled("the request was superseded")
    return completion


def _whole_lines(completion: Completion) -> str:
    """The completion without a last line that ended for want of tokens, if it is not the only one."""
    text = completion.text
    if completion.finish_reason == "max_tokens" and "\n" in text.strip():
        text = text.rstrip().rpartition("\n")[0]
    return text


class _Once:
    """Asks a retriever once: alternatives see the same context."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        self._found: Retrieval | None = None
        self.seen = Seen(0, digest_of(()))

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        if self._found is None:
            self._found = self._retriever.retrieve(request, max_chars)
            self.seen = Seen(max_chars, digest_of(self._found.snippets))
        return self._found
