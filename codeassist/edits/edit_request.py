"""What is asked of the next edit: everything that finding, proposing and judging it may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from codeassist.edits.change import LineChange
from codeassist.request import NO_REPOSITORY


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """An error that the client or an analysis reports: at line `line` (from 0) of `path`."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class EditRequest:
    """The last edits and the texts as they stand now.

    `history`: the oldest first. `files`: path to text, of the document that is edited, of the files that the history
    names, and of all others in which an edit may be proposed; lines end in "\\n". `path` and `line` (from 0) are the
    cursor's. `dismissed` were turned down and must not be proposed again. `root` is the repository's folder, None where
    there is none: it says whether text may leave this machine; without `has_file` nobody has named a file for the text
    at `path` yet, and it may not.
    """

    path: str
    line: int
    history: tuple[LineChange, ...]
    files: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...] = ()
    dismissed: frozenset[LineChange] = field(default_factory=frozenset[LineChange])
    root: str | None = None
    repository: str = NO_REPOSITORY
    has_file: bool = True
