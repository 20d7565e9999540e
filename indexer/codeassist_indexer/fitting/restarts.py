"""Whether an answer's beginning is a piece of the cursor's line again, or code that goes on alike. Pure.

What decides is what the piece is (a word, a dotted name, a key, an open quote, the line), and whether the file says the
doubled text elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from codeassist_indexer.fitting.indentation import leading
from codeassist_indexer.fitting.lexing.frame import OPENER_OF
from codeassist_indexer.fitting.line_units import Unit, is_word
from codeassist_indexer.fitting.place import FitContext
from codeassist_indexer.fitting.repeated_marks import MARKUP, are_marks_again, opens_quote
from codeassist_indexer.fitting.statement_words import STATEMENT_WORDS
from codeassist_indexer.languages.registry import spec_of

_NEARBY_CHARS = 20_000
_CHAIN = re.compile(r"[\w$@]*(?:(?:\.|::|->|\?\.|!\.|\\|/|-|:)[\w$@]+)*(?:\.|::|->|\?\.|!\.|\\|/|-)\Z")
_ASSIGNED = re.compile(r"[\"'\[]?[\w.@:$-]+[\"'\]]?\s*(?::=|=>|[:=])\s*[\"'`{\[(]?\s*\Z")
_CALL = re.compile(r"[\w.:]+[(\[{<]")
_SIGILS = "$@#/-.&%\\~"
_HEX = re.compile(r"[0-9A-Fa-f]+")
_COLOUR_LENGTHS = (3, 6, 8)
_DOUBLED = frozenset(("long", "not"))
_NESTED_TAGS = frozenset(("div", "span", "section", "g", "ul", "ol", "blockquote", "article", "table", "template"))


@dataclass(frozen=True, slots=True)
class Beginning:
    """An answer that begins, behind white space `lead`, with `unit` in the first `end` characters of its `body`."""

    unit: Unit
    lead: str
    body: str
    end: int
    place: FitContext

    @property
    def left(self) -> str:
        """What the answer is without it."""
        return self.unit.left_in(self.body, self.end)

    def is_restart(self) -> bool:
        """Whether the answer says again what stands before the cursor."""
        unit = self.unit
        is_indented_again = unit.is_line and self.lead == leading(self.place.line)
        if self.lead:
            return is_indented_again or self._is_restart_behind_space()
        if len(unit.tokens) == 1 and unit.ends_in_word:
            return self._is_word_again()
        if unit.is_line and self._is_line_elsewhere():
            return True
        if len({*unit.tokens}) > 1 and opens_quote(unit):
            return True
        if not unit.has_letter:
            return self._are_marks_again()
        if unit.text[0] == "<" and ">" not in unit.text:
            is_tag = unit.is_line or "=" in unit.text or PurePosixPath(self.place.path).suffix.lower() in MARKUP
            return is_tag or (unit.text[1:2].isalpha() and not self._is_doubled())
        if unit.ends_in_word:
            return self._is_glued()
        if _CHAIN.fullmatch(unit.text):
            return not self._is_doubled()
        return _ASSIGNED.fullmatch(unit.text) is not None or (unit.is_line and self._is_line_again())

    def _is_glued(self) -> bool:
        """Whether a piece that ends in a word would stand twice without anything between."""
        unit = self.unit
        if is_word(unit.text[0]) or unit.is_line:
            return True
        return unit.text[0] in _SIGILS and " " not in unit.text and is_word(self.body[self.end : self.end + 1])

    def _is_word_again(self) -> bool:
        """Whether the word at the cursor is begun again, not gone on with as `aa` is by `a`."""
        unit, typed, said = self.unit, self.unit.text, _word_at_start(self.body)
        if unit.before[-2:] == "</" and said == typed:
            return True
        if is_word(unit.before[-1:]) or typed.isdigit():
            return False
        if len(set(said)) == 1 and len(typed + said) > 2 and not self._is_known(typed):
            return False
        spec = spec_of(self.place.language)
        if spec is not None and typed + said in spec.doubled_names:
            return False
        if not typed.strip("_"):  # `_│_init__`, but where `_init` is said elsewhere
            return len(typed) > 1 or said.startswith("__") or said == typed or self._is_known(said)
        if unit.before[-1:] == "#" and len(typed + said) in _COLOUR_LENGTHS and _HEX.fullmatch(typed + said):
            return False
        return (len(said) > 1 or said.isascii()) and not self._is_known(typed + said)

    def _is_restart_behind_space(self) -> bool:
        """As `is_restart`, for an answer that first puts white space between."""
        unit = self.unit
        if not unit.is_line or not unit.has_letter:
            return False
        if len(unit.tokens) > 1:
            return unit.ends_in_word or not _is_closed(unit.text)
        said = _word_at_start(self.body)
        is_begun = said != unit.text and not self._is_known(unit.text)
        return said in STATEMENT_WORDS and (is_begun or "\n" not in self.lead)

    def _are_marks_again(self) -> bool:
        unit, place = self.unit, self.place
        if unit.is_line and unit.text[0] in OPENER_OF:  # what the answer closes first is what stands open at the cursor
            opened = place.before.opened
            return bool(opened) and opened[-1].mark != OPENER_OF[unit.text[0]]
        return are_marks_again(unit, self.body, self.end, place.path, self._nearby())

    def _is_line_again(self) -> bool:
        """Whether a line that ends in no word is begun again."""
        unit, text = self.unit, self.unit.text.rstrip()
        if len(unit.tokens) == 1:
            return unit.tokens[0] not in _DOUBLED and not self._is_doubled()
        if _CALL.fullmatch(text):
            return text[-1] == "(" and not self._is_doubled()
        if (not _is_closed(text) or text[-1] in ")]") and text[0] != "<":
            return True
        words = {token for token in unit.tokens if is_word(token[0])}
        is_tag = text[0] == "<" and words.isdisjoint(_NESTED_TAGS)
        return (len(words) > 1 or text[-1] in "</" or ":" in text or "=" in text or is_tag) and not self._is_doubled()

    def _is_line_elsewhere(self) -> bool:
        """Whether the file has the answer's first line as a line, and not what it would be behind the cursor's."""
        said = self.body.partition("\n")[0].rstrip()
        lines = {line.strip() for line in self._nearby().split("\n")}
        is_closer = said[:1] in ")]}"
        return len(said) > 1 and not is_closer and said in lines and (self.unit.text + said).strip() not in lines

    def _is_doubled(self) -> bool:
        """Whether the file has this piece twice in a row, or is told to import what is called so."""
        unit = self.unit
        name = re.escape(unit.tokens[0])
        twice = r"[ \t]*".join(re.escape(token) for token in (*unit.tokens, unit.tokens[0]))
        if unit.text[-1].isspace() and len(unit.tokens) == 1:
            twice = rf"{name}[ \t]+{name}"
        if unit.has_letter:
            twice = rf"\b{twice}\b|^\s*import {name}\s*$"
        return re.search(twice, self._nearby(), re.MULTILINE) is not None

    def _is_known(self, word: str) -> bool:
        """Whether the file has a word nearby."""
        return re.search(rf"\b{re.escape(word)}\b", self._nearby()) is not None

    def _nearby(self) -> str:
        """The text around the cursor without what this piece is."""
        before = self.place.prefix[: len(self.place.prefix) - len(self.unit.text)]
        return f"{before[-_NEARBY_CHARS:]}\n\n{self.place.suffix[:_NEARBY_CHARS]}"


def _is_closed(text: str) -> bool:
    """Whether a line looks as if it were at its end: nothing in it is open, and it ends in a closing mark."""
    stripped = text.rstrip()
    is_open = any(stripped.count(a) > stripped.count(b) for a, b in ("()", "[]", "{}"))
    return not is_open and stripped[-1:] in ";,)]}>"


def _word_at_start(text: str) -> str:
    found = re.match(r"\w+", text)
    return "" if found is None else found[0]
