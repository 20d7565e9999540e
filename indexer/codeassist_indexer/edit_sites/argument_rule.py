"""The argument rule: what a call lacks since its function has a new parameter, where one value is certain.

A value is certain that has the parameter's name and is bound at the call, or that all calls which were changed already
hand over, if it means the same here: a literal, or names that are bound. Where none is, nothing is proposed, and the
token rule's proposals that would bring a name which nothing binds are left out: an invented value is a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.placed_change import placed_changes
from codeassist.edits.proposal import Proposal, Proposer
from codeassist.edits.proposals.diff import trimmed
from codeassist.edits.proposals.replacement import NAME
from codeassist.edits.site import Site
from codeassist_indexer.edit_sites.bound_names import bound_names
from codeassist_indexer.edit_sites.call_lists import CallList, Parameters, call_lists, has_default, own_name
from codeassist_indexer.edit_sites.definitions import NO_DEFINITIONS, DefinitionReader
from codeassist_indexer.edit_sites.line_table import KEYWORDS
from codeassist_indexer.edit_sites.outdated_uses import (
    CALL_LINES,
    called_name,
    changed_parameters,
    edited_heads,
    is_outdated,
)
from codeassist_indexer.edit_sites.past_changes import MOST_CHANGES
from codeassist_indexer.languages.parsing.symbols import FUNCTION_KINDS
from codeassist_indexer.languages.registry import language_of

_MOST_NEW = 2
_BY_NAME = frozenset({"python"})  # where a call may hand over a value as `name=value`
_LABELLED = frozenset({"swift", "objective-c"})  # where every value has a label: places say nothing
_LITERAL = re.compile(r"-?\d[\w.]*|\"[^\"\\\n]*\"|'[^'\\\n]*'|(?:None|True|False|null|nil|true|false|undefined)")
_VALUE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


@dataclass(frozen=True, slots=True)
class _Changed:
    """A definition whose parameters an edit changed: what it is called by, and its head's place."""

    name: str
    path: str
    line: int
    was: Parameters
    now: Parameters
    language: str | None

    @property
    def new(self) -> tuple[tuple[int, str], ...] | None:
        """The parameters that a call must hand over now and could not before, by their numbers; None where more has
        changed than that some came."""
        before = [own_name(entry, self.language) for entry in self.was.entries]
        after = [own_name(entry, self.language) for entry in self.now.entries]
        if None in before or None in after or [name for name in after if name in before] != before:
            return None
        new = [
            (number, name)
            for number, (name, entry) in enumerate(zip(after, self.now.entries, strict=True))
            if name is not None and name not in before and not has_default(entry)
        ]
        return tuple(new) if 1 <= len(new) <= _MOST_NEW else None


@dataclass(frozen=True, slots=True)
class _Given:
    """What is handed over for a parameter; `is_by_name`: as `name=value`."""

    value: str
    is_by_name: bool = False


class ArgumentRule:
    """The `Proposer` of arguments that are missing."""

    name = "argument rule"

    def __init__(self, definitions: DefinitionReader) -> None:
        self._definitions = definitions

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool]) -> Sequence[Proposal]:
        """Return what a call becomes that lacks a new argument; nothing where a value would have to be invented."""
        if site.source != "use" or site.path not in request.files:
            return ()
        lines = request.files[site.path].split("\n")
        for changed in _changed(request, self._definitions, should_stop):
            for row, call in _outdated_calls(changed, site, lines):
                made = self._made(request, changed, site.path, lines, row, call)
                if made is not None:
                    return (Proposal(made, site, self.name),)
        return ()

    def _made(
        self, request: EditRequest, changed: _Changed, path: str, lines: Sequence[str], row: int, call: CallList
    ) -> LineChange | None:
        language = language_of(path)
        if changed.new is None or language in _LABELLED:
            return None
        known = self._definitions.read({path: request.files[path]}, lambda: False)[path]
        bound = bound_names(lines, known, row, language)
        num_by_place = len(call.values) - len(call.names)
        placed: list[tuple[int, str]] = []  # before which value, and what
        for done, (number, name) in enumerate(changed.new):
            given = _Given(name) if name in bound else _given_elsewhere(request, changed, number, name, bound)
            if given is None or name in call.names:
                return None
            at = number - done
            if not given.is_by_name and number < changed.now.num_by_place and at <= num_by_place:
                placed.append((at, given.value))
            elif language in _BY_NAME:
                placed.append((len(call.values), f"{name}={given.value}"))
            else:
                return None
        block = list(lines[row : row + CALL_LINES])
        text = _with_arguments("\n".join(block), call, placed)
        return trimmed(LineChange(path, row, tuple(block), tuple(text.split("\n"))))


