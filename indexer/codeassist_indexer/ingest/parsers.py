"""Files parsed in worker processes, in order, each under a limit of time and memory.

A file that breaks a limit, or the parser, costs itself: its worker is started anew and the others go on.
"""

from __future__ import annotations

import atexit
import logging
import signal
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

from codeassist.errors import CodeAssistError
from codeassist_indexer.ingest.file_messages import ParsedText, question_line, read_answer
from codeassist_indexer.workers.child import Worker, WorkerEnded

log = logging.getLogger(__name__)

_START_S = 60.0  # on a busy machine, with cold disks
_FILE_S = 30.0  # by the clock; what counts is processor time, which the worker limits itself
_MOST_AHEAD = 8  # texts sent to a worker before its first answer is read
_MOST_IDLE = 3

TOO_SLOW = "takes too long to parse"
BREAKS = "breaks the parser"


@dataclass(slots=True)
class _Lane:
    """One worker and what it has been sent and has not answered, in order."""

    worker: Worker
    sent: deque[tuple[str, str]] = field(default_factory=deque)


class Parsers:
    """Worker processes that parse, started when they are needed and kept for the next ones. For any thread.

    A worker that nobody needs ends after a minute; `close` ends all that are idle.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[bool, list[Worker]] = {False: [], True: []}

    def parse(self, path: str, text: str) -> ParsedText:
        """Parse one text. Raises CodeAssistError where no worker can be started."""
        [found] = self.parse_all([(path, text)], 1)
        return found

    def parse_all(
        self, files: Iterable[tuple[str, str]], num_workers: int, in_background: bool = False
    ) -> Generator[ParsedText, None, None]:
        """Yield what each (path, text) yields, in order. `in_background` gives the least share of the cores.

        Closing the generator ends the workers that are still at work. Raises CodeAssistError as `parse` does.
        """
        lanes: list[_Lane] = []
        waiting: deque[_Lane] = deque()  # the lane of each file that was sent and not yielded, in order
        try:
            for number, file in enumerate(files):
                if number < num_workers:
                    lanes.append(_Lane(self._take(in_background)))
                lane = lanes[number % len(lanes)]
                if len(lane.sent) >= _MOST_AHEAD:
                    while lane.sent and len(lane.sent) >= _MOST_AHEAD:
                        yield self._answer(waiting.popleft(), in_background)
                self._send(lane, file, in_background)
                waiting.append(lane)
            while waiting:
                yield self._answer(waiting.popleft(), in_background)
        finally:
            for lane in lanes:
                self._give_back(lane, in_background)

    def close(self) -> None:
        """End the idle workers. More may be started later."""
        with self._lock:
            idle = [worker for workers in self._idle.values() for worker in workers]
            self._idle = {False: [], True: []}
        for worker in idle:
            worker.kill()

    def _send(self, lane: _Lane, file: tuple[str, str], in_background: bool) -> None:
        lane.sent.append(file)
        try:
            lane.worker.send(question_line(*file))
        except WorkerEnded:
            if len(lane.sent) == 1:  # it ended while idle: nothing of this file did it
                self._start_again(lane, in_background)
            # else one of the files before has ended it, which is found out when their answers are read

    def _answer(self, lane: _Lane, in_background: bool) -> ParsedText:
        try:
            found = read_answer(lane.worker.receive(_FILE_S))
        except WorkerEnded as ended:
            found = _failed(lane.sent[0][0], TOO_SLOW if _ran_out_of_time(ended.exit_code) else BREAKS)
        except TimeoutError:
            found = _failed(lane.sent[0][0], TOO_SLOW)
        except ValueError:
            found = _failed(lane.sent[0][0], BREAKS)
        else:
            lane.sent.popleft()
            return found
        lane.sent.popleft()
        self._start_again(lane, in_background)
        return found

    def _start_again(self, lane: _Lane, in_background: bool) -> None:
        lane.worker.kill()
        lane.worker = _start(in_background)
        try:
            for file in lane.sent:
                lane.worker.send(question_line(*file))
        except WorkerEnded:  # the next of the files has ended it too: found out when its answer is read
            return

    def _take(self, in_background: bool) -> Worker:
        with self._lock:
            idle = self._idle[in_background]
            while idle:
                worker = idle.pop()
                if worker.is_alive:
                    return worker
                worker.kill()
        return _start(in_background)

    def _give_back(self, lane: _Lane, in_background: bool) -> None:
        with self._lock:
            idle = self._idle[in_background]
            if not lane.sent and lane.worker.is_alive and len(idle) < _MOST_IDLE:
                idle.append(lane.worker)
                return
        lane.worker.kill()


def _start(in_background: bool) -> Worker:
    """Start a worker and wait until it is confined. Raises CodeAssistError where none can be."""
    try:
        worker = Worker("codeassist_indexer.ingest.parser_main")
        worker.send("background" if in_background else "foreground")
        ready = worker.receive(_START_S)
    except (OSError, WorkerEnded) as error:  # a TimeoutError is an OSError
        raise CodeAssistError(
            f"the process that parses files cannot be started ({error}); run `codeassist doctor`"
        ) from error
    if ready != "ready\n":
        worker.kill()
        raise CodeAssistError(f"the process that parses files said {ready[:80]!r}; run `codeassist doctor`")
    return worker


def _failed(path: str, reason: str) -> ParsedText:
    log.warning("not indexed, %s: %r", reason, path)
    return ParsedText(None, skip_reason=reason)


def _ran_out_of_time(exit_code: int) -> bool:
    return sys.platform != "win32" and exit_code == -signal.SIGPROF


PARSERS = Parsers()
"""This process's workers: they belong to no repository, for they are sent texts and read no file."""
atexit.register(PARSERS.close)
