"""Server-sent events, as far as streamed answers need them: the data of each event as it arrives. Pure.

Lines end at line feeds only: an answer's text may hold any other kind of line end.
"""

from __future__ import annotations

_FIELD = b"data:"


class EventReader:
    """Splits the bytes of a stream into the data of its events. Every event of these servers is one line."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._rest = b""
        self.num_bytes = 0

    def feed(self, part: bytes) -> list[bytes]:
        """Take the next bytes and return what they complete. Raises ValueError for more than `most_bytes` in all."""
        self.num_bytes += len(part)
        if self.num_bytes > self._most_bytes:
            raise ValueError(f"answers more than {self._most_bytes >> 20} MiB")
        *lines, self._rest = (self._rest + part).split(b"\n")
        return [line[len(_FIELD) :].strip() for line in lines if line.startswith(_FIELD)]
