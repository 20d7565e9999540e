"""Unified diffs: read as a history of changes, and written as `git apply` takes them.

What is read may be anybody's text: whatever is in it leads to changes of lines, or to an error that says where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import PurePosixPath

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

from codeassist.edits.change import LineChange
from codeassist.edits.lines import lines_of
from codeassist.errors import RequestError

MOST_PATCH_CHARS = 8_000_000
_FAR_LINES = 200  # how far from where a patch says its lines may stand by now
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")
_NO_NEWLINE = "\\ No newline at end of file\n"
_NO_FILE = "/dev/null"


@dataclass(frozen=True, slots=True)
class PatchHistory:
    """What a patch did, in its order; `left_out` says in one line each what of it was left out, and why."""

    changes: tuple[LineChange, ...]
    left_out: tuple[str, ...] = ()


def read_patch(text: str, read: Callable[[str], str | None], where: str) -> PatchHistory:
    """Return the changes of a patch that has been applied. `read` gives a file's text as it stands, None for none.

    Lines that moved since are found. Raises RequestError for what is no unified diff, and for one that is yet to be
    applied; `where` names it.
    """
    changes: list[LineChange] = []
    left_out: list[str] = []
    for file in _parsed(text, where):
        path = _path_of(file, where)
        now = read(path) if path is not None else None
        if path is None or now is None:
            left_out.append(f"{path or _plain(file.target_file)}: no file that is read here")
            continue
        lines, shift = lines_of(now), 0
        for hunk in file:
            found = _hunk_place(hunk, lines, shift)
            if found is not None:
                shift = found - _from_zero(hunk.target_start, hunk.target_length)
                changes += _changes_in(hunk, path, found)
            elif _stands(_side(hunk, "-"), lines, hunk.source_start - 1):
                raise RequestError(f"{where}: {path} does not have these changes yet; apply the patch first")
            else:
                left_out.append(f"{path}:{hunk.target_start}: changed since the patch was made")
    return PatchHistory(tuple(changes), tuple(left_out))


def written_patch(texts: Mapping[str, tuple[str, str]]) -> str:
    """Return a patch that leads from the first to the second text of each path. Line ends are kept as they are."""
    pieces: list[str] = []
    for path, (before, after) in texts.items():
        if before == after:
            continue
        old, new = _LINE.findall(before), _LINE.findall(after)
        diff = unified_diff(old, new, _quoted(f"a/{path}"), _quoted(f"b/{path}"))
        pieces.append(f"diff --git {_quoted(f'a/{path}')} {_quoted(f'b/{path}')}\n")
        pieces += (line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}" for line in diff)
    return "".join(pieces)


def _parsed(text: str, where: str) -> Iterable[PatchedFile]:
    if len(text) > MOST_PATCH_CHARS:
        raise RequestError(f"{where}: the patch has more than {MOST_PATCH_CHARS:,} characters; give a smaller one")
    try:
        found = PatchSet(text)
    except (UnidiffParseError, ValueError) as error:  # ValueError: a line number of thousands of digits
        raise RequestError(
            f"{where}: no unified diff: {str(error).strip()[:200]}; give what `git diff` prints"
        ) from error
    if not found and text.strip():
        raise RequestError(f"{where}: no unified diff: no file is named in it; give what `git diff` prints")
    return found


def _path_of(file: PatchedFile, where: str) -> str | None:
    """The path of a file after the patch, None for one that is gone. Raises RequestError for one outside."""
    source, target = _plain(file.source_file), _plain(file.target_file)
    if target == _NO_FILE:
        return None
    if target.startswith("b/") and (source.startswith("a/") or source == _NO_FILE):
        target = target[2:]
    path = PurePosixPath(target)
    if path.is_absolute() or ".." in path.parts or "\0" in target or not path.parts:
        raise RequestError(f"{where}: {target!r} is no path below the repository")
    return path.as_posix()


def _plain(name: str | None) -> str:
    """A file's name without git's quotes and escapes."""
    name = name or ""
    if not (len(name) > 1 and name[0] == name[-1] == '"'):
        return name
    escaped = name[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(_unescaped, escaped).decode("utf-8", "replace")


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _ESCAPED.get(code, code)


def _quoted(name: str) -> str:
    """A file's name as git writes it, in quotes where it has to."""
    if name.isascii() and name.isprintable() and not {'"', "\\", " "} & set(name):
        return name
    inside = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}"
        for byte in name.encode("utf-8", "surrogateescape")
    )
    return f'"{inside}"'


def _hunk_place(hunk: Hunk, lines: tuple[str, ...], shift: int) -> int | None:
    """The line, from 0, at which a hunk's new lines stand by now: the nearest one to where they should."""
    wanted = _side(hunk, "+")
    expected = _from_zero(hunk.target_start, hunk.target_length) + shift
    for distance in range(_FAR_LINES):
        for start in dict.fromkeys((expected + distance, expected - distance)):
            if _stands(wanted, lines, start):
                return start
    return None


def _stands(wanted: tuple[str, ...], lines: tuple[str, ...], start: int) -> bool:
    return 0 <= start <= len(lines) and lines[start : start + len(wanted)] == wanted


def _from_zero(start: int, length: int) -> int:
    return start if length == 0 else start - 1  # an empty side names the line before it


def _side(hunk: Hunk, kind: str) -> tuple[str, ...]:
    """The lines of the old ("-") or the new ("+") side, context included."""
    return tuple(_text(line.value) for line in hunk if line.line_type in (" ", kind))


def _changes_in(hunk: Hunk, path: str, start: int) -> list[LineChange]:
    """The changes between a hunk's lines of context, from the top down; `start` is where its new side begins."""
    changes: list[LineChange] = []
    old: list[str] = []
    new: list[str] = []
    at = start
    for kind, value in [*((line.line_type, line.value) for line in hunk), (" ", "")]:
        if kind == "-":
            old.append(_text(value))
        elif kind == "+":
            new.append(_text(value))
        elif kind == " ":
            if old or new:
                changes.append(LineChange(path, at, tuple(old), tuple(new)))
            at += len(new) + 1
            old, new = [], []
    return changes


def _text(value: str) -> str:
    return value.removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
