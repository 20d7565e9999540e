"""A program between an editor and its language server: passes every byte on, and writes each message down.

Usage: wire.py LOG COMMAND...; LOG gets lines {"from": "editor" or "server", "message": {...}}.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO


def messages(stream: IO[bytes]) -> Iterator[tuple[bytes, object]]:
    """The bodies of a stream's messages, with their bytes as they came."""
    while True:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = stream.read(1)
            if not byte:
                return
            head += byte
        lines = head.decode("ascii").lower().split("\r\n")
        [length] = [int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")]
        body = stream.read(length)
        yield head + body, json.loads(body)


def main() -> int:
    log, lock = Path(sys.argv[1]), threading.Lock()
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def copy(name: str, source: IO[bytes], to: IO[bytes]) -> None:
        for data, message in messages(source):
            with lock, log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"from": name, "message": message}) + "\n")
            to.write(data)
            to.flush()
        to.close()

    threading.Thread(target=copy, args=("editor", sys.stdin.buffer, server.stdin), daemon=True).start()
    copy("server", server.stdout, sys.stdout.buffer)
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
