"""The editor plugin llama.vim before a llama-server, as its source of late 2025 drives it, without an editor.

What it does at each key, and what is left out, is described in docs/benchmarks.md. Knows no model: `infill` answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from codeassist_eval.errors import EvaluationError
from codeassist_eval.typing.llama_ring import CHUNK_LINES, Chunk, Ring
from codeassist_eval.typing.typing_trace import Keystroke

_PREFIX_LINES, _SUFFIX_LINES = 256, 64
_SCOPE_LINES = 1024
_MOST_BEHIND_CURSOR = 8  # characters: with more on the line nothing is asked
_TYPED_ALONG = 128  # characters
_RETRY_S = 0.1
_FAR_LINES = 32

_Known = dict[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Infill:
    """A request to /infill. `middle` is the line up to the cursor; an answer's lines are indented by `num_indent`."""

    prefix: str
    middle: str
    suffix: str
    num_indent: int
    extra: tuple[Chunk, ...]


class Place:
    """A cursor in a text, as the plugin sees it."""

    def __init__(self, text: str, cursor: int) -> None:
        self.lines = text.split("\n")
        self.row = text.count("\n", 0, cursor)
        self.col = cursor - (text.rfind("\n", 0, cursor) + 1)
        self.line = self.lines[self.row]
        self.is_blank = not self.line.strip()
        before, self.behind = ("", "") if self.is_blank else (self.line[: self.col], self.line[self.col :])
        self.num_indent = 0 if self.is_blank else len(self.line) - len(self.line.lstrip())
        above = self.lines[max(0, self.row - _PREFIX_LINES) : self.row]
        below = self.lines[self.row + 1 : self.row + 1 + _SUFFIX_LINES]
        self.prefix = "\n".join(above) + "\n"
        self.middle = before
        self.suffix = f"{self.behind}\n" + "\n".join(below) + "\n"

    def around(self, num_lines: int) -> list[str]:
        """The lines up to so many before and after the cursor's."""
        return self.lines[max(0, self.row - num_lines) : self.row + num_lines + 1]

    @property
    def keys(self) -> list[tuple[str, str]]:
        """What an answer here is kept by: also as if the text began up to three lines later."""
        found = [(self.prefix + self.middle, self.suffix)]
        prefix = self.prefix
        for _ in range(3):
            prefix = prefix.partition("\n")[2]
            if not prefix:
                break
            found.append((prefix + self.middle, self.suffix))
        return found


