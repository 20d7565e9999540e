"""A model's answer, fitted to the cursor: nothing that stands there already, nothing that breaks it.

Pure. What does not depend on the answer can be found out before there is one: `FitContext`. An answer passes these
steps, in this order:

1. `answer_start`: from where it goes on from the cursor.
2. `body`: its lines shifted into place.
3. `answer_end`: up to where the file goes on; what of the rest of the line it replaces.
4. `before_code`: with the line end that a statement of its own needs before code.
5. `gates`: whether it is shown at all.
"""

from __future__ import annotations

from dataclasses import replace

from codeassist_indexer.fitting.answer_end import with_end
from codeassist_indexer.fitting.answer_start import with_start
from codeassist_indexer.fitting.before_code import with_line_end
from codeassist_indexer.fitting.body import with_body
from codeassist_indexer.fitting.completion_extent import lines_wanted
from codeassist_indexer.fitting.fitted import Fitted
from codeassist_indexer.fitting.gates import may_be_shown
from codeassist_indexer.fitting.mid_word import rest_of_word, says_nothing_new, up_to_rest
from codeassist_indexer.fitting.place import FitContext, place_of, with_newlines

__all__ = ["FitContext", "Fitted", "fit", "fit_at", "lines_wanted", "place_of", "trim", "trim_at"]

_MOST_ROUNDS = 8


def trim(text: str, prefix: str, suffix: str, path: str, language: str | None = None) -> str:
    """The part of an answer that can be inserted at the cursor as it is; empty where none is worth it."""
    return _settled(place_of(prefix, suffix, path, language), text, may_replace=False).text


def fit(text: str, prefix: str, suffix: str, path: str, language: str | None = None) -> Fitted:
    """As `trim`, for an editor that can also replace the closers after the cursor, and the rest of a word.

    At `if foo(│)` the answer `x):` is cut to `x` by `trim`; here it stays whole, and replaces the one bracket. What is
    replaced always stands in the text, in the same order, so that an editor can show it in place.
    """
    return fit_at(place_of(prefix, suffix, path, language), text)


def fit_at(place: FitContext, text: str) -> Fitted:
    """As `fit`, at a place that was looked at before. Not from two threads at once."""
    return _settled(place, text, may_replace=True)


def trim_at(place: FitContext, text: str) -> str:
    """As `trim`, at a place that was looked at before. Not from two threads at once."""
    return _settled(place, text, may_replace=False).text


def _settled(place: FitContext, text: str, may_replace: bool) -> Fitted:
    text = with_newlines(text)
    if place.line.strip() or not place.rest.strip():  # elsewhere a line end behind the last line says nothing
        text = text.rstrip("\n")
    word = rest_of_word(place)
    if not text.strip() or (word and says_nothing_new(text, place)):
        return Fitted("")
    text = with_start(text, place)
    if word and says_nothing_new(text, place):
        return Fitted("")
    said = up_to_rest(text, word, place) if word else None
    fitted = _with_word(place, said, word, may_replace) if said is not None else _ended(place, text, may_replace)
    return replace(fitted, text=fitted.text.replace("\n", "\r\n")) if place.has_crlf else fitted


def _with_word(place: FitContext, text: str, word: str, may_replace: bool) -> Fitted:
    """An answer in the middle of a word that writes the rest of it itself: it takes the place of that."""
    if text.endswith(word) and "\n" not in text:  # whatever stands there
        return _ended(place, text.removesuffix(word), may_replace)
    if not may_replace:
        return Fitted("")
    without_rest_of_word = place_of(place.prefix, place.suffix.removeprefix(word), place.path, place.language)
    fitted = _ended(without_rest_of_word, text, may_replace)
    return replace(fitted, num_replaced=fitted.num_replaced + len(word)) if word in fitted.text else Fitted("")


def _ended(place: FitContext, text: str, may_replace: bool) -> Fitted:
    """An answer that goes on from the cursor, with its lines and its end as they are to be; or nothing."""
    fitted = Fitted(with_body(text, place))
    for _ in range(_MOST_ROUNDS):  # what a cut uncovers may be cut too
        if not fitted.text.strip():
            return Fitted("")
        again = with_end(fitted.text, place, may_replace)
        if again == fitted:
            break
        fitted = again
    fitted = with_line_end(fitted, place)
    return fitted if may_be_shown(fitted, place) else Fitted("")
