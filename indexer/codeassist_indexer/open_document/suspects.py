"""Which documents the reading process is not asked about, because their texts ended it. Pure, but for its state."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 300.0
_MOST_PATHS = 256
_MOST_TEXTS = 16  # of one document


@dataclass(slots=True)
class _Suspect:
    """A document: digests of the texts that ended the process, the newest last, and until when it is left alone."""

    digests: OrderedDict[bytes, None]
    num_ended: int
    until_s: float


class Suspects:
    """Documents whose texts ended the process. For one thread at a time.

    The same text is never asked about again. Another text of the document is after a pause, twice as long each time:
    who types in such a file does not end a process with every key.
    """

    def __init__(self) -> None:
        self._by_path: OrderedDict[str, _Suspect] = OrderedDict()

    def is_one(self, path: str, texts: tuple[str, ...], now_s: float) -> bool:
        """Say whether the process is not to be asked about these texts of a document."""
        suspect = self._by_path.get(path)
        return suspect is not None and (now_s < suspect.until_s or _digest(texts) in suspect.digests)

    def add(self, path: str, texts: tuple[str, ...], now_s: float) -> float:
        """Take note that these texts ended the process; return how many seconds the document is left alone."""
        suspect = self._by_path.setdefault(path, _Suspect(OrderedDict(), 0, 0.0))
        self._by_path.move_to_end(path)
        suspect.digests[_digest(texts)] = None
        pause_s = min(_FIRST_PAUSE_S * 2.0**suspect.num_ended, _LONGEST_PAUSE_S)
        suspect.num_ended = min(suspect.num_ended + 1, 30)
        suspect.until_s = now_s + pause_s
        while len(suspect.digests) > _MOST_TEXTS:
            suspect.digests.popitem(last=False)
        while len(self._by_path) > _MOST_PATHS:
            self._by_path.popitem(last=False)
        return pause_s


def _digest(texts: tuple[str, ...]) -> bytes:
    state = blake2b(digest_size=16)
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        state.update(len(encoded).to_bytes(8, "little"))
        state.update(encoded)
    return state.digest()
