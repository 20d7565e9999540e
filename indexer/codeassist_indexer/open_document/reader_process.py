"""The process that reads open documents: it is sent texts, and may be ended by any of them.

Every question is of a text that comes with it, or of a place that was sent before.
"""

from __future__ import annotations

import traceback

from cachetools import LRUCache

from codeassist_indexer.fitting.trim import FitContext, Fitted, fit_at, lines_wanted, place_of, trim_at
from codeassist_indexer.languages.parsing.parse import parse_imports
from codeassist_indexer.open_document.reader_messages import (
    GONE,
    answer_line,
    failure_line,
    imports_as_json,
    read_question,
)
from codeassist_indexer.secrets.redaction import secret_spans
from codeassist_indexer.workers.question_loop import answer_questions

QUESTION_CPU_S = 0.25
"""A place takes 2 ms, imports of 100 KB of code 15 ms, secrets of 500 KB 35 ms (a core of an AMD EPYC, 2026-11-30)."""
MEMORY_BYTES = 1 << 29
_MOST_PLACES = 8


def main() -> None:
    """Answer each line of standard input until it ends."""
    answer_questions(Answers().answer, QUESTION_CPU_S, MEMORY_BYTES)


class Answers:
    """Answers questions. It remembers the places that it was sent last, by their numbers."""

    def __init__(self) -> None:
        self._places: LRUCache[int, FitContext] = LRUCache(_MOST_PLACES)

    def answer(self, line: str) -> str:
        """Return the line that answers one."""
        try:
            return answer_line(self._answered(line))
        except Exception:  # noqa: BLE001  the boundary of a question: who asked logs it, the next one is answered
            return failure_line(traceback.format_exc(limit=-8))

    def _answered(self, line: str) -> object:
        match read_question(line):
            case "imports", [path, text, language]:
                return imports_as_json(parse_imports(path, text, language))
            case "extent", [path, prefix, suffix, language]:
                return lines_wanted(prefix, suffix, path, language)
            case "secrets", [path, text, cursor]:
                return secret_spans(text, path, cursor)
            case "place", [number, path, prefix, suffix, language]:
                place = place_of(prefix, suffix, path, language)
                place.prepare()
                self._places[number] = place
                return True
            case "fit", [number, text, may_replace]:
                place = self._places.get(number)
                if place is None:
                    return GONE
                fitted = fit_at(place, text) if may_replace else Fitted(trim_at(place, text))
                return [fitted.text, fitted.num_replaced]
            case kind, _:
                raise ValueError(f"no question: {kind}")


if __name__ == "__main__":
    main()
