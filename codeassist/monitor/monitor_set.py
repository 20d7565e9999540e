"""The monitors of a session: for each request an analysis, a thread that runs it, the trie of its tokenizer.

Whoever opens a session supplies the analysis services. An analysis that fails costs its monitor, never an answer; the
same failure is logged once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from codeassist.monitor.analysis_thread import AnalysisThread
from codeassist.monitor.name_monitor import NameMonitor
from codeassist.request import Analysis, AnalysisService, CompletionRequest
from codeassist.tokenization.byte_trie import ByteTrie

if TYPE_CHECKING:
    from codeassist.tokenization.tokens import Tokenizer

log = logging.getLogger(__name__)


class AnalysisSource(Protocol):
    """The analysis services of the repositories that requests come from."""

    def find(self, request: CompletionRequest) -> AnalysisService | None:
        """Return the one for a request; None where nothing is analysed. Returns at once."""
        ...

    def close(self) -> None:
        """Let go of all of them."""
        ...


class NoAnalysts:
    """Nothing is analysed."""

    def find(self, request: CompletionRequest) -> AnalysisService | None:
        """Return none."""
        return None

    def close(self) -> None:
        """Do nothing."""


class MonitorSet:
    """Begins a monitor for each request that asks for one. Used on the inference thread; `warm` on any."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        trie: ByteTrie,
        analysts: AnalysisSource | None = None,
    ) -> None:
        self.analysts: AnalysisSource = analysts or NoAnalysts()
        self._tokenizer = tokenizer
        self._trie = trie
        self._thread = AnalysisThread()
        self._logged: set[tuple[str, str, int]] = set()

    def begin(self, request: CompletionRequest, deadline_ms: float) -> NameMonitor | None:
        """Begin to analyse a request's text; return its monitor, None where there is nothing to analyse with.

        Decoding may wait `deadline_ms` for the analysis, in all.
        """
        analysis = self._analyse(request)
        if analysis is None:
            return None
        return NameMonitor(
            analysis,
            request.prefix,
            request.suffix,
            self._trie,
            self._tokenizer.token_bytes,
            self._thread.submit,
            deadline_ms,
            self._log_once,
        )

    def warm(self, request: CompletionRequest) -> bool:
        """In idle time, have what completions in the request's file have to know loaded. Returns at once.

        False, and nothing is done, while anything is analysed.
        """
        if not self._thread.is_idle:
            return False
        self._thread.submit(lambda: self._warm(request))
        return True

    def close(self) -> None:
        """Analyse nothing more."""
        self._thread.close()
        self.analysts.close()

    def _warm(self, request: CompletionRequest) -> None:
        try:
            analyst = self.analysts.find(request)
            if analyst is not None:
                analyst.warm(request)
        except Exception as error:  # noqa: BLE001 — warming is for speed only
            self._log_once(error)

    def _analyse(self, request: CompletionRequest) -> Analysis | None:
        try:
            analyst = self.analysts.find(request)
            return None if analyst is None else analyst.analyse(request)
        except Exception as error:  # noqa: BLE001 — without an analysis the answer is the model's own
            self._log_once(error)
            return None

    def _log_once(self, error: Exception) -> None:
        """Log a failure that was not logged yet: the same code fails at every keystroke."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        file, line = ("", 0) if trace is None else (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        key = (type(error).__name__, file, line)
        if key not in self._logged:
            self._logged.add(key)
            log.warning("an analysis failed, and nothing is monitored there (logged once)", exc_info=error)
