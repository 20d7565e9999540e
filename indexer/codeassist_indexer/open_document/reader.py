"""Asks a confined process about the text of an open document: its imports, its secrets, what fits at a cursor.

Whatever the text does to that process, this one has an answer, or knows that there is none, within a second: the
process has little processor time and memory for each question, is started anew when it ends, and is not asked again
about what ended it. docs/decisions/2026-11-30-open-documents-in-a-process.md says why it is done so.
"""

from __future__ import annotations

import atexit
import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from time import monotonic
from typing import Literal, TypeVar

from cachetools import LRUCache

from codeassist_indexer.fitting.nearby_text import FAR_CHARS
from codeassist_indexer.fitting.trim import Fitted, fit, trim
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.registry import HEADER_SNIFF_CHARS
from codeassist_indexer.open_document.reader_messages import (
    GONE,
    Extent,
    Kind,
    extent_of_json,
    fitted_of_json,
    imports_of_json,
    nothing_of_json,
    question_line,
    read_answer,
    spans_of_json,
)
from codeassist_indexer.secrets.redaction import Span, masked, masked_around
from codeassist_indexer.workers.child import Worker, WorkerEnded

log = logging.getLogger(__name__)

MOST_IMPORT_CHARS = 500_000
"""Longer texts, from the first line to the last import, are not searched for imports."""

_START_S = 60.0  # on a busy machine, with cold disks
# By the clock. What counts is processor time, which the process limits itself, but on Windows.
_QUESTION_S = 3.0 if hasattr(signal, "setitimer") else 0.5
_CLOSE_S = 0.5  # then the process ends with this one, whose input it reads
_PAUSE_S = 30.0  # after a process could not be started
_PLACE_CHARS = 2 * FAR_CHARS
_EXTENT_CHARS = 20_000
_BLIND_CHARS = 400
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 300.0
_MOST_SUSPECTS = 256
_MOST_TEXTS = 16  # of one document
_KEPT_IMPORTS = 8  # texts whose imports, which seldom change from keystroke to keystroke, are not asked for again

_numbers = count(1)
_T = TypeVar("_T")


class DocumentReader:
    """The process and what it said. For any thread; one question at a time."""

    def __init__(self, module: str = "codeassist_indexer.open_document.reader_process") -> None:
        self._module = module
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._not_before_s = 0.0
        self._suspects = Suspects()
        self._imports: LRUCache[tuple[str, str, str | None], tuple[Import, ...]] = LRUCache(_KEPT_IMPORTS)

    def imports(self, path: str, text: str, language: str | None = None) -> tuple[Import, ...] | None:
        """Return what a text imports; None where that is not known."""
        key = path, text, language
        with self._lock:
            known = self._imports.get(key)
        if known is not None or len(text) > MOST_IMPORT_CHARS:
            return known
        found = self.ask(imports_of_json, "imports", path, (text,), question_line("imports", path, text, language))
        if found is not None:
            with self._lock:
                self._imports[key] = found
        return found

    def extent(self, prefix: str, suffix: str, path: str, language: str | None = None) -> Extent:
        """Say whether a line or a block is worth suggesting at a cursor; a line where that is not known."""
        texts = _end_of(prefix, _EXTENT_CHARS), suffix[:_EXTENT_CHARS]
        line = question_line("extent", path, *texts, language)
        return self.ask(extent_of_json, "extent", path, texts, line) or "line"

    def cleared(self, text: str, path: str) -> str | None:
        """Return a text without its secrets, as `redaction.redact`; None where they cannot be looked for."""
        return self._masked(path, (text, ""), None, lambda spans: masked(text, spans))

    def cleared_around(self, prefix: str, suffix: str, path: str) -> tuple[str, str] | None:
        """Return the texts around a cursor without secrets, as `redaction.redact_around`; None as `cleared` does."""
        texts = prefix, suffix
        return self._masked(path, texts, len(prefix), lambda spans: masked_around(prefix, suffix, spans))

    def place(self, prefix: str, suffix: str, path: str, language: str | None = None) -> DocumentPlace:
        """Return a cursor's place, for answers to be fitted to. Asks nothing yet."""
        return DocumentPlace(self, prefix, suffix, path, language)

    def warm(self) -> None:
        """Start the process, so that the first question need not wait for it."""
        with self._lock:
            self._running()

    def close(self) -> None:
        """End the process; a question starts another one. One that is being asked is waited for, but not for long."""
        if self._lock.acquire(timeout=_CLOSE_S):
            self._end()
            self._lock.release()

    def ask(self, read: Callable[[object], _T], kind: Kind, path: str, texts: tuple[str, ...], line: str) -> _T | None:
        """Return the answer to `line`, a question about a document's texts; None where there is none: why is logged."""
        with self._lock:
            if self._suspects.is_one(path, texts, monotonic()):
                return None
            worker = self._running()
            if worker is None:
                return None
            try:
                worker.send(line)
                return read(read_answer(worker.receive(_QUESTION_S)))
            except ValueError as error:
                why = str(error)
            except WorkerEnded as ended:
                why = f"it ended the process that reads documents (code {ended.exit_code})"
            except TimeoutError:
                why = "it takes too long to read"
            pause_s = self._suspects.add(path, texts, monotonic())
            self._end()
        log.warning("%r is not read for its %s, nor for %g s: %s", path, kind, pause_s, why)
        threading.Thread(target=self.warm, name="reader-start", daemon=True).start()
        return None

    def _masked(
        self, path: str, texts: tuple[str, str], cursor: int | None, mask: Callable[[list[Span]], _T]
    ) -> _T | None:
        """What `mask` makes of where secrets stand: the process only says where, and so adds nothing."""
        line = question_line("secrets", path, "".join(texts), cursor)
        return self.ask(lambda value: mask(spans_of_json(value)), "secrets", path, texts, line)

    def _running(self) -> Worker | None:
        """The process, started if need be; None where none can be. With the lock held."""
        if self._worker is not None and self._worker.is_alive:
            return self._worker
        self._end()
        if monotonic() < self._not_before_s:
            return None
        worker: Worker | None = None
        try:
            worker = Worker(self._module)
            worker.send("foreground")
            if worker.receive(_START_S) != "ready\n":
                raise OSError("it is not ready")
        except (OSError, WorkerEnded) as error:  # a TimeoutError is an OSError
            log.warning("the process that reads open documents cannot be started: %s", error)
            self._not_before_s = monotonic() + _PAUSE_S
            if worker is not None:
                worker.kill()
            return None
        self._worker = worker
        return worker

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.kill()
        self._worker = None


