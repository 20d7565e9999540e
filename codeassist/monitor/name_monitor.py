"""The monitor of names: an answer names only what the analysis found, wherever that knows all that may stand there.

The names of a place are asked for as soon as the answer comes there, or a draft does, and are waited for a little; a
token that spells more than one thing (`.name(`, `name=`) is looked at name by name.
"""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace
from functools import partial
from math import exp, inf
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from codeassist.monitor.monitor import Mask
from codeassist.monitor.name_set import (
    BEGINS_POSITIONAL,
    NameSet,
    end_of_name,
    mask_after,
    mask_of_full_call,
    mask_within,
    mask_without,
    mask_without_byte,
    mask_without_equals,
)
from codeassist.monitor.name_visit import Finding, Visit, Writing
from codeassist.request import AllowedNames, Analysis, MonitorAct, NamePosition
from codeassist.tokenization.byte_trie import ByteTrie

log = logging.getLogger(__name__)

Submit = Callable[[Callable[[], NameSet | None]], "Future[NameSet | None]"]
_Key = tuple[str, int, str]

_NEXT_NAME = re.compile(rb"(?<![A-Za-z0-9_$\x80-\xff])[A-Za-z_$\x80-\xff]")
# Where an argument may begin within a token, or does so with the next one.
_NEXT_ARGUMENT = re.compile(rb"(?:\A|[(,])\s*")
# An equals sign that makes a keyword of the name before it, not a comparison or an arrow.
_EQUALS = re.compile(rb"[ \t]*=(?![=>])")
_TRAILING_NAME = re.compile(r"(?<![\w$])[^\W\d][\w$]*\Z|(?<![\w$])\$[\w$]*\Z")
_LONGEST_NAME = 200
_NAME_AFTER_CURSOR = re.compile(r"[\w$]*")


_Known = Callable[[Visit], NameSet | None]


