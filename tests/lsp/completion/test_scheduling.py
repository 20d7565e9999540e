"""Newest wins, identical work once, abandoned work stops: on a thread whose jobs the test lets go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from codeassist_lsp.completion.scheduling import Stopped, Stream, Works

TIMEOUT_S = 30


class Jobs:
    """A thread whose jobs wait until they are let go or told to stop; it notes what became of each."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(max_workers=1)
        self.works = Works()
        self.let_go = threading.Event()
        self.ran: list[tuple[str, str]] = []

    def make(self, name: str) -> Callable[[Stopped], Future[str]]:
        def job(stopped: Stopped) -> str:
            while not (self.let_go.wait(0.001) or stopped()):
                pass
            if stopped():
                self.ran.append((name, "stopped"))
                return "half of it"
            self.ran.append((name, "done"))
            return name

        return lambda stopped: self.pool.submit(job, stopped)

    def end(self) -> list[tuple[str, str]]:
        self.let_go.set()
        self.pool.shutdown()
        return self.ran


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.end()


def run(test: Awaitable[None]) -> None:
    asyncio.run(asyncio.wait_for(test, TIMEOUT_S))


async def some_turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_of_a_burst_one_is_answered_and_the_rest_cancelled_at_once(jobs: Jobs) -> None:
    async def test() -> None:
        stream = Stream()

        async def ask(n: int) -> str:
            stream.begin("a.py")
            return await jobs.works.run(n, jobs.make(str(n)))

        tasks: list[asyncio.Task[str]] = []
        for n in range(100):
            tasks.append(asyncio.create_task(ask(n)))
            await asyncio.sleep(0)
        await some_turns()
        assert all(task.cancelled() for task in tasks[:-1]) and not tasks[-1].done()
        jobs.let_go.set()
        assert await tasks[-1] == "99"
        assert len(stream) == 0 and len(jobs.works) == 0
        assert [name for name, end in jobs.end() if end == "done"] == ["99"]

    run(test())


def test_identical_work_is_done_once_and_outlives_who_asked_first(jobs: Jobs) -> None:
    async def test() -> None:
        stream = Stream()

        async def ask(kind: str) -> str:
            stream.begin(kind)
            return await jobs.works.run("same", jobs.make(kind))

        first, second = asyncio.create_task(ask("inline")), asyncio.create_task(ask("list"))
        await some_turns()
        assert "same" in jobs.works and jobs.works.num_joined == 1
        third = asyncio.create_task(ask("inline"))
        await some_turns()
        assert first.cancelled()
        jobs.let_go.set()
        assert await second == await third == "inline"
        assert jobs.end() == [("inline", "done")]

    run(test())


def test_work_that_nobody_waits_for_stops_and_is_not_joined(jobs: Jobs) -> None:
    async def test() -> None:
        async def ask(name: str) -> str:
            return await jobs.works.run("same", jobs.make(name))

        first = asyncio.create_task(ask("first"))
        await some_turns()
        first.cancel()
        await some_turns()
        assert first.cancelled() and "same" not in jobs.works
        again = asyncio.create_task(ask("again"))
        await some_turns()
        while not jobs.ran:
            await asyncio.sleep(0.001)
        jobs.let_go.set()
        assert await again == "again"
        assert jobs.end()[-1] == ("again", "done")

    run(test())


def test_what_a_job_raises_comes_to_all_who_wait(jobs: Jobs) -> None:
    async def test() -> None:
        def fail() -> Any:
            jobs.let_go.wait(TIMEOUT_S)
            raise ZeroDivisionError

        tasks = [asyncio.create_task(jobs.works.run("same", lambda stopped: jobs.pool.submit(fail))) for _ in range(3)]
        await some_turns()
        jobs.let_go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [ZeroDivisionError] * 3 and len(jobs.works) == 0

    run(test())
