"""Who types a session into a side that suggests, at human speed, and what that side showed at each key.

A key is pressed every `interval_s`; where a word ends, and after every other kind of edit, the typist rests for
`rest_s`. A suggestion is asked for after every edit, as editors do. What comes after the next edit is shown to nobody.
Knows no protocol and no engine.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol

from codeassist_eval.typing.lsp_client import line_starts
from codeassist_eval.typing.typing_trace import Keystroke, Trace, apply


@dataclass(frozen=True, slots=True)
class Typist:
    """How somebody types."""

    interval_s: float = 0.2
    rest_s: float = 1.0

    def wait_s(self, keystroke: Keystroke) -> float:
        """How long it takes until the next key."""
        return self.rest_s if _rests_behind(keystroke) else self.interval_s


@dataclass(frozen=True, slots=True)
class Seen:
    """What one edit's request came to. `ms` is from the keystroke to the answer.

    `text` would be inserted at the cursor: empty where there is nothing to show, None where the other side dropped the
    request as outdated. `in_time`: it came before the next edit. `rest` is what the typist goes on to write on the
    line; None where nobody can know. `was_known`: nothing was computed for it, it is the rest of an earlier suggestion.
    """

    kind: str
    ms: float
    text: str | None
    in_time: bool = True
    rest: str | None = None
    was_known: bool = False

    @property
    def is_shown(self) -> bool:
        """Whether the typist saw something."""
        return bool(self.text) and self.in_time


class Side(Protocol):
    """What is typed into: an editor's side of something that suggests."""

    def change(self, text: str, keystroke: Keystroke) -> None:
        """Edit `text`, the text before the keystroke."""
        ...

    def move(self, text: str, cursor: int) -> None:
        """Move the cursor without an edit."""
        ...

    async def suggest(self, text: str, cursor: int) -> tuple[str | None, bool]:
        """Ask after an edit; return `Seen.text` and `Seen.was_known`."""
        ...


async def type_into(side: Side, trace: Trace, typist: Typist) -> list[Seen]:
    """Press the keys of a session; return what was seen, in the order of the answers."""
    seen: list[Seen] = []
    asked: list[asyncio.Task[None]] = []
    text = trace.initial
    due = newest_s = time.perf_counter()

    async def ask(keystroke: Keystroke, text: str, pressed: float) -> None:
        shown, was_known = await side.suggest(text, keystroke.cursor)
        ms = (time.perf_counter() - pressed) * 1e3
        seen.append(Seen(keystroke.kind, ms, shown, pressed == newest_s, keystroke.rest, was_known))

    for keystroke in trace.keystrokes:
        after = apply(text, keystroke.edits)
        line_starts(after)  # an editor knows its lines: finding them is no part of the wait
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        pressed = time.perf_counter()
        if keystroke.edits:
            newest_s = pressed
            side.change(text, keystroke)
            text = after
            asked.append(asyncio.create_task(ask(keystroke, text, pressed)))
        else:
            side.move(text, keystroke.cursor)
        due = pressed + typist.wait_s(keystroke)
    await asyncio.gather(*asked)
    return seen


def _rests_behind(keystroke: Keystroke) -> bool:
    if keystroke.kind != "type":
        return True
    typed = keystroke.edits[-1].inserted
    return not (typed.isalnum() or typed == "_") or keystroke.rest is None
