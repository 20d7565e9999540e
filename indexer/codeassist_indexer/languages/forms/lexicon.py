"""What a text of a language is made of, as far as a cursor needs it: its brackets, literals, comments, tags.

No grammar: these facts hold in broken code and in pieces of code too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as Choice


@dataclass(frozen=True, slots=True)
class Hole:
    """Code within a string, as `${…}`: patterns of what begins it, and the bracket that ends it."""

    opens: str
    closes: str


@dataclass(frozen=True, slots=True)
class Literal:
    r"""A kind of string or comment.

    `opens` is a pattern, `closes` what ends it, in which `\1` is the first group of `opens`. `escape` says how the end
    is written within: behind a backslash, doubled, or not at all. What is not `is_long` ends with its line. `nests`:
    the same literal may stand within it. `is_here_document`: it begins below its line, and its end is a line.
    """

    opens: str
    closes: str
    escape: Choice["backslash", "doubled", "none"] = "backslash"
    is_long: bool = False
    holes: tuple[Hole, ...] = ()
    is_comment: bool = False
    nests: bool = False
    is_here_document: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a text that is written in another language; patterns of what begins it, and the text that ends it."""

    opens: str
    closes: str
    lexicon: str


@dataclass(frozen=True, slots=True)
class Markup:
    """A text of tags. `raw` are the elements that hold another language's text, by the name of its lexicon.

    `void` elements have no end, `optional` ends may be left out. `hole`: code stands in braces.
    """

    raw: tuple[tuple[str, str], ...] = ()
    void: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    hole: str | None = None
    ignores_case: bool = False


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's, or one family's. `slash_regex`: a slash where a value may stand begins a regular expression.

    `markup`: its text is one of tags; with `has_code` the tags stand within code, where a value may stand (JSX).
    `has_case_patterns`: a closing round bracket behind a word closes nothing (shell). `has_escapes`: a backslash in
    code takes the next character's meaning. `within`: lexicons of its regions that belong to no other language.
    """

    name: str
    literals: tuple[Literal, ...] = ()
    regions: tuple[Region, ...] = ()
    markup: Markup | None = None
    has_code: bool = True
    slash_regex: bool = False
    has_case_patterns: bool = False
    has_escapes: bool = False
    within: tuple[Lexicon, ...] = ()