class BoundTokenRule:
    """The token rule without proposals that hand over a name which nothing binds to a call that lacks an argument."""

    def __init__(self, rule: Proposer, definitions: DefinitionReader) -> None:
        self._rule = rule
        self._definitions = definitions

    @property
    def name(self) -> str:
        """See Proposer."""
        return self._rule.name

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool]) -> Sequence[Proposal]:
        """See Proposer."""
        proposals = self._rule.propose(request, site, should_stop)
        if not proposals or site.source != "use" or site.path not in request.files:
            return proposals
        lines = request.files[site.path].split("\n")
        outdated = [
            (changed, row, call)
            for changed in _changed(request, self._definitions, should_stop)
            for row, call in _outdated_calls(changed, site, lines)
        ]
        if not outdated:
            return proposals
        known = self._definitions.read({site.path: request.files[site.path]}, lambda: False)[site.path]
        bound = bound_names(lines, known, site.start_line, language_of(site.path))
        return [
            each
            for each in proposals
            if _brought(each.change) <= bound
            and all(_is_mended(changed, row, call, each.change, lines) for changed, row, call in outdated)
        ]


def _is_mended(changed: _Changed, row: int, call: CallList, change: LineChange, lines: Sequence[str]) -> bool:
    """Whether a call that lacked an argument has it after a change, and all of its own still; one that the change
    leaves alone counts as mended."""
    at = row - change.start_line
    if not 0 <= at < len(change.old):
        return True
    after = [*change.new[at:], *lines[change.start_line + len(change.old) :]][:CALL_LINES]
    own = {value.strip() for value in call.values}
    return any(
        own <= {value.strip() for value in each.values} and changed.now.take(len(each.values), each.names)
        for each in call_lists(after, changed.name)
    )


def _changed(request: EditRequest, reader: DefinitionReader, should_stop: Callable[[], bool]) -> Iterator[_Changed]:
    history = [change for change in request.history if change.path in request.files][-MOST_CHANGES:]
    files = {change.path: request.files[change.path] for change in history}
    definitions = reader.read(files, should_stop)
    for placed in placed_changes(history):
        lines = files[placed.path].split("\n")
        for symbol in edited_heads(placed, definitions.get(placed.path, NO_DEFINITIONS)):
            if symbol.kind in FUNCTION_KINDS and (found := changed_parameters(lines, placed, symbol)) is not None:
                language = language_of(placed.path)
                yield _Changed(called_name(symbol), placed.path, symbol.start_line - 1, *found, language)


def _outdated_calls(changed: _Changed, site: Site, lines: Sequence[str]) -> Iterator[tuple[int, CallList]]:
    """The calls on a site's lines that no longer fit, each with its line."""
    if language_of(site.path) != changed.language:
        return
    for row in range(site.start_line, max(site.end_line, site.start_line + 1)):
        if (site.path, row) == (changed.path, changed.line):
            continue  # the head itself
        for call in call_lists(lines[row : row + CALL_LINES], changed.name):
            if is_outdated(call, changed.was, changed.now):
                yield row, call


def _given_elsewhere(request: EditRequest, changed: _Changed, number: int, name: str, bound: set[str]) -> _Given | None:
    """What all calls that an edit changed already hand over for a parameter, where that means the same here."""
    found: set[_Given] = set()
    for change in request.history:
        for row in range(len(change.new)):
            block = change.new[row : row + CALL_LINES]
            for call in call_lists(block, changed.name):
                is_head = {each.strip() for each in call.values} >= set(changed.now.entries)
                if is_head or call.has_any_number or not changed.now.take(len(call.values), call.names):
                    continue
                found |= _given("\n".join(block), call, number, name)
    if len(found) != 1:
        return None
    [given] = found
    is_value = _VALUE.fullmatch(given.value) is not None and given.value.split(".")[0] in bound | {"self", "this"}
    return given if is_value or _LITERAL.fullmatch(given.value) else None


def _given(text: str, call: CallList, number: int, name: str) -> set[_Given]:
    """What a call hands over for a parameter; nothing where that cannot be told."""
    written = [text[start:end] for start, end in call.spans]
    for each in written:
        if (found := re.match(rf"{re.escape(name)}\s*=(?!=)\s*(.*)", each, re.DOTALL)) is not None:
            return {_Given(found[1], is_by_name=True)}
    return {_Given(written[number], is_by_name=False)} if number < len(written) - len(call.names) else set()


def _with_arguments(text: str, call: CallList, placed: Sequence[tuple[int, str]]) -> str:
    """The text with values put into a call, each before the value of that number, or behind the last one."""
    for at in sorted({at for at, _ in placed}, reverse=True):
        values = ", ".join(value for place, value in placed if place == at)
        if at < len(call.spans):
            start, written = call.spans[at][0], f"{values}, "
        elif call.spans:
            start, written = call.spans[-1][1], f", {values}"
        else:
            start, written = call.open_char, values
        text = text[:start] + written + text[start:]
    return text


def _brought(change: LineChange) -> set[str]:
    """The names that a change makes a text use: no members, no names of arguments, nothing in strings."""
    sides = [re.sub(r"\"[^\"\n]*\"|'[^'\n]*'", "", "\n".join(lines)) for lines in (change.old, change.new)]
    old, new = (set(re.findall(r"(?<![\w.])[^\W\d]\w*(?!\w|\s*=(?!=))", side)) for side in sides)
    return {name for name in new - old if NAME.fullmatch(name) and name.lower() not in KEYWORDS}
