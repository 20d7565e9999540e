"""How long an automatic request waits for a pause in the typing.

Knows no clock and no request: it is told when requests come. Who types fast is going to type on, so that an answer
would come too late; who has paused, or types slowly, is waiting for one.
"""

from __future__ import annotations

from dataclasses import dataclass

_PAUSE_S = 0.4  # a longer gap is no typing
_FAST_S = 0.18  # about 65 words a minute; a slower typist sees an answer between two keys
_NEWEST_SHARE = 0.3
_MARGIN = 1.3  # the next key of a steady typist comes within this much of the usual gap


@dataclass(slots=True)
class Debounce:
    """The gaps between one client's last automatic requests."""

    _last_s: float | None = None
    _gap_s: float | None = None

    def wait_s(self, now_s: float) -> float:
        """Take note of a request that comes now; return how long it is to wait: 0 behind a pause and for a slow typist.

        The more so the faster: a wait ends a little after the next key would have come.
        """
        last, self._last_s = self._last_s, now_s
        gap = None if last is None else now_s - last
        if gap is None or gap >= _PAUSE_S:
            self._gap_s = None  # who comes back may type at another pace
            return 0.0
        self._gap_s = gap if self._gap_s is None else self._gap_s + _NEWEST_SHARE * (gap - self._gap_s)
        return self._gap_s * _MARGIN if self._gap_s < _FAST_S else 0.0
