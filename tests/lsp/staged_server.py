r"""`codeassist serve` for tests: the real process and engine, but what a document says decides what is answered.

In the text before the cursor such lines count, the last of each kind:
    #say TEXT    the answer's text is TEXT, with \n for line ends, as far as the request's limit of lines lets it go
    #sure TEXT   of that, so much is sure, instead of all
    #cite        the answer's text is the first function that the snippets define
    #until FILE  the request runs until there is such a file, or it is cancelled
    #crash       the job fails
    #die         the job ends, and then the inference thread does

The next edit follows scripted_edits.py. CODEASSIST_TEST_KEPT_AFTER_S says after how many seconds what was accepted is
looked for. CODEASSIST_TEST_SOCKET: programs can reach it too, as they can the real one. An index is built once there is
the file that CODEASSIST_TEST_BUILD_UNTIL names; after its first report the build waits for the one that
CODEASSIST_TEST_REPORT_UNTIL names. CODEASSIST_TEST_NO_THREADS: no thread can be started whose name begins so.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import codeassist.completion.pipeline
import codeassist_lsp.edits.next_edits
import codeassist_lsp.edits.pipelines
import codeassist_lsp.handlers.feedback
import codeassist_lsp.workspace.context
from codeassist.cli.sessions.local_session import start_session
from codeassist.completion.completer import one_after_the_other
from codeassist.completion.document_state import DocumentState
from codeassist.completion.session import Session
from codeassist.completion.stops import BlockStop, LineStop
from codeassist.errors import Cancelled
from codeassist.models.model_choice import find_model
from codeassist.progress import Progress
from codeassist.request import Completion, CompletionRequest, Retriever
from codeassist.settings import Settings, defaults
from codeassist_indexer.ingest.update import UpdateProgress
from codeassist_lsp.serving.serving import nothing_beside, run_stdio
from codeassist_lsp.serving.socket_serving import beside_stdio
from codeassist_lsp.usage.logs import set_up_logging
from codeassist_lsp.workspace.background_index import BackgroundIndex
from tests.lsp.scripted_edits import scripted_pipeline

_ORDER = re.compile(r"#(say|sure|cite|until|crash|die)(?: (.*))?")
_DEFINED = re.compile(r"def (\w+)")
_complete = Session.complete
_build = BackgroundIndex._build
_report = BackgroundIndex._progress
_start_thread = threading.Thread.start


def complete(
    self: Session,
    request: CompletionRequest,
    retriever: Retriever,
    cancelled: Callable[[], bool] = codeassist.completion.pipeline.never,
    document: DocumentState | None = None,
) -> Completion:
    orders = dict(_ORDER.findall(request.prefix))
    while "until" in orders and not Path(orders["until"]).exists():
        if cancelled():
            raise Cancelled("as it should be")
        time.sleep(0.001)
    if "crash" in orders:
        raise ZeroDivisionError
    done = _complete(self, request, retriever, cancelled, document)
    if "die" in orders:

        def die() -> None:
            del self.engine.next_to_heal
            sys.exit(3)

        self.engine.next_to_heal = die  # type: ignore[method-assign, assignment]  # looked at when no job waits
    if "cite" in orders:
        defined = [name for used in done.snippets for name in _DEFINED.findall(used.snippet.text)]
        name = defined[0] if defined else "nothing"
        return replace(done, text=name, sure=name, finish_reason="eos")
    if "say" not in orders:
        return done
    is_block = request.extent == "block"
    stop = BlockStop(request.prefix, request.max_lines) if is_block else LineStop(request.max_lines)
    for char in orders["say"].replace("\\n", "\n"):
        if not stop.feed(char.encode()):
            break
    reason = stop.reason if stop.reached else "eos"
    text = stop.cut()
    return replace(done, text=text, sure=orders.get("sure", text), raw_text=stop.text, finish_reason=reason)


def load(settings: Settings, progress: Progress) -> Session:
    model, _ = find_model(settings, progress)
    session = start_session(settings, model, progress)
    assert isinstance(session, Session)
    return session


def wait_and_build(self: BackgroundIndex) -> None:
    wait_for("CODEASSIST_TEST_BUILD_UNTIL")
    _build(self)


def report_and_wait(self: BackgroundIndex, state: UpdateProgress) -> None:
    _report(self, state)
    wait_for("CODEASSIST_TEST_REPORT_UNTIL")


def start_thread(self: threading.Thread) -> None:
    if self.name.startswith(tuple(os.environ["CODEASSIST_TEST_NO_THREADS"].split(","))):
        raise RuntimeError("can't start new thread")  # as Python says it
    _start_thread(self)


def wait_for(variable: str) -> None:
    file = os.environ.get(variable)
    while file is not None and not Path(file).exists():
        time.sleep(0.01)


if __name__ == "__main__":
    BackgroundIndex._build = wait_and_build  # type: ignore[method-assign]
    BackgroundIndex._progress = report_and_wait  # type: ignore[method-assign]
    if "CODEASSIST_TEST_NO_THREADS" in os.environ:
        threading.Thread.start = start_thread  # type: ignore[method-assign]
    codeassist_lsp.edits.next_edits._PAUSE_S = 0.0
    codeassist_lsp.edits.pipelines.open_pipeline = scripted_pipeline
    Session.complete = complete  # type: ignore[method-assign]
    Session.alternatives = one_after_the_other  # type: ignore[method-assign]
    codeassist_lsp.workspace.context.MOST_S = 30.0  # on a busy machine too, what is known is to be found
    codeassist_lsp.handlers.feedback.KEPT_AFTER_S = float(os.environ.get("CODEASSIST_TEST_KEPT_AFTER_S", "30"))
    places = defaults().settings.places
    set_up_logging(places.cache)
    beside = beside_stdio(places.run, None) if "CODEASSIST_TEST_SOCKET" in os.environ else nothing_beside
    sys.exit(run_stdio(load, beside=beside))
