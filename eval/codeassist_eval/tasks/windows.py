"""Windows of lines over a repository's files: what the published baselines rank.

Line numbers count from 1, half-open, as in `Snippet`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from codeassist.request import Snippet

WINDOW_LINES = 20

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Window:
    """Some lines of a file, their words, and the text that goes into a prompt when the window is chosen."""

    path: str
    start_line: int
    end_line: int
    text: str
    words: tuple[str, ...]

    def snippet(self, source: str, score: float) -> Snippet:
        """Return the window as a snippet that `source` found."""
        reason = f"{source} score {score:.3f}"
        return Snippet(self.path, self.text, self.start_line, self.end_line, source, score, reason)


def words(text: str) -> tuple[str, ...]:
    """Split into words: runs of letters, digits and underscores."""
    return tuple(_WORD.findall(text))


def disjoint_windows(texts: Mapping[str, str]) -> list[Window]:
    """Return windows that follow each other without overlap, as CrossCodeEval cuts them; wordless ones are left out."""
    found: list[Window] = []
    for path, text in texts.items():
        lines = text.split("\n")
        for start in range(0, len(lines), WINDOW_LINES):
            end = min(start + WINDOW_LINES, len(lines))
            _append(found, path, lines, start, end, shown=(start, end))
    return found


def sliding_windows(texts: Mapping[str, str]) -> list[Window]:
    """Return windows that overlap by half, as RepoCoder cuts them.

    What is ranked is the window; what is shown is the window half a size further down, because the lines that follow a
    similar place are those that the prompt lacks.
    """
    found: list[Window] = []
    half = WINDOW_LINES // 2
    for path, text in texts.items():
        lines = text.split("\n")
        for centre in range(0, len(lines), half):
            start, end = max(0, centre - half), min(len(lines), centre + half)
            shown_end = min(end + half, len(lines))
            _append(found, path, lines, start, end, shown=(max(0, shown_end - WINDOW_LINES), shown_end))
    return found


def snippet_windows(snippets: Iterable[Snippet]) -> list[Window]:
    """Return the snippets that came with a row as windows, so that they can be ranked anew."""
    return [Window(s.path, s.start_line, s.end_line, s.text, words(s.text)) for s in snippets]


def _append(found: list[Window], path: str, lines: list[str], start: int, end: int, shown: tuple[int, int]) -> None:
    ranked = words("\n".join(lines[start:end]))
    if ranked:
        text = "\n".join(lines[shown[0] : shown[1]])
        found.append(Window(path, shown[0] + 1, shown[1] + 1, text, ranked))
