"""Chunks of what was looked at lately, as the editor plugin llama.vim gathers them for its prompts.

Its rules, read from the plugin's source (late 2025): a chunk is at most half of `CHUNK_LINES` lines and one, at a place
drawn within what is offered; one that stands there already is not taken; one that resembles it is dropped. Chunks wait
in a queue until the cursor rests, and the oldest leaves when the ring is full. A chunk that resembles the lines around
the cursor is dropped before a request, for the model would repeat it.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

CHUNK_LINES = 64
_MOST_QUEUED = 16
_SAME, _REPEATED = 0.9, 0.5


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines of a file."""

    path: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """As it stands in a prompt."""
        return "\n".join(self.lines) + "\n"


class Ring:
    """At most `size` chunks, the oldest first. What is drawn is drawn with `seed`."""

    def __init__(self, size: int, seed: str) -> None:
        self.chunks: list[Chunk] = []
        self._size = size
        self._queued: deque[Chunk] = deque(maxlen=_MOST_QUEUED)
        self._chooser = random.Random(seed)

    def offer(self, path: str, lines: Sequence[str], *, replaces: bool) -> None:
        """Take a chunk of these lines. What resembles it is dropped (`replaces`), or keeps it out."""
        if self._size == 0 or len(lines) < 3:
            return
        chunk = Chunk(path, tuple(lines if len(lines) + 1 < CHUNK_LINES else self._drawn(lines)))
        held = [*self._queued, *self.chunks]
        if any(one.lines == chunk.lines for one in held):
            return
        similar = [one for one in held if similarity(one.lines, chunk.lines) > _SAME]
        if similar and not replaces:
            return
        for one in similar:
            (self._queued if one in self._queued else self.chunks).remove(one)
        self._queued.append(chunk)

    def take_next(self) -> bool:
        """Move the chunk that waits longest into the ring; return whether there was one."""
        if not self._queued:
            return False
        if len(self.chunks) == self._size:
            del self.chunks[0]
        self.chunks.append(self._queued.popleft())
        return True

    def drop_repeated(self, around: Sequence[str]) -> None:
        """Drop the chunks that resemble the lines around the cursor."""
        if around:
            here = self._drawn(around)
            self.chunks = [one for one in self.chunks if similarity(one.lines, here) <= _REPEATED]

    def _drawn(self, lines: Sequence[str]) -> Sequence[str]:
        start = self._chooser.randint(0, max(0, len(lines) - CHUNK_LINES // 2))
        return lines[start : start + CHUNK_LINES // 2 + 1]


def similarity(first: Sequence[str], second: Sequence[str]) -> float:
    """From 0 to 1: the share of lines that stand in both."""
    known = set(second)
    return 2.0 * sum(line in known for line in first) / max(len(first) + len(second), 1)


def visited(folder: Path, path: str, num_files: int) -> list[tuple[str, list[str]]]:
    """The files that were looked at before one is opened: the nearest of its kind in the repository, and their lines.

    Nearest by folders, the nearest last.
    """
    here = PurePosixPath(path)
    others = [
        PurePosixPath(found.relative_to(folder).as_posix())
        for found in folder.rglob(f"*{here.suffix}")
        if found.is_file() and not found.is_symlink()
    ]
    others = sorted((other for other in others if other != here), key=lambda other: (-_shared(other, here), str(other)))
    nearest = reversed(others[:num_files])
    return [
        (str(other), (folder / other).read_text(encoding="utf-8", errors="replace").splitlines()) for other in nearest
    ]


def _shared(first: PurePosixPath, second: PurePosixPath) -> int:
    """How many folders two paths share, less those that only one has."""
    common = sum(1 for _ in _same_start(first.parent.parts, second.parent.parts))
    return 2 * common - len(first.parent.parts) - len(second.parent.parts)


def _same_start(first: Sequence[str], second: Sequence[str]) -> list[str]:
    same: list[str] = []
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        same.append(one)
    return same
