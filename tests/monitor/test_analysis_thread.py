"""The analysis thread: jobs in order, a hung one left behind, nothing more when too many hang."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

import pytest

from codeassist.monitor.analysis_thread import HANGS_AFTER_S, MOST_HUNG, AnalysisThread

_MOST_S = 60


def test_jobs_run_one_at_a_time_and_in_order_and_what_they_raise_comes_out() -> None:
    thread, ran = AnalysisThread(), list[int]()
    futures = [thread.submit(lambda number=number: ran.append(number)) for number in range(20)]
    wrong = thread.submit(lambda: 1 // 0)
    assert isinstance(wrong.exception(_MOST_S), ZeroDivisionError)
    assert ran == list(range(20)) and all(future.done() for future in futures)
    thread.close()
    with pytest.raises(CancelledError):
        thread.submit(lambda: 1).result(_MOST_S)


def test_a_job_that_was_taken_back_is_not_run() -> None:
    thread, go, ran = AnalysisThread(), threading.Event(), list[str]()
    thread.submit(lambda: go.wait(_MOST_S))
    waiting = thread.submit(lambda: ran.append("waiting"))
    last = thread.submit(lambda: ran.append("last"))
    assert not thread.is_idle
    assert waiting.cancel()
    go.set()
    last.result(_MOST_S)
    assert ran == ["last"]
    thread.close()


def test_who_hangs_is_left_behind_until_too_many_do() -> None:
    now = [0.0]
    thread, go = AnalysisThread(lambda: now[0]), threading.Event()
    for _ in range(MOST_HUNG):
        began = threading.Event()

        def hang(began: threading.Event = began) -> None:
            began.set()
            go.wait(_MOST_S)

        thread.submit(hang)
        assert began.wait(_MOST_S)
        after = thread.submit(lambda: 1)
        now[0] += HANGS_AFTER_S + 1
        following = thread.submit(lambda: 2)
        assert after.cancelled()
    assert following.cancelled()
    go.set()
    thread.close()


def test_after_a_hung_job_another_thread_serves() -> None:
    now = [0.0]
    thread, go, began = AnalysisThread(lambda: now[0]), threading.Event(), threading.Event()
    hung = thread.submit(lambda: (began.set(), go.wait(_MOST_S)))
    assert began.wait(_MOST_S)
    now[0] += HANGS_AFTER_S + 1
    assert thread.submit(lambda: 2).result(_MOST_S) == 2
    go.set()
    hung.result(_MOST_S)  # it may still end; nobody waits for it
    assert thread.submit(lambda: 3).result(_MOST_S) == 3
    thread.close()
