"""Monitors on a remote engine: names that static analysis knows become the server's constraint, and are checked after.

After the answer nothing can be masked any more: one with a wrong name is cut before it.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from time import perf_counter
from typing import Any

from codeassist.remote.features import Constraint, constraint_fields
from codeassist.request import ActOutcome, AllowedNames, Analysis, CompletionRequest, MonitorAct, NamePosition

log = logging.getLogger(__name__)

Submit = Callable[[Callable[[], AllowedNames | None]], "Future[AllowedNames | None]"]

_MOST_NAMES = 256  # more make a grammar that takes longer to compile than the answer to write
_MOST_CHECKED = 32  # of one answer
_SOME = 8
_NAME = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")
_REST_OF_NAME = re.compile(r"[\w$]*")
_KEYWORD_EQUALS = re.compile(r"[ \t]*=(?![=>])")
_OPERATOR = re.compile(r"(?:\?\.|\.|->|::)\s*$")


class NameGuard:
    """Watches the names of one request's answer. Waits for the analysis at most the request's `monitor_deadline_ms`.

    `submit` runs a question to the analysis on its thread. What an analysis does not know is not judged, what it
    raises is logged and judged as not known.
    """

    def __init__(self, analysis: Analysis, request: CompletionRequest, submit: Submit) -> None:
        self._analysis = analysis
        self._request = request
        self._submit = submit
        self._left_s = (request.monitor_deadline_ms or 0.0) / 1e3
        self._known: dict[tuple[int, str], AllowedNames | None] = {}
        self._was_late = False
        self._is_off = False
        self.acts: tuple[MonitorAct, ...] = ()
        self._after = _REST_OF_NAME.match(request.suffix)

    def constraint(self, kind: Constraint) -> dict[str, Any]:
        """Return the request's fields that make the answer go on with an allowed name; none where that is not known."""
        prefix = self._request.prefix
        place = self._place(prefix)
        if place is None or place.kind == "keyword":
            return {}
        names = self._names(prefix, place)
        if names is None or names.strength != "sure":  # a grammar can only forbid
            return {}
        typed, after = prefix[place.start :], self._after[0] if self._after else ""
        rests = sorted(
            name[len(typed) : len(name) - len(after)]
            for name in names.names
            if name.startswith(typed) and name.endswith(after) and len(typed) + len(after) < len(name)
        )
        if not rests or len(rests) > _MOST_NAMES:
            return {}
        return constraint_fields(kind, *_patterns(rests, self._request.max_lines == 1), tuple(rests))

    def cut(self, answer: str) -> str:
        """Return the answer up to before its first wrong name; `acts` says afterwards what was looked at."""
        prefix, acts = self._request.prefix, list[MonitorAct]()
        for start, end in self._places_of_names(answer):
            text = prefix + answer[:start]
            place = self._place(text)
            if place is None or (start and place.start != len(text)):
                continue
            name = (text + answer[start:end])[place.start :]
            is_whole = end < len(answer)
            if not is_whole and self._after is not None:
                name += self._after[0]
                is_whole = bool(self._after[0])
            if place.kind == "keyword" and not (is_whole and _KEYWORD_EQUALS.match(answer, end)):
                continue
            found = self._names(text, place)
            outcome: ActOutcome
            if found is None:
                outcome = "late" if self._was_late else "abstained"
            elif found.strength != "sure":
                outcome = "abstained"
            elif name in found.names or (not is_whole and any(one.startswith(name) for one in found.names)):
                outcome = "agreed"
            else:
                outcome = "overruled"
            acts.append(_act(place, len(prefix), outcome, name, found, text[place.start :]))
            if outcome == "overruled":
                answer = _OPERATOR.sub("", answer[: max(place.start - len(prefix), 0)]).rstrip(" \t")
                break
        self.acts = tuple(acts)
        return answer

    def _places_of_names(self, answer: str) -> list[tuple[int, int]]:
        """Where names stand in the answer, the rest of one begun before the cursor first."""
        found: list[tuple[int, int]] = []
        rest = _REST_OF_NAME.match(answer)
        at = rest.end() if rest is not None else 0
        place = self._place(self._request.prefix)
        if at and place is not None:
            found.append((0, at))
        else:
            at = 0
        found += [match.span() for match in _NAME.finditer(answer, at)]
        return found[:_MOST_CHECKED]

    def _place(self, text: str) -> NamePosition | None:
        if self._is_off:
            return None
        try:
            place = self._analysis.place(text)
        except Exception as error:  # noqa: BLE001 — an analysis reads whatever is typed: it may fail, the answer must not
            self._trouble(error)
            return None
        return place if place is not None and 0 <= place.start <= len(text) else None

    def _names(self, text: str, place: NamePosition) -> AllowedNames | None:
        """The names at a place, None where they are not known in time."""
        before = text[: place.start]
        key = (place.start, before)
        self._was_late = False
        if key not in self._known:
            began = perf_counter()
            asked = self._submit(lambda: self._analysis.names(before, place))
            try:
                self._known[key] = asked.result(max(self._left_s, 0.0))
            except (TimeoutError, CancelledError):
                self._was_late = True
                asked.cancel()
                return None
            except Exception as error:  # noqa: BLE001 — as above
                self._trouble(error)
                return None
            finally:
                self._left_s -= perf_counter() - began
        return self._known[key]

    def _trouble(self, error: Exception) -> None:
        self._is_off = True
        log.warning("an analysis failed, and nothing is monitored in this answer", exc_info=error)


def _patterns(rests: list[str], is_line: bool) -> tuple[str, str]:
    """The names and what may follow one, as a regular expression and as llama.cpp's grammar."""
    regex = "|".join(re.escape(rest) for rest in rests)
    grammar = " | ".join(json.dumps(rest, ensure_ascii=False) for rest in rests)
    regex_tail, grammar_tail = (r"[^\n]*", r"[^\n]*") if is_line else (r"(.|\n)*", r"[^\x00]*")
    return (
        f"({regex})([^A-Za-z0-9_$]{regex_tail})?",
        f"root ::= ({grammar}) ([^A-Za-z0-9_$] {grammar_tail})?",
    )


def _act(
    place: NamePosition, cursor: int, outcome: ActOutcome, name: str, found: AllowedNames | None, began: str
) -> MonitorAct:
    is_wrong = outcome == "overruled"
    some = () if found is None else tuple(sorted(one for one in found.names if one.startswith(began))[:_SOME])
    return MonitorAct(
        kind=place.kind,
        char=place.start - cursor,
        outcome=outcome,
        name="" if is_wrong else name,
        wanted=name if is_wrong else None,
        source=None if found is None else found.source,
        num_allowed=0 if found is None else len(found.names),
        some=some,
        strength=None if found is None else found.strength,
    )
