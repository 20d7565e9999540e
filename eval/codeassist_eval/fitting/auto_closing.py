"""What an editor has closed of its own accord behind the cursor, while a line was typed: VS Code's rules and Neovim's.

The pairs are those of VS Code's language configurations (`autoClosingPairs`, `autoCloseBefore`, code-server 4) and of
nvim-autopairs; tags are closed as VS Code's `html.autoClosingTags` and nvim-ts-autotag close them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from codeassist_eval.fitting.source_file import SourceFile

Editor = Literal["vscode", "nvim"]
_Pair = tuple[str, str, str]  # what opens, what closes, and where not: "s"trings, "c"omments

_BRACKETS: tuple[_Pair, ...] = (("(", ")", ""), ("[", "]", ""), ("{", "}", ""))
_CODE_BRACKETS: tuple[_Pair, ...] = tuple((opener, closer, "sc") for opener, closer, _ in _BRACKETS)
_TEXT_QUOTES: tuple[_Pair, ...] = (('"', '"', "s"), ("'", "'", "s"))
_QUOTES: tuple[_Pair, ...] = (('"', '"', "s"), ("'", "'", "sc"))
_TICK: _Pair = ("`", "`", "s")
_DOC: _Pair = ("/**", " */", "s")
_PREFIXED: tuple[_Pair, ...] = tuple((f"{each}{quote}", quote, "sc") for each in "rRuUfFbB" for quote in "\"'")
_MARKUP: tuple[_Pair, ...] = (*_BRACKETS, ('"', '"', ""), ("'", "'", ""), ("<!--", "-->", "sc"))
_SCRIPT: tuple[_Pair, ...] = (*_BRACKETS, *_QUOTES, ("`", "`", "sc"), _DOC)

_VSCODE: dict[str, tuple[_Pair, ...]] = {
    "python": (*_BRACKETS, *_QUOTES, *_PREFIXED, _TICK),
    "javascript": _SCRIPT,
    "typescript": _SCRIPT,
    "tsx": _SCRIPT,
    "java": (*_BRACKETS, *_TEXT_QUOTES, _DOC),
    "c": (*_BRACKETS, *_QUOTES, ("/*", "*/", "sc"), _DOC),
    "cpp": (*_BRACKETS, *_QUOTES, ("/*", "*/", "sc"), _DOC),
    "csharp": (*_BRACKETS, ('"', '"', "sc"), ("'", "'", "sc")),
    "go": (*_BRACKETS, *_QUOTES, _TICK),
    "rust": (*_BRACKETS, ('"', '"', "s")),
    "php": (*((o, c, "s") for o, c, _ in _BRACKETS), ("'", "'", "sc"), ('"', '"', "sc"), _DOC),
    "kotlin": (*_BRACKETS, *_TEXT_QUOTES),
    "swift": (*_BRACKETS, *_TEXT_QUOTES, _TICK),
    "ruby": (*_BRACKETS, *_TEXT_QUOTES, _TICK),
    "lua": (*_BRACKETS, *_TEXT_QUOTES),
    "shell": (*_BRACKETS, *_TEXT_QUOTES, _TICK),
    "sql": (*_BRACKETS, *_QUOTES, ("N'", "'", "sc")),
    "html": _MARKUP,
    "vue": (*_MARKUP, ("`", "`", "sc")),
    "svelte": (*_MARKUP, ("`", "`", "sc")),
    "xml": (*_BRACKETS, *_TEXT_QUOTES, ("<!--", "-->", "sc")),
    "css": (*_CODE_BRACKETS, ('"', '"', "sc"), ("'", "'", "sc")),
    "json": (*((o, c, "s") for o, c, _ in _BRACKETS), ('"', '"', "sc"), ("'", "'", "s"), ("`", "`", "sc")),
    "yaml": (*_BRACKETS, ('"', '"', ""), ("'", "'", "")),
    "dockerfile": (*_BRACKETS, ('"', '"', ""), ("'", "'", "")),
    "makefile": (*_BRACKETS, ('"', '"', "sc"), ("'", "'", "sc")),
}
_VSCODE |= {"scss": _VSCODE["css"], "less": _VSCODE["css"], "dart": _SCRIPT, "scala": _VSCODE["java"]}
_ANY: tuple[_Pair, ...] = (*_BRACKETS, *_TEXT_QUOTES)
_CLOSED_BEFORE = frozenset(";:.,=}])> \n\t")
_CLOSED_BEFORE_TICK = {"javascript", "typescript", "tsx", "vue", "svelte"}
_LONG_QUOTED = {"python", "kotlin", "scala"}
_NOT_BEFORE = re.compile(r"[\w%'\[\".`$]")  # nvim-autopairs' ignored_next_char
_TAGGED = {"html", "vue", "svelte", "xml", "tsx"}
_TAG = re.compile(r"<([A-Za-z][\w.:-]*)(?:[^<>]|=>)*(?<![/=-])>\Z")
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)


@dataclass(frozen=True, slots=True)
class Typed:
    """A line typed up to a column, and what the editor has put behind the cursor."""

    col: int
    closers: str


def typed_columns(file: SourceFile, line_start: int, line: str, editor: Editor) -> Iterator[Typed]:
    """Type the line; yield it after each character. `line_start` is where it stands in the file."""
    behind: list[str] = []
    col = 0
    while col < len(line):
        passed = _overtyped(line, col, behind[0]) if behind else 0
        if passed:
            behind.pop(0)
            col += passed
        else:
            col += 1
            closer = _closer_for(file, line_start, line, col, behind, editor)
            if closer is not None:
                if closer == " */" and behind[:1] == ["*/"]:
                    behind.pop(0)
                behind.insert(0, closer)
        yield Typed(col, "".join(behind))


def _overtyped(line: str, col: int, closer: str) -> int:
    """How many characters of the line are what the editor has written already."""
    if len(closer) == 1 and line[col - 1 : col] == "\\":
        return 0
    return len(closer) if line.startswith(closer, col) else 0


def _closer_for(
    file: SourceFile, line_start: int, line: str, col: int, behind: list[str], editor: Editor
) -> str | None:
    """What the editor adds once the character before `col` has been typed."""
    typed, following = line[:col], behind[0][0] if behind else ""
    if file.language in _TAGGED and (tag := _tag_closed_on(line, typed)) is not None:
        return tag
    if editor == "vscode":
        return _vscode_closer(file, line_start, typed, following)
    return _nvim_closer(file, line_start, typed, following)


def _inside(file: SourceFile, line_start: int, col: int) -> str:
    """ "s" or "c" where what begins at the column does so within a string or comment."""
    where = file.token_kind(line_start + col)
    is_within = where is not None and line_start + col > 0 and file.token_kind(line_start + col - 1) == where
    return where[0] if where is not None and is_within else ""


def _vscode_closer(file: SourceFile, line_start: int, typed: str, following: str) -> str | None:
    is_before = not following or following in _CLOSED_BEFORE
    is_before = is_before or (following == "`" and file.language in _CLOSED_BEFORE_TICK)
    if not is_before:
        return None
    for opener, closer, not_in in sorted(_VSCODE.get(file.language, _ANY), key=lambda pair: -len(pair[0])):
        inside = _inside(file, line_start, len(typed) - len(opener))
        if not typed.endswith(opener) or (inside and inside in not_in):
            continue
        before = typed[: -len(opener)][-1:]
        is_quote = opener[-1] in "\"'`"
        if is_quote and (before.isalnum() or before in ("_", "\\", opener[-1])):
            continue
        return closer
    return None


def _nvim_closer(file: SourceFile, line_start: int, typed: str, following: str) -> str | None:
    mark, before = typed[-1], typed[-2:-1]
    inside = _inside(file, line_start, len(typed) - 1)
    if before == "\\":
        return None
    if mark in "([{":
        is_quoted = inside == "s" and following in ("'", '"', "`")
        return {"(": ")", "[": "]", "{": "}"}[mark] if is_quoted or not _NOT_BEFORE.match(following) else None
    if mark not in "\"'`" or (mark == "'" and file.language == "rust") or inside == "s":
        is_third = mark in "\"'" and typed.endswith(mark * 3) and file.language in _LONG_QUOTED and not following
        return mark * 3 if is_third and not typed.endswith(mark * 4) else None
    if _NOT_BEFORE.match(following) or before == mark or (mark == "'" and before.isalnum()):
        return None
    return mark


def _tag_closed_on(line: str, typed: str) -> str | None:
    """The closing tag of the element whose opening one has just been typed, if the line goes on to close it."""
    found = _TAG.search(typed) if typed.endswith(">") else None
    if found is None or found[1].lower() in _VOID:
        return None
    closing = f"</{found[1]}>"
    return closing if closing in line[len(typed) :] else None
