"""What a grammar cannot read, put as it can: pieces of a text in the place of others of the same length.

Offsets stay what they were, so that names are still read from the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_NOT_LINE_END = re.compile(rb"[^\r\n]")


@dataclass(frozen=True, slots=True)
class Mend:
    """Each match's group `gone` is filled with `by`, one byte; its line ends stay."""

    pattern: re.Pattern[bytes]
    by: bytes = b" "

    def __call__(self, source: bytes) -> bytes:
        """Return the text, as long as before."""
        return self.pattern.sub(self._filled, source)

    def _filled(self, match: re.Match[bytes]) -> bytes:
        whole, start = match[0], match.start()
        first, last = match.start("gone") - start, match.end("gone") - start
        return whole[:first] + blanked(whole[first:last], self.by) + whole[last:]


def blanked(text: bytes, by: bytes = b" ") -> bytes:
    """The text with `by` for each byte but those that end lines."""
    return _NOT_LINE_END.sub(by, text)


@dataclass(frozen=True, slots=True)
class Mends:
    """`always`: of what the grammar takes for something else; `errors`: only where it did not read all of a text.

    Each takes a text and returns one of the same length.
    """

    always: tuple[Callable[[bytes], bytes], ...] = ()
    errors: tuple[Callable[[bytes], bytes], ...] = ()