class LlamaVim:
    """One open file; one request at a time. A `typist.Side`."""

    def __init__(self, infill: Callable[[Infill], str], path: str, ring: Ring) -> None:
        self._infill = infill
        self._path = path
        self._ring = ring
        self._known: _Known = {}
        self._is_asking = False
        self._server = asyncio.Lock()
        self._now: Place | None = None
        self._waiting: asyncio.Future[str | None] | None = None
        self._picked_row = -9999
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, text: str, cursor: int, looked_at: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Files were looked at, each at its middle, then this one was opened; wait until the ring's chunks are read."""
        half = CHUNK_LINES // 2
        for path, lines in looked_at:
            middle = len(lines) // 2
            self._ring.offer(path, lines[max(0, middle - half) : middle + half + 1], replaces=True)
        self._ring.offer(self._path, Place(text, cursor).around(half), replaces=True)
        while self._ring.take_next():
            pass
        await self._read_ring()

    def change(self, text: str, keystroke: Keystroke) -> None:
        """The whole text comes with the request."""

    def move(self, text: str, cursor: int) -> None:
        """Moved about, one is not inserting: a chunk that waits is read."""
        if self._ring.take_next():
            self._start(self._read_ring())

    async def suggest(self, text: str, cursor: int) -> tuple[str | None, bool]:
        """Show what is known already, and ask unless the answer here is. See `typist.Side`."""
        place = self._now = Place(text, cursor)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        self._waiting = asyncio.get_running_loop().create_future()
        known = known_rest(self._known, place)
        if known:
            self._waiting.set_result(known)
        if len(place.behind) > _MOST_BEHIND_CURSOR or place.keys[0] in self._known:
            if not self._waiting.done():
                self._waiting.set_result("")
        else:
            self._start(self._ask(place))
        return await self._waiting, bool(known)

    async def close(self) -> None:
        """Wait for what is still asked. Raises what asking raised."""
        await asyncio.gather(*self._tasks)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.append(task)

    async def _ask(self, place: Place) -> None:
        while self._is_asking:
            await asyncio.sleep(_RETRY_S)
            if place is not self._now:
                return
        self._is_asking = True
        try:
            self._ring.drop_repeated(place.around(CHUNK_LINES // 2))
            request = Infill(place.prefix, place.middle, place.suffix, place.num_indent, tuple(self._ring.chunks))
            async with self._server:
                content = await asyncio.to_thread(self._infill, request)
        except EvaluationError:
            if self._waiting is not None and not self._waiting.done():
                self._waiting.set_result(None)
            raise
        finally:
            self._is_asking = False
        self._known.update(dict.fromkeys(place.keys, content))
        if abs(place.row - self._picked_row) > _FAR_LINES:
            self._pick(place)
        now, waiting = self._now, self._waiting
        if now is None or waiting is None or waiting.done():
            return
        shown = known_rest(self._known, now)
        if shown or now is place:
            waiting.set_result(shown)

    def _pick(self, place: Place) -> None:
        """Chunks of what lies beyond the prompt, on both sides."""
        row, lines = place.row, place.lines
        self._ring.offer(
            self._path, lines[max(0, row - _SCOPE_LINES) : max(0, row - _PREFIX_LINES) + 1], replaces=False
        )
        end = min(row + _SUFFIX_LINES, len(lines) - 1)
        self._ring.offer(self._path, lines[end : end + CHUNK_LINES + 1], replaces=False)
        self._picked_row = row

    async def _read_ring(self) -> None:
        async with self._server:
            await asyncio.to_thread(self._infill, Infill("", "", "", 0, tuple(self._ring.chunks)))


def known_rest(known: _Known, place: Place) -> str:
    """What is shown here of answers that are known, given here or up to 128 typed characters ago; "" for nothing."""
    content = known.get(place.keys[0])
    if content is None:
        typed = place.prefix + place.middle
        found = [
            answer[length:]
            for length in range(1, min(_TYPED_ALONG, len(typed) - 1) + 1)
            if (answer := known.get((typed[:-length], place.suffix), "")).startswith(typed[-length:])
        ]
        content = max(found, key=len, default="")
    return shown_of(content, place)


def shown_of(content: str, place: Place) -> str:
    """What of an answer is shown at a place: nothing of what only repeats what stands there already."""
    lines = content.split("\n")
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return ""
    before, behind = place.line[: place.col], place.line[place.col :]
    if place.is_blank:  # the answer brings the line's indentation along
        lead = min(len(lines[0]) - len(lines[0].lstrip()), len(place.line))
        kept, lines[0] = lines[0][:lead], lines[0][lead:]
        before, behind = kept[: place.col], kept[place.col :]
    if (len(lines) > 1 and not lines[0] and lines[1:] == place.lines[place.row + 1 : place.row + len(lines)]) or (
        len(lines) == 1 and lines[0] == behind
    ):
        return ""
    next_row = place.row + 1
    while next_row < len(place.lines) - 1 and not place.lines[next_row].strip():
        next_row += 1
    if next_row < len(place.lines) and before + lines[0] == place.lines[next_row]:
        following = place.lines[next_row + 1 : next_row + len(lines)]
        is_repeated = len(lines) == 1 or (
            bool(following) and following[0].startswith(lines[-1]) if len(lines) == 2 else lines[1:] == following
        )
        if is_repeated:
            return ""
    shown = "\n".join(lines)
    return shown if (shown + behind).strip() else ""
