"""What stands between the brackets behind a name: the parameters of a head, the arguments of a call.

Read from the text alone, over several lines; what cannot be read to its end is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codeassist.edits.proposals.replacement import NAME

_OPEN, _CLOSE = "([{", ")]}"
_ANY_NUMBER = re.compile(r"^\s*(?:\*|\.\.\.|params\s)|\.\.\.")
_LITERAL = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'")
_OWN = frozenset({"self", "cls", "&self", "&mut self", "mut self", "this"})
_NAMED_ARGUMENT = re.compile(r"^\s*([^\W\d]\w*)\s*[=:](?![=:])")
_DEFAULT = re.compile(r"=(?!=|>)|\?\s*:")
_TYPE = re.compile(r"(?<!:):(?!:)")


@dataclass(frozen=True, slots=True)
class CallList:
    """One list: `values`, cut at its commas, with what strings hold masked; `spans`: where each stands in the lines,
    joined by line ends, without the spaces around it; `open_char`: behind the bracket that opens it."""

    values: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    open_char: int

    @property
    def names(self) -> tuple[str, ...]:
        """What values are handed over by name."""
        return tuple(match[1] for value in self.values if (match := _NAMED_ARGUMENT.match(value)) is not None)

    @property
    def has_any_number(self) -> bool:
        """Whether a value stands for any number of them."""
        return any(_ANY_NUMBER.search(value) for value in self.values)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a call must hand over: from `least` to `most` values, None for any number; `names` are all names that stand
    in the parameters, `entries` these as they are written, but for the object's own and those of any number.
    `num_by_place`: so many of the entries may be handed over by their place."""

    least: int
    most: int | None
    names: tuple[str, ...]
    entries: tuple[str, ...] = ()
    num_by_place: int = 0

    def take(self, num_values: int, named: Sequence[str]) -> bool:
        """Whether a call with so many values, some of them by name, fits."""
        if self.most is None:
            return num_values >= self.least
        return self.least <= num_values <= self.most and all(name in self.names for name in named)


def call_lists(lines: Sequence[str], name: str, with_angles: bool = False) -> Iterator[CallList]:
    """Yield the lists behind a name that begins in the first line; `with_angles`: behind its first place at all."""
    text = _LITERAL.sub(lambda found: "_" * len(found[0]), "\n".join(lines))
    width = len(lines[0]) if lines else 0
    opens, closes = (_OPEN + "<", _CLOSE + ">") if with_angles else (_OPEN, _CLOSE)
    reach = len(text) if with_angles else width
    for found in re.finditer(rf"(?<!\w){re.escape(name)}\s*(?:<[^<>()]*>)?\s*\(", text):
        if found.start() >= reach:
            return
        depth, begin, parts = 1, found.end(), list[tuple[int, int]]()
        for at in range(found.end(), len(text)):
            letter = text[at]
            if letter in opens:
                depth += 1
            elif letter in closes and not (letter == ">" and text[at - 1] in "=-"):
                depth -= 1
                if not depth:
                    parts.append((begin, at))
                    yield _call_list(text, parts, found.end())
                    break
            elif letter == "," and depth == 1:
                parts.append((begin, at))
                begin = at + 1


def _call_list(text: str, parts: Sequence[tuple[int, int]], open_char: int) -> CallList:
    filled = [(begin, end) for begin, end in parts if text[begin:end].strip()]
    spans = tuple((end - len(text[begin:end].lstrip()), begin + len(text[begin:end].rstrip())) for begin, end in filled)
    return CallList(tuple(text[begin:end] for begin, end in filled), spans, open_char)


def parameters(lines: Sequence[str], name: str) -> Parameters | None:
    """Return the parameters of the definition of `name` whose head the lines begin with; None where it has no list."""
    found = next(call_lists(lines, name, with_angles=True), None)
    if found is None:
        return None
    written = [each.strip() for each in found.values]
    given = [each for each in written if each not in ("*", "/") and each not in _OWN]
    given = [each for each in given if not each.startswith(("self:", "self =", "this "))]
    most = None if any(_ANY_NUMBER.search(each) for each in given) else len(given)
    fixed = [each for each in given if not _ANY_NUMBER.search(each)]
    least = sum(1 for each in fixed if not has_default(each))
    names = tuple(match[0] for each in fixed for match in NAME.finditer(_DEFAULT.split(each)[0]))
    star = next((number for number, each in enumerate(written) if _ANY_NUMBER.search(each)), len(written))
    num_by_place = sum(each in fixed for each in written[:star])
    return Parameters(least, most, names, tuple(fixed), num_by_place)


def has_default(entry: str) -> bool:
    """Whether a call need not hand over a parameter."""
    return _DEFAULT.search(entry) is not None


def own_name(entry: str, language: str | None) -> str | None:
    """The name of a parameter as it is written: before its type or behind it, as the language has it."""
    written = _DEFAULT.split(entry)[0]
    typed = _TYPE.split(written, maxsplit=1)
    names = NAME.findall(typed[0])
    if not names:
        return None
    return names[0] if language == "go" and len(typed) == 1 else names[-1]
