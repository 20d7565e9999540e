"""Uses that an edit of a definition left behind: calls that no longer fit its parameters, names that it no longer has.

Read from the text and the definitions alone; where a call or a head cannot be read, nothing is said of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from codeassist.edits.placed_change import PlacedChange
from codeassist.edits.proposals.replacement import NAME, TOKEN
from codeassist_indexer.edit_sites.definitions import NO_DEFINITIONS, FileDefinitions
from codeassist_indexer.edit_sites.line_table import KEYWORDS, LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges
from codeassist_indexer.languages.forms.parsed import Symbol
from codeassist_indexer.languages.parsing.symbols import FUNCTION_KINDS

_HEAD_LINES, _CALL_LINES = 16, 12
_LEAST_NAME_CHARS = 3
_OPEN, _CLOSE = "([{", ")]}"
_ANY_NUMBER = re.compile(r"^\s*(?:\*|\.\.\.|params\s)|\.\.\.")
_LITERAL = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'")
_OWN = frozenset({"self", "cls", "&self", "&mut self", "mut self", "this"})
_NAMED_ARGUMENT = re.compile(r"^\s*([^\W\d]\w*)\s*[=:](?![=:])")
_DEFAULT = re.compile(r"=(?!=|>)|\?\s*:")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a call must hand over: from `least` to `most` values, None for any number; `names` are the parameters'."""

    least: int
    most: int | None
    names: tuple[str, ...]

    def take(self, num_values: int, named: Sequence[str]) -> bool:
        """Whether a call with so many values, some of them by name, fits."""
        if self.most is None:
            return num_values >= self.least
        return self.least <= num_values <= self.most and all(name in self.names for name in named)


@dataclass(frozen=True, slots=True)
class OutdatedUses:
    """Rows of a table with a use that the edits left behind, each with the name that it uses. `calls` no longer fit
    the parameters; `names` are of definitions that are called otherwise now."""

    calls: Mapping[int, str]
    names: Mapping[int, str]


def outdated_uses(table: LineTable, past: PastChanges, definitions: Mapping[str, FileDefinitions]) -> OutdatedUses:
    """Find them in all lines."""
    calls: dict[int, str] = {}
    names: dict[int, str] = {}
    num_defined = Counter(symbol.name for known in definitions.values() for symbol in known.symbols)
    for placed in past.placed:
        for symbol in _edited_heads(placed, definitions.get(placed.path, NO_DEFINITIONS)):
            old = _old_name(placed, symbol)
            if old is not None and not num_defined[old]:
                names.update(dict.fromkeys(_rows_with(table, old), old))
            if symbol.kind in FUNCTION_KINDS and (symbol.kind == "constructor" or num_defined[symbol.name] == 1):
                calls.update(_outdated_calls(table, placed, symbol))
    return OutdatedUses(calls, names)


def _edited_heads(placed: PlacedChange, known: FileDefinitions) -> Iterator[Symbol]:
    """The definitions whose first lines, up to their bodies, a change touched."""
    seen: set[str] = set()
    for line in range(placed.start_line, max(placed.end_line, placed.start_line + 1)):
        symbol = known.at(line)
        if symbol is not None and symbol.qualified_name not in seen and line < symbol.start_line - 1 + _HEAD_LINES:
            seen.add(symbol.qualified_name)
            yield symbol


def _old_name(placed: PlacedChange, symbol: Symbol) -> str | None:
    """What a definition was called before its first line was changed in nothing else; None where it was not."""
    at = symbol.start_line - 1 - placed.start_line
    if len(placed.change.old) != len(placed.change.new) or not 0 <= at < len(placed.change.new):
        return None
    old, new = (TOKEN.findall(lines[at]) for lines in (placed.change.old, placed.change.new))
    others = [number for number, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]]
    if len(old) != len(new) or len(others) != 1 or new[others[0]] != symbol.name:
        return None
    name = old[others[0]]
    is_name = NAME.fullmatch(name) is not None and name.lower() not in KEYWORDS
    return name if is_name and len(name) >= _LEAST_NAME_CHARS else None


def _outdated_calls(table: LineTable, placed: PlacedChange, symbol: Symbol) -> dict[int, str]:
    name = symbol.parent.rpartition(".")[2] if symbol.kind == "constructor" else symbol.name
    file = table.paths.index(placed.path)
    first, behind = int(table.first_lines[file]), int(table.first_lines[file + 1])
    start = symbol.start_line - 1
    head = list(table.lines[first + start : min(behind, first + start + _HEAD_LINES)])
    at = placed.start_line - start
    before = (
        [*head[:at], *placed.change.old, *head[at + placed.end_line - placed.start_line :]] if at >= 0 else list(head)
    )
    now, was = _parameters(head, symbol.name), _parameters(before, symbol.name)
    if now is None or was is None or now == was:
        return {}
    found: dict[int, str] = {}
    own = next((row for row in _rows_with(table, symbol.name) if row >= first + start), None)
    for row in _rows_with(table, name):
        if row == own:
            continue  # the head itself
        end = int(table.first_lines[table.file_of[row] + 1])
        for values in _argument_lists(table.lines[row : min(end, row + _CALL_LINES)], name):
            if any(_ANY_NUMBER.search(value) for value in values):
                continue
            named = [match[1] for value in values if (match := _NAMED_ARGUMENT.match(value)) is not None]
            if was.take(len(values), named) and not now.take(len(values), named):
                found[row] = name
    return found


def _rows_with(table: LineTable, name: str) -> list[int]:
    number = table.vocabulary.get(name)
    return [] if number is None else sorted({int(row) for row in table.line_of[table.tokens == number]})


def _parameters(lines: Sequence[str], name: str) -> Parameters | None:
    lists = next(_argument_lists(lines, name, with_angles=True), None)
    if lists is None:
        return None
    given = [each.strip() for each in lists if each.strip() not in ("", "*", "/") and each.strip() not in _OWN]
    given = [each for each in given if not each.startswith(("self:", "self =", "this "))]
    most = None if any(_ANY_NUMBER.search(each) for each in given) else len(given)
    fixed = [each for each in given if not _ANY_NUMBER.search(each)]
    least = sum(1 for each in fixed if not _DEFAULT.search(each))
    names = tuple(match[0] for each in fixed for match in NAME.finditer(_DEFAULT.split(each)[0]))
    return Parameters(least, most, names)


def _argument_lists(lines: Sequence[str], name: str, with_angles: bool = False) -> Iterator[list[str]]:
    """What stands between the brackets behind a name that begins in the first line, cut at its commas."""
    text = _LITERAL.sub(lambda found: "_" * len(found[0]), "\n".join(lines))
    width = len(lines[0]) if lines else 0
    opens, closes = (_OPEN + "<", _CLOSE + ">") if with_angles else (_OPEN, _CLOSE)
    reach = len(text) if with_angles else width
    for found in re.finditer(rf"(?<!\w){re.escape(name)}\s*(?:<[^<>()]*>)?\s*\(", text):
        if found.start() >= reach:
            return
        depth, begin, parts = 1, found.end(), list[str]()
        for at in range(found.end(), len(text)):
            letter = text[at]
            if letter in opens:
                depth += 1
            elif letter in closes and not (letter == ">" and text[at - 1] in "=-"):
                depth -= 1
                if not depth:
                    parts.append(text[begin:at])
                    yield [part for part in parts if part.strip()]
                    break
            elif letter == "," and depth == 1:
                parts.append(text[begin:at])
                begin = at + 1
