"""A process spoken to in JSON-RPC over its stdin and stdout, with messages as they are: plain dictionaries.

A typed client refuses whole messages for one field that it does not know; who measures any server must not.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from codeassist_eval.errors import EvaluationError

_LIMIT_S = 120.0
_MOST_BYTES = 1 << 28


class AnsweredError(EvaluationError):
    """The server answered a request with an error of this `code`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class JsonRpcProcess:
    """One process. `answers` says what it is told when it asks: a function of the params for each method.

    Whatever else it asks is refused as unknown; what it notifies is dropped. Every method raises EvaluationError when
    the process has ended or does not answer in time.
    """

    def __init__(self, command: Sequence[str], answers: Mapping[str, Callable[[Any], Any]]) -> None:
        self._command = command
        self._answers = answers
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self, working_folder: Path, environment: Mapping[str, str]) -> None:
        """Start it."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=working_folder,
                env=dict(environment),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise EvaluationError(f"{self._command[0]} cannot be started: {error}") from error
        self._reading = asyncio.create_task(self._read())

    def send(self, method: str, params: Any) -> tuple[int, asyncio.Future[Any]]:
        """Send a request; return its id and what will be its result."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._write({"id": number, "method": method, "params": params})
        return number, self._waiting[number]

    async def within_limit(self, asked: asyncio.Future[Any]) -> Any:
        """Wait for a result. Raises AnsweredError for an error."""
        try:
            return await asyncio.wait_for(asked, _LIMIT_S)
        except TimeoutError as error:
            raise EvaluationError(f"{self._command[0]} did not answer within {_LIMIT_S:.0f} s") from error

    async def ask(self, method: str, params: Any) -> Any:
        """Send a request and wait for its result."""
        return await self.within_limit(self.send(method, params)[1])

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._write({"method": method, "params": params})

    def rss_bytes(self) -> int:
        """What it and the processes that it started hold now: a server is often started by a script."""
        total = 0
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(0 if self._process is None else self._process.pid)
            for one in (process, *process.children(recursive=True)):
                total += one.memory_info().rss
        return total

    async def stop(self) -> None:
        """Have it end, by force if it will not."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(EvaluationError):
            await self.ask("shutdown", None)
            self.notify("exit", None)
        try:
            await asyncio.wait_for(process.wait(), _LIMIT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reading is not None:
            await self._reading

    def _write(self, message: Mapping[str, Any]) -> None:
        process = self._process
        assert process is not None and process.stdin is not None, "start comes first"
        if process.stdin.is_closing():
            raise EvaluationError(f"{self._command[0]} has ended")
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def _read(self) -> None:
        process = self._process
        assert process is not None and process.stdout is not None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await process.stdout.readuntil(b"\r\n\r\n")
                length = next(int(line.split(b":")[1]) for line in head.splitlines() if b"ength" in line)
                if length > _MOST_BYTES:
                    break
                self._take(json.loads(await process.stdout.readexactly(length)))
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(EvaluationError(f"{self._command[0]} has ended"))

    def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            if "id" not in message:
                return
            answer = self._answers.get(message["method"])
            unknown = {"error": {"code": -32601, "message": "unknown here"}}
            told = unknown if answer is None else {"result": answer(message.get("params"))}
            self._write({"id": message["id"], **told})
            return
        waiting = self._waiting.pop(message["id"], None)
        if waiting is None or waiting.done():
            return
        error = message.get("error")
        if error is None:
            waiting.set_result(message.get("result"))
        else:
            waiting.set_exception(AnsweredError(error.get("code", 0), str(error.get("message", ""))))
