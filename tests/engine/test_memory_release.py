"""Freed memory goes back to the system, and an engine at rest sees to it."""

from __future__ import annotations

import ctypes
import sys
import threading

import psutil
import pytest

from codeassist.engine.inference_thread import InferenceThread
from codeassist.engine.memory_release import give_back
from tests.engine.conftest import MakeModel
from tests.engine.test_inference_thread import TEXT, TIMEOUT_S, complete, engine_of

HAS_GLIBC = sys.platform.startswith("linux") and hasattr(ctypes.CDLL(None), "malloc_trim")


def rss() -> int:
    return int(psutil.Process().memory_info().rss)


@pytest.mark.skipif(not HAS_GLIBC, reason="only glibc keeps freed pages that can be asked for")
def test_pages_between_used_blocks_are_given_back() -> None:
    blocks = [bytearray(100_000) for _ in range(2_000)]
    kept = blocks[::10]
    blocks.clear()
    before = rss()
    assert give_back()
    assert before - rss() > 100_000_000
    assert len(kept) == 200


def test_a_thread_at_rest_gives_back_once_and_works_on(tiny: MakeModel) -> None:
    thread = InferenceThread(engine_of(tiny("qwen2")[0]), rest_s=0.01)
    try:
        for _ in range(2):
            thread.submit(lambda: complete(thread.engine, TEXT)).result(TIMEOUT_S)
            before = thread.submit(lambda: thread.num_rests).result(TIMEOUT_S)
            for _ in range(10_000):
                if thread.num_rests > before:
                    break
                threading.Event().wait(0.001)
            assert thread.num_rests == before + 1
    finally:
        thread.close()
