"""The inference thread: jobs in order, healing in between, and a job never waits long for healing."""

from __future__ import annotations

import queue
import random
import sys
import threading
from collections.abc import Callable

import pytest
import torch

from codeassist.engine.decoding.decode import DecodeParams
from codeassist.engine.engine import Engine
from codeassist.engine.generation import Generation
from codeassist.engine.inference_thread import InferenceThread
from codeassist.engine.layers.model import Model, Pass, never
from codeassist.engine.prompt_cache import Layout, PromptCache
from codeassist.errors import ModelError
from tests.engine.conftest import MakeModel

RNG = random.Random(20261121)
TEXT = [RNG.randrange(500) for _ in range(150)]
TIMEOUT_S = 60


def engine_of(model: Model) -> Engine:
    return Engine(model, max_tokens=256, memory_bytes=1 << 30)


def complete(engine: Engine, tokens: list[int], cache: PromptCache | None = None) -> Generation:
    return engine.generate(cache or engine.open(), tokens, DecodeParams(4, frozenset()), accept=lambda *_: True)


def healed(thread: InferenceThread, cache: PromptCache) -> bool:
    """Wait for the event that healing leaves behind: a job sees that nothing is inexact any more.

    Seldom asked: behind each job the thread rests a little before it heals.
    """
    for _ in range(1_000):
        if thread.submit(lambda: cache.num_stale).result(TIMEOUT_S) == 0:
            return True
        threading.Event().wait(0.05)
    return False


def test_left_alone_every_cache_becomes_exact(tiny: MakeModel) -> None:
    thread = InferenceThread(engine_of(tiny("qwen2")[0]))
    one, two = (thread.engine.open(name) for name in ("a.py", "b.py"))
    try:
        for document in (one, two):
            thread.submit(lambda d=document: complete(thread.engine, TEXT, d)).result(TIMEOUT_S)
            thread.submit(lambda d=document: complete(thread.engine, [7, *TEXT], d)).result(TIMEOUT_S)
        assert healed(thread, two) and healed(thread, one)
        assert thread.num_healed > 0
        answer = thread.submit(lambda: complete(thread.engine, [7, *TEXT], one)).result(TIMEOUT_S)
        fresh = complete(engine_of(thread.engine.model), [7, *TEXT])
        assert answer.decoded.tokens == fresh.decoded.tokens
        assert answer.sync.num_exact == len(TEXT) + 1
    finally:
        thread.close()


def test_without_healing_caches_stay_as_they_are(tiny: MakeModel) -> None:
    thread = InferenceThread(engine_of(tiny("qwen2")[0]), heal=False)
    cache = thread.engine.open()
    thread.submit(lambda: complete(thread.engine, TEXT, cache)).result(TIMEOUT_S)
    thread.submit(lambda: complete(thread.engine, [7, *TEXT], cache)).result(TIMEOUT_S)
    thread.close()
    assert cache.num_stale > 100 and thread.num_healed == 0


def test_healing_gives_way_within_one_layer(tiny: MakeModel) -> None:
    """Counted, not timed: once a job waits, no further layer of healing begins."""
    model = tiny("qwen2")[0]
    thread = InferenceThread(engine_of(model))
    answers: list[bool] = []
    waiting = threading.Event()
    real_run = model.run

    def watched(work: Pass, stopped: Callable[[], bool] = never) -> torch.Tensor:
        def look() -> bool:
            if not waiting.is_set():
                thread.submit(lambda: None)
                answers.append(stopped())
                waiting.set()
                return answers[0]
            return stopped()

        return real_run(work, look)

    def make_stale() -> None:
        cache = thread.engine.open()
        complete(thread.engine, TEXT, cache)
        complete(thread.engine, [7, *TEXT], cache)
        model.run = watched  # type: ignore[method-assign]  # before healing can begin

    thread.submit(make_stale).result(TIMEOUT_S)
    try:
        assert waiting.wait(TIMEOUT_S)
        thread.submit(lambda: None).result(TIMEOUT_S)
    finally:
        del model.run
        thread.close()
    assert answers == [True]


def test_an_awaited_prompt_is_read_in_idle_time_and_gives_way_to_jobs(tiny: MakeModel) -> None:
    engine = engine_of(tiny("qwen2")[0])
    thread = InferenceThread(engine)
    read = threading.Event()
    real = engine.next_awaited

    cache = engine.open()

    def next_awaited() -> PromptCache | None:
        found = real()
        if found is None and cache in engine.held:
            read.set()
        return found

    engine.next_awaited = next_awaited  # type: ignore[method-assign]
    thread.submit(lambda: engine.await_reading(cache, Layout(TEXT, (), ()))).result(TIMEOUT_S)
    for _ in range(20):
        thread.submit(lambda: None).result(TIMEOUT_S)
    assert read.wait(TIMEOUT_S)
    thread.close()
    assert (len(cache.tokens), cache.num_exact) == (len(TEXT), len(TEXT))


def test_a_failing_job_is_reported_and_the_thread_lives_on(tiny: MakeModel) -> None:
    thread = InferenceThread(engine_of(tiny("qwen2")[0]))
    with pytest.raises(ZeroDivisionError):
        thread.submit(lambda: 1 // 0).result(TIMEOUT_S)
    assert thread.submit(lambda: 42).result(TIMEOUT_S) == 42
    thread.close()


def test_a_thread_that_ends_by_itself_leaves_nobody_waiting(tiny: MakeModel) -> None:
    engine = engine_of(tiny("qwen2")[0])
    deaths: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    thread = InferenceThread(engine, on_death=deaths.put)
    go_on = threading.Event()
    running = thread.submit(lambda: go_on.wait(TIMEOUT_S))
    engine.next_to_heal = lambda: sys.exit(3)  # type: ignore[method-assign]  # ends the thread at its next idle moment
    go_on.set()
    assert running.result(TIMEOUT_S) and isinstance(deaths.get(timeout=TIMEOUT_S), SystemExit)
    assert not thread.is_alive
    with pytest.raises(ModelError, match="the log says why"):
        thread.submit(lambda: 42).result(TIMEOUT_S)
    thread.close()
