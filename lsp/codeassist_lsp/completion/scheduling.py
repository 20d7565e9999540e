"""When requests run: a stream's newest one wins, one waits for a pause in the typing, identical work is done once.

A request is an asyncio task; being superseded is being cancelled, so that superseded and cancelled requests are
answered alike and at once. Work that nobody waits for any more stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
Stopped = Callable[[], bool]
_PAUSE_S = 0.4  # a longer gap is no typing
_FAST_S = 0.18  # about 65 words a minute; a slower typist sees an answer between two keys
_NEWEST_SHARE = 0.3
_MARGIN = 1.3  # the next key of a steady typist comes within this much of the usual gap


class Stream:
    """The newest request of each kind and document of one client. Used on the event loop only."""

    def __init__(self) -> None:
        self._newest: dict[Hashable, asyncio.Task[Any]] = {}

    def begin(self, key: Hashable) -> None:
        """Make the running task the newest of its stream; the one before it is cancelled."""
        task = asyncio.current_task()
        assert task is not None, "a request runs in a task of its own"
        former = self._newest.get(key)
        if former is not None and former is not task:
            former.cancel()
        self._newest[key] = task
        task.add_done_callback(lambda done: self._end(key, done))

    def cancel_all(self) -> None:
        """Cancel every request that is not answered yet."""
        for task in self._newest.values():
            task.cancel()

    def __len__(self) -> int:
        return len(self._newest)

    def _end(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        if self._newest.get(key) is task:
            del self._newest[key]


@dataclass(slots=True)
class Debounce:
    """How long automatic requests wait for a pause in the typing, by the gaps between one client's last ones.

    Who types fast is going to type on, so that an answer would come too late; who has paused, or types slowly, is
    waiting for one.
    """

    _last_s: float | None = None
    _gap_s: float | None = None

    def wait_s(self, now_s: float) -> float:
        """Take note of a request that comes now; return how long it is to wait: 0 after a pause and for a slow typist.

        The more so the faster: a wait ends a little after the next key would have come.
        """
        last, self._last_s = self._last_s, now_s
        gap = None if last is None else now_s - last
        if gap is None or gap >= _PAUSE_S:
            self._gap_s = None  # who comes back may type at another pace
            return 0.0
        self._gap_s = gap if self._gap_s is None else self._gap_s + _NEWEST_SHARE * (gap - self._gap_s)
        return self._gap_s * _MARGIN if self._gap_s < _FAST_S else 0.0


@dataclass(slots=True)
class _Work:
    """One job under way, and what the requests wait for that wait for it. `stop` tells the job that none does."""

    job: Future[Any]
    stop: threading.Event
    waiting: list[asyncio.Future[Any]] = field(default_factory=list[asyncio.Future[Any]])

    def tell(self) -> None:
        """Give each request that waits what became of the job."""
        for waiter in self.waiting:
            if waiter.done():
                continue
            if self.job.cancelled():
                waiter.cancel()
            elif (error := self.job.exception()) is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(self.job.result())


@dataclass(slots=True)
class Works:
    """The jobs under way for all clients, by what makes two of them the same. Used on the event loop only."""

    num_joined: int = 0
    _under_way: dict[Hashable, _Work] = field(default_factory=dict[Hashable, _Work])

    def __contains__(self, identity: Hashable) -> bool:
        return identity in self._under_way

    def __len__(self) -> int:
        return len(self._under_way)

    async def run(self, identity: Hashable, start: Callable[[Stopped], Future[T]]) -> T:
        """Return the result of the job that `start` hands to its thread, or that of an identical job under way.

        The job asks the function that `start` is given whether to stop. When the last request that waits is cancelled,
        a job that has not begun never begins, and one that runs is told to stop. What it raises is raised to all.
        """
        loop = asyncio.get_running_loop()
        work = self._under_way.get(identity)
        if work is None:
            stop = threading.Event()
            work = _Work(start(stop.is_set), stop)
            self._under_way[identity] = work
            self._tell_when_done(work, loop)
        else:
            self.num_joined += 1
        waiter: asyncio.Future[T] = loop.create_future()
        work.waiting.append(waiter)
        try:
            return await waiter
        finally:
            work.waiting.remove(waiter)
            if not work.waiting:
                work.stop.set()
                work.job.cancel()  # changes nothing once it runs or is done
                if self._under_way.get(identity) is work:
                    del self._under_way[identity]

    @staticmethod
    def _tell_when_done(work: _Work, loop: asyncio.AbstractEventLoop) -> None:
        """One turn of the loop from the job's thread to the request: each takes time from an answer."""

        def done(job: Future[Any]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(work.tell)

        work.job.add_done_callback(done)
