"""Hostile files through the real program: an index that parses each, and a server in which each is opened and edited.

`python -m tests.security.hostile_run` measures every file and prints what each language cost.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from codeassist_indexer.ingest.parser_main import NOT_INDEXED
from codeassist_indexer.ingest.parsers import Parsers
from tests.end_to_end.conftest import Program
from tests.security.hostile_files import HostileFile, hostile_files
from tests.tiny_models import build_model, save_gguf

MOST_FILE_S = 2.0
MOST_LATENCY_S = 0.2
MOST_MEMORY = 1536 << 20
_ASKED_EVERY_S = 0.05
_DEADLINE_S = 60.0
_STARTED_S = 120.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one file cost. `index_s`: to parse it. `open_s`: until it was opened and a completion in it answered, or one
    after an edit, the longest of three. `latency_s`: the longest that another request waited meanwhile. `memory`: the
    most that the server and its processes had, in bytes.

    Seconds are those of the clock, or of the processors where these are fewer: other programs take their share.
    """

    file: HostileFile
    index_s: float
    is_left_out: bool
    open_s: float
    latency_s: float
    memory: int


class Server:
    """`codeassist serve` on its pipes, asked by any thread."""

    def __init__(self, program: Program) -> None:
        self._process = subprocess.Popen(
            program.command("serve"),
            cwd=program.root,
            env=program.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._root = program.root
        self._lock = threading.Lock()
        self._answers: dict[int, Any] = {}
        self._heard = threading.Condition()
        self._number = 0
        self._versions: dict[str, int] = {}
        threading.Thread(target=self._read, daemon=True).start()
        folders = [{"uri": self._root.as_uri(), "name": "repository"}]
        options = {"editor": {"debounce_ms": 0}}
        self.ask("initialize", {"processId": None, "capabilities": {}, "workspaceFolders": folders,
                                "initializationOptions": options}, _STARTED_S)  # fmt: skip
        self.tell("initialized", {})
        self.open("fine.py", "def fine(a):\n    return a\n")
        self.complete("fine.py", 1, 10)  # the model has been loaded by then

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def memory(self) -> int:
        """Return how many bytes the server and the processes it started have in memory.

        One that has been made and does not run its own program yet lives in the server's memory, and would count it
        twice.
        """
        server, *others = self._processes()
        own = server.cmdline()
        return server.memory_info().rss + sum(
            _asked(process, lambda it: 0 if it.cmdline() == own else it.memory_info().rss) for process in others
        )

    def own_cpu_s(self) -> float:
        """Return the processor time that the server itself has taken."""
        return sum(psutil.Process(self.pid).cpu_times()[:2])

    def cpu_s(self) -> float:
        """Return the processor time of the server and of the process that reads its documents.

        Names are analysed in a process beside, for which no completion waits longer than `monitor.deadline_ms`.
        """
        return self.own_cpu_s() + sum(
            _asked(process, lambda it: sum(it.cpu_times()[:2]) if "open_document" in " ".join(it.cmdline()) else 0.0)
            for process in self._processes()
        )

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: Any, timeout_s: float = _DEADLINE_S) -> Any:
        """Return the answer to a request: its result, or its error. Raises TimeoutError."""
        with self._heard:
            self._number += 1
            number = self._number
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        with self._heard:
            if not self._heard.wait_for(lambda: number in self._answers, timeout_s):
                raise TimeoutError(f"no answer to {method} in {timeout_s:g} s")
            return self._answers.pop(number)

    def open(self, name: str, text: str) -> None:
        """Open a document."""
        item = {"uri": self._uri(name), "languageId": "x", "version": 1, "text": text}
        self._versions[name] = 1
        self.tell("textDocument/didOpen", {"textDocument": item})

    def edit(self, name: str, line: int, col: int, text: str) -> None:
        """Insert a text."""
        self._versions[name] += 1
        place = {"line": line, "character": col}
        change = {"range": {"start": place, "end": place}, "text": text}
        document = {"uri": self._uri(name), "version": self._versions[name]}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    def close(self, name: str) -> None:
        """Close a document."""
        self.tell("textDocument/didClose", {"textDocument": {"uri": self._uri(name)}})

    def complete(self, name: str, line: int, col: int) -> Any:
        """Return what is suggested at a place."""
        place = {"line": line, "character": col}
        context = {"triggerKind": 1}
        document = {"uri": self._uri(name)}
        return self.ask(
            "textDocument/inlineCompletion", {"textDocument": document, "position": place, "context": context}
        )

    def end(self) -> int:
        """Say goodbye; return the exit code."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self._process.wait(_DEADLINE_S)

    def kill(self) -> None:
        """End it by force."""
        self._process.kill()
        self._process.wait()

    def _processes(self) -> list[psutil.Process]:
        server = psutil.Process(self.pid)
        return [server, *server.children(recursive=True)]

    def _uri(self, name: str) -> str:
        return (self._root / name).as_uri()

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            self._process.stdin.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while head := stream.readline():
            if not head.lower().startswith(b"content-length:"):
                continue
            while stream.readline().strip():  # the headers after it
                pass
            message = json.loads(stream.read(int(head.partition(b":")[2])))
            if "method" in message and "id" in message:  # a request of the server's: nothing is refused
                self._send({"jsonrpc": "2.0", "id": message["id"], "result": None})
            elif "id" in message:
                with self._heard:
                    self._answers[message["id"]] = message.get("result", message.get("error"))
                    self._heard.notify_all()


class Watch:
    """Asks a server something cheap again and again while a block runs: how long did it wait at most?"""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._over = threading.Event()
        self.latency_s = 0.0
        self.memory = 0

    def run(self) -> None:
        """Ask until it is over."""
        while not self._over.is_set():
            taken_s = stopwatch(self._server.own_cpu_s)
            self._server.ask("codeassist/nothing", None)
            self.latency_s = max(self.latency_s, taken_s())
            self.memory = max(self.memory, self._server.memory())
            self._over.wait(_ASKED_EVERY_S)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Ask while the block runs."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


def opened(server: Server, file: HostileFile) -> tuple[float, float, int]:
    """Open, edit and complete in a file at several places; return the longest answer, longest latency, most memory."""
    lines = file.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    middle = len(lines) // 2
    center, last = _utf16(lines[middle]) // 2, _utf16(lines[-1])
    places = [(middle, center, False), (middle, center + 1, True), (len(lines) - 1, last, False)]
    watch = Watch(server)
    longest_s = 0.0
    with watch.watching():
        taken = stopwatch(server.cpu_s)
        server.open(file.name, file.text)
        for line, col, is_edited in places:
            if is_edited:
                server.edit(file.name, line, col - 1, "x")
            server.complete(file.name, line, col)
            longest_s, taken = max(longest_s, taken()), stopwatch(server.cpu_s)
    server.close(file.name)
    server.complete("fine.py", 1, 10)  # it serves others as before
    return longest_s, watch.latency_s, watch.memory


def stopwatch(cpu_s: Callable[[], float]) -> Callable[[], float]:
    """Return what tells how many seconds have passed since now: by the clock, or by `cpu_s` where that is less."""
    began, began_cpu = time.perf_counter(), cpu_s()
    return lambda: min(time.perf_counter() - began, cpu_s() - began_cpu)


def _others_cpu_s(server: int) -> float:
    """The processor time of all that this process has started, but for the server."""
    running = [process for process in psutil.Process().children() if process.pid != server]
    return sum(psutil.Process().cpu_times()[2:4]) + sum(
        _asked(process, lambda it: sum(it.cpu_times()[:2])) for process in running
    )


def _asked(process: psutil.Process, read: Callable[[psutil.Process], float]) -> Any:
    try:
        return read(process)
    except psutil.NoSuchProcess:  # it has ended since
        return 0


def _utf16(line: str) -> int:
    return len(line.encode("utf-16-le", "surrogatepass")) // 2


def costs(program: Program, files: Iterable[HostileFile]) -> Iterator[Cost]:
    """Yield what each file costs. Raises AssertionError where the server has ended."""
    server, parsers = Server(program), Parsers()
    parsers.parse("fine.py", "")
    try:
        for file in files:
            parsing_s = stopwatch(lambda: _others_cpu_s(server.pid))
            found = parsers.parse(file.name, file.text)
            index_s = parsing_s()
            taken_s, latency_s, memory = opened(server, file)
            assert server.is_alive, file
            yield Cost(file, index_s, found.skip_reason not in (None, NOT_INDEXED), taken_s, latency_s, memory)
        assert server.end() == 0
    finally:
        server.kill()
        parsers.close()


def broken_limits(cost: Cost, slack: float = 1.0) -> list[str]:
    """Return which promises a file broke. Times may be `slack` times as long: a machine may have other work."""
    return [
        name
        for name, is_broken in (
            ("index", cost.index_s > slack * MOST_FILE_S),
            ("open", cost.open_s > slack * MOST_FILE_S),
            ("latency", cost.latency_s > slack * MOST_LATENCY_S),
            ("memory", cost.memory > MOST_MEMORY),
        )
        if is_broken
    ]


def main(arguments: Sequence[str]) -> int:
    """Measure every n-th file for an argument `--every=n`, or those whose language or kind is named, or all.

    Return 1 where one broke a promise.
    """
    every = [int(each.removeprefix("--every=")) for each in arguments if each.startswith("--every=")]
    named = {each for each in arguments if not each.startswith("--")}
    files = [
        each for each in hostile_files(every[0] if every else 1) if not named or {each.kind, each.language} & named
    ]
    with tempfile.TemporaryDirectory() as folder:
        program = program_in(Path(folder))
        rows: dict[str, list[Cost]] = {}
        for cost in costs(program, files):
            rows.setdefault(cost.file.language, []).append(cost)
            for name in broken_limits(cost):
                print(f"  {cost.file.name} breaks {name}: {_told(cost)}", flush=True)
    print("| language | files | left out | max index s | max open s | max latency ms | peak memory MiB | broken |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for language, found in rows.items():
        print(
            f"| {language} | {len(found)} | {sum(each.is_left_out for each in found)} "
            f"| {max(each.index_s for each in found):.2f} | {max(each.open_s for each in found):.2f} "
            f"| {max(each.latency_s for each in found) * 1e3:.0f} | {max(each.memory for each in found) >> 20} "
            f"| {sum(bool(broken_limits(each)) for each in found)} |"
        )
    return int(any(broken_limits(each) for found in rows.values() for each in found))


def program_in(folder: Path) -> Program:
    """Return the program with a tiny model, on an empty repository, all of it below a folder."""
    made = Program(folder / "home", folder / "repository", folder / "tiny.gguf")
    save_gguf(made.model, "qwen2", build_model("qwen2", max_position_embeddings=1024))
    made.configure(made.model)
    config = made.home / "config.toml"  # with the limits that users have: a test may wait longer for names
    config.write_text(config.read_text("utf-8").replace("[monitor]\ndeadline_ms = 10_000\n", ""), "utf-8")
    (made.root / ".git").mkdir(parents=True)
    made.write("fine.py", "def fine(a):\n    return a\n")
    return made


def _told(cost: Cost) -> str:
    return (
        f"{cost.file.language}, index {cost.index_s:.2f} s, open {cost.open_s:.2f} s,"
        f" latency {cost.latency_s * 1e3:.0f} ms, memory {cost.memory >> 20} MiB"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
