"""Who waits for which work: a stream's newest request wins, identical work is done once, abandoned work stops.

Knows no model and no protocol. A request is an asyncio task; being superseded is being cancelled, so that superseded
and cancelled requests are answered alike and at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
Stopped = Callable[[], bool]


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
class _Work:
    """One job under way, and how many requests wait for it. `stop` tells the job that none does."""

    result: asyncio.Future[Any]
    stop: threading.Event
    num_waiting: int = 0


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
        work = self._under_way.get(identity)
        if work is None:
            stop = threading.Event()
            work = _Work(asyncio.wrap_future(start(stop.is_set)), stop)
            self._under_way[identity] = work
        else:
            self.num_joined += 1
        work.num_waiting += 1
        try:
            return await asyncio.shield(work.result)
        finally:
            work.num_waiting -= 1
            if work.num_waiting == 0:
                work.stop.set()
                work.result.cancel()  # changes nothing once it is there
                if self._under_way.get(identity) is work:
                    del self._under_way[identity]
