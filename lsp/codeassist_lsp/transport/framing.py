"""How messages stand in a stream of bytes: `Content-Length: N`, a blank line, N bytes.

Bytes come in as they arrive, whole bodies go out. Whatever comes in, the next well-formed message is found again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

log = logging.getLogger(__name__)

MOST_BODY_BYTES = 64 << 20
_MOST_HEADER_BYTES = 1 << 16
_WORD = b"Content-Length:"
# Not anchored to the line's start: a body whose length was wrong ends without a newline, right before the next header.
# Line ends stand raw in no JSON string, and this word in nothing else of it: no body holds a whole header.
_HEADER = re.compile(re.escape(_WORD) + rb"[ \t]*\d{1,18}[ \t]*\r?\n(?:[A-Za-z-]+:[^\r\n]*\r?\n)*\r?\n")
_LENGTH = re.compile(rb"Content-Length:[ \t]*(\d{1,18})[ \t]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they arrived, and when they were read, in monotonic seconds."""

    data: bytes
    read_s: float


class Framing:
    """The reader's state between two pieces of a stream. `feed` is called by one thread."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0  # no line end stands before here
        self._length: int | None = None  # of the body whose headers are being read
        self._in_body = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take the next bytes; give the bodies that are whole now. To be run to its end before the next call."""
        self._buffer += data
        while True:
            if self._in_body:
                assert self._length is not None
                if self._drop_up_to_a_header(self._length):
                    continue
                if len(self._buffer) < self._length:
                    return
                body = bytes(self._buffer[: self._length])
                del self._buffer[: self._length]
                self._in_body, self._length, self._scanned = False, None, 0
                yield body
                continue
            line = self._next_line()
            if line is None:
                return
            self._take_header(line)

    def _drop_up_to_a_header(self, length: int) -> bool:
        """Begin anew at a header that stands where the body should be: then the body's length was wrong."""
        at = self._buffer.find(_WORD, max(0, self._scanned - _MOST_HEADER_BYTES), length)
        found = _HEADER.search(self._buffer, at, length) if at >= 0 else None
        self._scanned = min(len(self._buffer), length)
        if found is None:
            return False
        log.warning("a message was left out: it does not have the %d bytes that it announced", length)
        del self._buffer[: found.start()]
        self._in_body, self._length, self._scanned = False, None, 0
        return True

    def _next_line(self) -> bytes | None:
        at = self._buffer.find(b"\n", self._scanned)
        if at < 0:
            if len(self._buffer) > _MOST_HEADER_BYTES:  # no header is that long: keep what may be the next one's start
                log.warning("%d bytes without a message in them were left out", len(self._buffer))
                del self._buffer[:-128]
            self._scanned = len(self._buffer)
            return None
        line = bytes(self._buffer[:at])
        del self._buffer[: at + 1]
        self._scanned = 0
        return line.removesuffix(b"\r")

    def _take_header(self, line: bytes) -> None:
        found = _LENGTH.search(line)
        if found is not None:
            self._length = int(found[1])
        elif not line and self._length is not None:
            if self._length > MOST_BODY_BYTES:
                log.warning("a message of %d bytes is left out: larger than any document", self._length)
                self._length = None  # and the next header is looked for in what comes
            else:
                self._in_body = True
