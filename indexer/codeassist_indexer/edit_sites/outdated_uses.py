"""Uses that an edit of a definition left behind: calls that no longer fit its parameters, names that it no longer has.

Read from the text and the definitions alone; where a call or a head cannot be read, nothing is said of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from codeassist.edits.placed_change import PlacedChange
from codeassist.edits.proposals.replacement import NAME, TOKEN
from codeassist_indexer.edit_sites.call_lists import CallList, Parameters, call_lists, parameters
from codeassist_indexer.edit_sites.definitions import NO_DEFINITIONS, FileDefinitions
from codeassist_indexer.edit_sites.line_table import KEYWORDS, LineTable
from codeassist_indexer.edit_sites.past_changes import PastChanges
from codeassist_indexer.languages.forms.parsed import Symbol
from codeassist_indexer.languages.parsing.symbols import FUNCTION_KINDS

HEAD_LINES, CALL_LINES = 16, 12
"""So many lines of a head, and of a call, are read."""
_LEAST_NAME_CHARS = 3


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
        for symbol in edited_heads(placed, definitions.get(placed.path, NO_DEFINITIONS)):
            old = _old_name(placed, symbol)
            if old is not None and not num_defined[old]:
                names.update(dict.fromkeys(_rows_with(table, old), old))
            if symbol.kind in FUNCTION_KINDS and (symbol.kind == "constructor" or num_defined[symbol.name] == 1):
                calls.update(_outdated_calls(table, placed, symbol))
    return OutdatedUses(calls, names)


def edited_heads(placed: PlacedChange, known: FileDefinitions) -> Iterator[Symbol]:
    """The definitions whose first lines, up to their bodies, a change touched."""
    seen: set[str] = set()
    for line in range(placed.start_line, max(placed.end_line, placed.start_line + 1)):
        symbol = known.at(line)
        if symbol is not None and symbol.qualified_name not in seen and line < symbol.start_line - 1 + HEAD_LINES:
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


def changed_parameters(
    lines: Sequence[str], placed: PlacedChange, symbol: Symbol
) -> tuple[Parameters, Parameters] | None:
    """The parameters of a definition, in the lines of its file, before a change and now; None where they are the same,
    or cannot be read."""
    start = symbol.start_line - 1
    head = list(lines[start : start + HEAD_LINES])
    at = placed.start_line - start
    before = (
        [*head[:at], *placed.change.old, *head[at + placed.end_line - placed.start_line :]] if at >= 0 else list(head)
    )
    was, now = parameters(before, symbol.name), parameters(head, symbol.name)
    return None if now is None or was is None or now == was else (was, now)


def called_name(symbol: Symbol) -> str:
    """What a definition is called by: a constructor by its class."""
    return symbol.parent.rpartition(".")[2] if symbol.kind == "constructor" else symbol.name


def is_outdated(call: CallList, was: Parameters, now: Parameters) -> bool:
    """Whether a call fitted the parameters before, and no longer does."""
    if call.has_any_number:
        return False
    return was.take(len(call.values), call.names) and not now.take(len(call.values), call.names)


def _outdated_calls(table: LineTable, placed: PlacedChange, symbol: Symbol) -> dict[int, str]:
    name = called_name(symbol)
    file = table.paths.index(placed.path)
    first, behind = int(table.first_lines[file]), int(table.first_lines[file + 1])
    changed = changed_parameters(table.lines[first:behind], placed, symbol)
    if changed is None:
        return {}
    start = first + symbol.start_line - 1
    found: dict[int, str] = {}
    own = next((row for row in _rows_with(table, symbol.name) if row >= start), None)
    for row in _rows_with(table, name):
        if row == own:
            continue  # the head itself
        end = int(table.first_lines[table.file_of[row] + 1])
        for call in call_lists(table.lines[row : min(end, row + CALL_LINES)], name):
            if is_outdated(call, *changed):
                found[row] = name
    return found


def _rows_with(table: LineTable, name: str) -> list[int]:
    number = table.vocabulary.get(name)
    return [] if number is None else sorted({int(row) for row in table.line_of[table.tokens == number]})
