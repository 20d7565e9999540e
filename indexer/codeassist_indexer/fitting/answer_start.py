"""The start of an answer: what it says again of the text before the cursor. Pure.

A step of fitting: `with_start`. Knows no grammar and no parser: a half-typed word, dotted name, key, attribute, tag,
open quote or line is told by its characters. What may well stand twice (`datetime.datetime`, `long long`) stays.
"""

from __future__ import annotations

import re

from codeassist_indexer.fitting.chat_answers import without_chat
from codeassist_indexer.fitting.line_units import units
from codeassist_indexer.fitting.place import FitContext
from codeassist_indexer.fitting.redaction_marks import without_redaction
from codeassist_indexer.fitting.restarts import Beginning
from codeassist_indexer.fitting.special_token_leaks import cut_leaks
from codeassist_indexer.fitting.statement_words import STATEMENT_WORDS

_WORD = re.compile(r"\w+")
_WORD_AT_END = re.compile(r"\w+\Z")
_LINES_ABOVE = 8
_ALIGNED = "=:#/|"  # what stands below each other
_LEAST_CASED = 2


def with_start(text: str, place: FitContext) -> str:
    """The answer from where it goes on from the cursor, without special tokens; empty where it cannot be told."""
    text = without_chat(cut_leaks(text, place.prefix, place.suffix), place)
    return realigned(without_redaction(text, place.line), place)


def realigned(text: str, place: FitContext) -> str:
    """The answer as it goes on at the cursor: without what it repeats of the cursor's line, or empty.

    Empty where nothing is left, and where it can be no continuation: a statement in the middle of another one's word,
    or a half-typed word begun again in other capitals.
    """
    content = place.line.lstrip()
    if not content or not text.strip():
        return text
    text = _without_lines_above(text, place.prefix, content)
    body = text.lstrip()
    lead = text[: len(text) - len(body)]
    for unit in units(content):
        end = unit.end_in(body)
        if end is not None and (beginning := Beginning(unit, lead, body, end, place)).is_restart():
            return beginning.left if beginning.left.strip() else ""
    if _is_glued(content, lead, body) or _is_cased_otherwise(content, lead, body):
        return ""
    return body if lead in (" ", "\t") and _is_spaced(place.line) and body[0] not in _ALIGNED else text


def _is_spaced(line: str) -> bool:
    """Whether a line ends in one blank: more of them align what follows."""
    return line[-1:] in (" ", "\t") and not line[-2:-1].isspace()


def _without_lines_above(text: str, prefix: str, content: str) -> str:
    """The answer from the cursor's line on, where it begins with the lines above that and then has that line too."""
    above = [each.strip() for each in prefix.rpartition("\n")[0].split("\n")[-_LINES_ABOVE:] if each.strip()]
    lines = text.lstrip("\n").split("\n")
    said: list[str] = []
    for number, each in enumerate(lines[: _LINES_ABOVE + 1]):
        if said and said == above[-len(said) :] and each.strip().startswith(content.rstrip()):
            return "\n".join([each.lstrip(), *lines[number + 1 :]])
        if each.strip():
            said.append(each.strip())
    return text


def _is_glued(content: str, lead: str, body: str) -> bool:
    """Whether the answer is a line of its own, with its indentation, in the middle of a line that ends in a word."""
    word = _WORD.match(body)
    is_indented = "\n" not in lead and (len(lead) > 1 or "\t" in lead)
    return is_indented and content[-1].isalnum() and word is not None and word[0] in STATEMENT_WORDS


def _is_cased_otherwise(content: str, lead: str, body: str) -> bool:
    """Whether the answer begins the half-typed word again, but for its capitals: `tr│` and `True`."""
    typed, said = _WORD_AT_END.search(content), _WORD.match(body)
    if lead or typed is None or said is None or len(typed[0]) < _LEAST_CASED or said[0][:1] == typed[0][:1]:
        return False
    return len(said[0]) > len(typed[0]) and said[0].lower().startswith(typed[0].lower())