@dataclass(slots=True)
class NameMonitor:
    """Watches the names of one answer. `deadline_ms` bounds all its waiting together.

    `submit` runs a question to the analysis beside everything else. `trouble` is told what an analysis raised.
    """

    analysis: Analysis
    prefix: str
    suffix: str
    trie: ByteTrie
    token_bytes: Callable[[int], bytes]
    submit: Submit
    deadline_ms: float
    trouble: Callable[[Exception], None]
    waited_ms: float = 0.0
    _written: bytes = b""  # stands in the text already, and the next token begins with it
    _whole_trie: ByteTrie = field(init=False)
    _answer: bytearray = field(default_factory=bytearray)
    _lengths: list[int] = field(default_factory=list[int])
    _visits: dict[_Key, Visit] = field(default_factory=dict["_Key", Visit])
    _places: dict[str, NamePosition | None] = field(default_factory=dict["str", "NamePosition | None"])
    _after: str = ""
    _is_off: bool = False
    _insisted: dict[int, list[Visit]] = field(default_factory=dict[int, "list[Visit]"])  # by the token that costs

    def __post_init__(self) -> None:
        found = _NAME_AFTER_CURSOR.match(self.suffix)
        self._after = found[0] if found is not None else ""
        self._whole_trie = self.trie
        place = self._place(self.prefix)
        if place is not None:
            self._visit(place, self.prefix)  # the analysis runs beside the prefill

    def objection(self, token: int, logprob: float) -> Mask | None:
        """Return what may come next if `token` would write a name that is none."""
        weighs: Mask | None = None
        for finding in self._findings(token, self._wait):
            visit, mask = finding.visit, finding.mask
            visit.tell(finding.outcome)
            if mask is None:
                continue
            visit.want(self._new_bytes(token), exp(logprob))
            if mask.cost == inf:
                return mask
            self._insisted.setdefault(token, []).append(visit)
            weighs = weighs or mask
        return weighs

    def whole_names(self, token: int) -> list[list[int]]:
        """Return the names at the place that `token` writes at, and nowhere else, where a name is forbidden there."""
        if self._written:
            return []
        for finding in self._findings(token, self._peek):
            visit, names = finding.visit, finding.visit.names
            is_name = visit.place.kind != "keyword" and visit.wanted is not None
            if not is_name or names is None or names.strength != "sure":
                continue
            answer, half_char = _decoded(self._answer)
            begun = (self.prefix + answer)[visit.place.start :].encode("utf-8", "surrogatepass") + half_char
            lead = self.token_bytes(token)[: max(0, visit.place.start - len(self.prefix + answer))]
            spelled = [self.trie.cut(lead + rest) for rest in names.rests(begun) if rest]
            return [tokens for tokens in spelled if tokens] if len(spelled) > 1 else []
        return []

    @property
    def after_name(self) -> NDArray[np.bool_]:
        """Return which tokens do not go on with a name."""
        return self._whole_trie.after_name

    def foresees_objection(self, token: int) -> bool:
        """Say whether `token` would write a name that is known to be none."""
        return any(finding.mask is not None for finding in self._findings(token, self._peek))

    def begin_within(self, written: bytes) -> None:
        """Of the first token, look at what it writes behind these bytes, which the text before the cursor ends with."""
        self._written = written
        self.trie = self._whole_trie.behind(written) if written else self._whole_trie

    def accept(self, token: int) -> None:
        """Take the token's text in."""
        for visit in self._insisted.get(token, ()):
            visit.told = "outweighed"
        self._insisted.clear()
        data = self._new_bytes(token)
        self._written, self.trie = b"", self._whole_trie
        self._answer += data
        self._lengths.append(len(data))

    def rollback(self, num_tokens: int) -> None:
        """Take the last tokens' text out."""
        if num_tokens:
            del self._answer[len(self._answer) - sum(self._lengths[-num_tokens:]) :]
            del self._lengths[-num_tokens:]

    def close(self) -> None:
        """Ask nothing more: questions that are not being worked on are taken back."""
        for visit in self._visits.values():
            visit.asked.cancel()

    def acts(self) -> tuple[MonitorAct, ...]:
        """Return what was done so far, place by place."""
        answer, _ = _decoded(self._answer)
        return tuple(visit.act(self.prefix, answer) for visit in self._visits.values() if visit.told is not None)

    def _findings(self, token: int, known: _Known) -> Iterator[Finding]:
        """What there is to say of each place that a token writes at; nothing after one that forbids it counts."""
        data = self._new_bytes(token)
        answer, half_char = _decoded(self._answer)
        text = self.prefix + answer
        place = self._place(text)
        if place is not None:
            beginning = text[place.start :].encode("utf-8", "surrogatepass") + half_char
            yield from self._at(Writing(place, text, b"", beginning, data, token), known)
        for found in _NEXT_NAME.finditer(data, 1):
            lead = data[: found.start()]
            try:
                text_there = text + (half_char + lead).decode()
            except UnicodeDecodeError:  # a character begun before it that it does not end
                continue
            place = self._place(text_there)
            if place is not None and place.start == len(text_there):
                yield from self._at(Writing(place, text_there, lead, b"", data[len(lead) :], token), known)
        if not half_char:
            yield from self._arguments(text, data, token)

    def _new_bytes(self, token: int) -> bytes:
        return self.token_bytes(token)[len(self._written) :]

    def _arguments(self, text: str, data: bytes, token: int) -> Iterator[Finding]:
        """What there is to say against arguments that a token begins, where the call takes no more of them by position.

        Nobody waits to hear it: most calls are right, and each would have to be waited for.
        """
        for found in _NEXT_ARGUMENT.finditer(data):
            lead, begun = data[: found.end()], data[found.end() :]
            there = text + lead.decode("utf-8", "replace")
            place = self._place(there)
            if place is None or place.kind != "keyword" or place.start != len(there):
                continue
            visit = self._visit(place, there)
            names = self._peek(visit)
            if names is None or names.room != 0:
                continue
            writing = Writing(place, there, lead, b"", begun, token)
            end = end_of_name(begun)
            if not begun and found[0].startswith(b",") and not names.names and _opens_a_bracket(there):
                before = data[: found.start()]
                left = partial(mask_without_byte, self.trie, before, b",")
                yield self._verdict(visit, writing, names, False, left)
            elif begun and begun[0] in BEGINS_POSITIONAL and not (end and names.has_beginning(begun[:end])):
                left = partial(mask_of_full_call, self.trie, names, lead)
                yield self._verdict(visit, writing, names, False, left)

    def _at(self, writing: Writing, known: _Known) -> Iterator[Finding]:
        end = end_of_name(writing.data)
        if writing.place.kind == "keyword":
            if not (writing.beginning or end) or not self._makes_keyword(writing.data, end):
                return  # whatever it is, it may stand here
        elif not (writing.beginning or end) and writing.place.kind != "member":
            return  # something else than a name begins: `import (`
        visit = self._visit(writing.place, writing.text)
        names = known(visit)
        if names is None:
            yield Finding(visit, "abstained" if visit.is_known else "late")
        elif writing.place.kind == "keyword":
            is_right = names.has(writing.beginning + writing.data[:end])
            yield self._verdict(visit, writing, names, is_right, lambda: self._mask_of_equals(writing, end))
        elif not names.has_beginning(writing.beginning):
            yield Finding(visit, "abstained")
        else:
            is_right = names.is_written_by(writing.beginning, writing.data, end)
            yield self._verdict(visit, writing, names, is_right, lambda: self._mask_of_names(writing, names))

    def _verdict(
        self, visit: Visit, writing: Writing, names: NameSet, is_right: bool, left: Callable[[], Mask]
    ) -> Finding:
        """The finding for a token: no mask if it is right, if the mask has nothing against it, or if none is left.

        Where a token has to begin with what stands already, none may be left: then that is to be written first.
        """
        if is_right:
            return Finding(visit, "agreed")
        mask, token = left(), writing.token
        if (token < len(mask.allowed) and mask.allowed[token]) or not (self._written or mask.allowed.any()):
            return Finding(visit, "abstained")
        return Finding(visit, "overruled", replace(mask, cost=names.cost))

    def _makes_keyword(self, data: bytes, end: int) -> bool:
        """Whether a token makes a keyword of the name that its first `end` bytes end."""
        found = _EQUALS.match(data, end)
        # Without tokens for `==`, an equals sign at the end may be half of one.
        return found is not None and (found.end() < len(data) or self.trie.find(b"==") is not None)

    def _mask_of_equals(self, writing: Writing, end: int) -> Mask:
        return mask_without(self.trie, writing.token) if end or writing.lead else mask_without_equals(self.trie)

    def _mask_of_names(self, writing: Writing, names: NameSet) -> Mask:
        if not writing.lead and (writing.beginning or writing.place.kind == "member"):
            return mask_within(self.trie, names, writing.beginning)
        return mask_after(self.trie, names, writing.lead)

    def _place(self, text: str) -> NamePosition | None:
        """The place at a text's end. While a name goes on, it is what it was where the name began."""
        found = _TRAILING_NAME.search(text, max(len(self.prefix), len(text) - _LONGEST_NAME))
        began = text[len(self.prefix) : len(text) if found is None else found.start()]
        if began not in self._places:
            self._places[began] = self._look_up(self.prefix + began)
        return None if self._is_off else self._places[began]

    def _look_up(self, text: str) -> NamePosition | None:
        if self._is_off:
            return None
        try:
            place = self.analysis.place(text)
        except Exception as error:  # noqa: BLE001 — an analysis reads whatever is typed: it may fail, the answer must not
            self._is_off = True
            self.trouble(error)
            return None
        return place if place is not None and 0 <= place.start <= len(text) else None

    def _visit(self, place: NamePosition, text: str) -> Visit:
        head = text[len(self.prefix) : place.start]
        key = (place.kind, place.start, head)
        visit = self._visits.get(key)
        if visit is None:
            before = text[: place.start]
            began = text[place.start :]
            asked = self.submit(lambda: self._ask(place, before, began))
            self._visits[key] = visit = Visit(place, head, asked, began)
        return visit

    def _ask(self, place: NamePosition, before: str, began: str) -> NameSet | None:
        allowed: AllowedNames | None = self.analysis.names(before, place)
        if allowed is None:
            return None
        names = NameSet.of(allowed, self._after)
        if place.kind != "keyword" and place.start <= len(self.prefix):
            names.tokens(self.trie, b"", began.encode("utf-8", "surrogatepass"))  # here, beside the prefill
        return names

    def _wait(self, visit: Visit) -> NameSet | None:
        """The names at a place, None to abstain. Waits for them while there is time left to wait."""
        left_ms = self.deadline_ms - self.waited_ms
        if not visit.asked.done() and left_ms > 0:
            began = perf_counter()
            try:
                visit.asked.exception(left_ms / 1e3)
            except (TimeoutError, CancelledError):
                log.debug("an analysis was late")
            self.waited_ms += (perf_counter() - began) * 1e3
        return self._peek(visit)

    def _peek(self, visit: Visit) -> NameSet | None:
        if not visit.is_known and visit.asked.done():
            visit.is_known = True
            if not visit.asked.cancelled():
                error = visit.asked.exception()
                if isinstance(error, Exception):
                    self.trouble(error)
                elif error is None:
                    visit.names = visit.asked.result()
        return visit.names


def _opens_a_bracket(text: str) -> bool:
    """Whether the last line opens the bracket that its end stands in: then a comma at its end is no matter of style."""
    line = text[text.rfind("\n") + 1 :]
    return sum(line.count(each) for each in "([{") > sum(line.count(each) for each in ")]}")


def _decoded(answer: bytearray) -> tuple[str, bytes]:
    """The text of an answer, and the bytes of the character at its end that is not whole."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return decoder.decode(answer), decoder.getstate()[0]