class DocumentPlace:
    """A cursor in a document. For one thread at a time."""

    def __init__(
        self, reader: DocumentReader, prefix: str, suffix: str, path: str, language: str | None = None
    ) -> None:
        self._reader = reader
        self._path = path
        self._language = language
        self._texts = _end_of(prefix, _PLACE_CHARS), suffix[:_PLACE_CHARS]
        self._number = next(_numbers)
        self._is_sent = False

    def prepare(self) -> bool:
        """Let the place be looked at: what is fitted to it then takes less time. Say whether it could be."""
        line = question_line("place", self._number, self._path, *self._texts, self._language)
        self._is_sent = self._reader.ask(nothing_of_json, "place", self._path, self._texts, line) is not None
        return self._is_sent

    def fit(self, text: str) -> Fitted:
        """Return a model's answer as it can be inserted here; see `fitting.trim.fit`.

        Where the document cannot be looked at, rules decide that need no syntax, by the nearest lines.
        """
        return self._fitted(text, may_replace=True)

    def trim(self, text: str) -> str:
        """Return what of an answer can be inserted as it is; see `fitting.trim.trim`."""
        return self._fitted(text, may_replace=False).text

    def _fitted(self, text: str, may_replace: bool) -> Fitted:
        if not text.strip():
            return Fitted("")
        if self._is_sent or self.prepare():
            found = self._asked(text, may_replace)
            if found == GONE and self.prepare():  # the process is another one by now
                found = self._asked(text, may_replace)
            if isinstance(found, Fitted):
                return found
        prefix, suffix = self._texts[0][-_BLIND_CHARS:], self._texts[1][:_BLIND_CHARS]
        return fit(text, prefix, suffix, "") if may_replace else Fitted(trim(text, prefix, suffix, ""))

    def _asked(self, text: str, may_replace: bool) -> Fitted | Literal["gone"] | None:
        line = question_line("fit", self._number, text, may_replace)
        return self._reader.ask(
            lambda value: fitted_of_json(value, text, self._texts), "fit", self._path, self._texts, line
        )


def _end_of(prefix: str, num_chars: int) -> str:
    """The end of a text, below the beginning that may tell its language."""
    if len(prefix) <= HEADER_SNIFF_CHARS + num_chars:
        return prefix
    return prefix[:HEADER_SNIFF_CHARS] + prefix[-num_chars:]


@dataclass(slots=True)
class _Suspect:
    """A document: digests of the texts that ended the process, the newest last, and until when it is left alone."""

    digests: LRUCache[bytes, None]
    num_ended: int
    until_s: float


class Suspects:
    """Documents that the process is not asked about, because their texts ended it. For one thread at a time.

    The same text is never asked about again. Another text of the document is after a pause, twice as long each time:
    who types in such a file does not end a process with every key.
    """

    def __init__(self) -> None:
        self._by_path: LRUCache[str, _Suspect] = LRUCache(_MOST_SUSPECTS)

    def is_one(self, path: str, texts: tuple[str, ...], now_s: float) -> bool:
        """Say whether the process is not to be asked about these texts of a document."""
        suspect = self._by_path.get(path)
        return suspect is not None and (now_s < suspect.until_s or _digest(texts) in suspect.digests)

    def add(self, path: str, texts: tuple[str, ...], now_s: float) -> float:
        """Take note that these texts ended the process; return how many seconds the document is left alone."""
        suspect = self._by_path.setdefault(path, _Suspect(LRUCache(_MOST_TEXTS), 0, 0.0))
        suspect.digests[_digest(texts)] = None
        pause_s = min(_FIRST_PAUSE_S * 2.0**suspect.num_ended, _LONGEST_PAUSE_S)
        suspect.num_ended = min(suspect.num_ended + 1, 30)
        suspect.until_s = now_s + pause_s
        return pause_s


def _digest(texts: tuple[str, ...]) -> bytes:
    state = blake2b(digest_size=16)
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        state.update(len(encoded).to_bytes(8, "little"))
        state.update(encoded)
    return state.digest()


READER = DocumentReader()
"""This process's reader: it belongs to no repository, for it is sent texts and reads no file."""
atexit.register(READER.close)
