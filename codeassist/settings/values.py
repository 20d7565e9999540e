"""What the value of one setting may be: numbers in a range, one word of several, lists, paths.

A value that does not fit raises ValueError, whose message says what would fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class ValueKind:
    """`expects` completes the sentence "must be ...".

    `parse` takes what a TOML or JSON document holds, `from_text` turns the text of a variable or an option into that.
    `is_open`: a value may be a text that nobody has listed, so a program, a path, a host.
    """

    expects: str
    parse: Callable[[object], Any]
    from_text: Callable[[str], object] = str
    none_word: str | None = None  # how None is written, where it is allowed
    is_open: bool = False


def text() -> ValueKind:
    """Any text but the empty one."""

    def parse(raw: object) -> str:
        if isinstance(raw, str) and raw.strip():
            return raw.strip()
        raise ValueError

    return ValueKind("a text", parse, is_open=True)


def word(*choices: str) -> ValueKind:
    """One of a few words."""

    def parse(raw: object) -> str:
        if isinstance(raw, str) and raw in choices:
            return raw
        raise ValueError

    return ValueKind("one of " + ", ".join(f'"{choice}"' for choice in choices), parse)


def matching(pattern: str, expects: str) -> ValueKind:
    """Text of one form."""

    def parse(raw: object) -> str:
        if isinstance(raw, str) and re.fullmatch(pattern, raw):
            return raw
        raise ValueError

    return ValueKind(expects, parse, is_open=True)


def integer(least: int, most: int) -> ValueKind:
    """A whole number from `least` to `most`, both included."""

    def parse(raw: object) -> int:
        if isinstance(raw, int) and not isinstance(raw, bool) and least <= raw <= most:
            return raw
        raise ValueError

    return ValueKind(f"a whole number from {least} to {most}", parse, int)


def real(least: float, most: float) -> ValueKind:
    """A number from `least` to `most`, both included (so neither infinite nor NaN)."""

    def parse(raw: object) -> float:
        if isinstance(raw, int | float) and not isinstance(raw, bool) and least <= raw <= most:
            return float(raw)
        raise ValueError

    return ValueKind(f"a number from {least:g} to {most:g}", parse, float)


def switch() -> ValueKind:
    """True or false, in a variable or an option the words."""

    def parse(raw: object) -> bool:
        if isinstance(raw, bool):
            return raw
        raise ValueError

    def from_text(given: str) -> object:
        return {"true": True, "false": False}.get(given.lower(), given)

    return ValueKind("true or false", parse, from_text)


def texts() -> ValueKind:
    """A list of texts, in a variable or an option separated by commas."""

    def parse(raw: object) -> tuple[str, ...]:
        if isinstance(raw, list | tuple):
            items = cast("list[object]", raw)
            if all(isinstance(item, str) for item in items):
                return tuple(str(item) for item in items)
        raise ValueError

    def from_text(given: str) -> object:
        return [part.strip() for part in given.split(",") if part.strip()]

    return ValueKind("a list of texts", parse, from_text, is_open=True)


def path(*words: str) -> ValueKind:
    """An absolute path; `~` stands for the user's home. `words` are taken as they are."""

    def parse(raw: object) -> Path:
        if isinstance(raw, str) and raw:
            found = Path(raw).expanduser()
            if found.is_absolute() or raw in words:
                return found
        raise ValueError

    expects = "an absolute path (~ stands for your home)" + "".join(f', or "{each}"' for each in words)
    return ValueKind(expects, parse, is_open=True)


def folders() -> ValueKind:
    """A list of absolute paths; "*" stands for every folder."""
    one = path()

    def parse(raw: object) -> tuple[str, ...]:
        return tuple(item if item == "*" else str(one.parse(item)) for item in texts().parse(raw))

    expects = 'a list of absolute paths (~ stands for your home), or "*"'
    return ValueKind(expects, parse, texts().from_text, is_open=True)


def or_none(none_word: str, kind: ValueKind) -> ValueKind:
    """`kind`, or None, which is written as a word: TOML has no null and a number that means "no number" misleads."""

    def parse(raw: object) -> Any:
        return None if raw == none_word else kind.parse(raw)

    def from_text(given: str) -> object:
        return given if given == none_word else kind.from_text(given)

    return ValueKind(f'{kind.expects}, or "{none_word}"', parse, from_text, none_word, kind.is_open)
