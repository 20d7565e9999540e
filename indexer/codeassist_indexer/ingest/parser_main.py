"""The process that parses files: it is sent texts, and may be killed by any of them.

Each file may take so much processor time; the system ends the process that goes on longer, also inside a parser
written in C. It reads no files but this program's own.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator

from codeassist_indexer.ingest.file_messages import ParsedText, answer_line, read_question
from codeassist_indexer.ingest.secrets import redact
from codeassist_indexer.languages.parsing.parse import parse_file
from codeassist_indexer.storage.lexical import code_tokens
from codeassist_indexer.workers.confinement import confine

FILE_CPU_S = 2.0
"""A file of 1 MB, the largest that is indexed, takes 0.3 to 0.6 s (2 cores, AVX-512, 2026-11-30)."""
MEMORY_BYTES = 1 << 30
_IDLE_S = 60.0


def main() -> None:
    """Answer each line of standard input until it ends, or until none has come for a minute."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever prints must not speak between the answers
    lines = _lines()
    if next(lines, "") == "background" and hasattr(os, "nice"):
        os.nice(19)
    confine([], MEMORY_BYTES)
    output.write("ready\n")
    output.flush()
    for line in lines:
        _limit_time(FILE_CPU_S)
        answer = answer_line(parse_text(*read_question(line)))
        _limit_time(0)
        output.write(answer + "\n")
        output.flush()


def parse_text(path: str, text: str) -> ParsedText:
    """Clear a file's text of secrets, parse it, and split its chunks into tokens."""
    try:
        redaction = redact(text)
        parsed = parse_file(path, redaction.text)
        if parsed is None:
            return ParsedText(None, skip_reason="language is not indexed")
        tokens = tuple(" ".join(code_tokens(chunk.text, parsed.language)) for chunk in parsed.chunks)
    except RecursionError:
        return ParsedText(None, skip_reason="nested too deeply")
    except MemoryError:
        return ParsedText(None, skip_reason="takes too much memory to parse")
    return ParsedText(parsed, tokens, len(redaction.lines))


def _lines() -> Iterator[str]:
    """The lines of the input, until it ends or none has come for a minute (Windows: until it ends)."""
    rest = bytearray()
    searched = 0
    while _has_input():
        block = os.read(0, 1 << 20)
        if not block:
            return
        rest += block
        while (end := rest.find(b"\n", searched)) >= 0:
            line = rest[:end].decode("ascii")
            del rest[: end + 1]
            searched = 0
            yield line
        searched = len(rest)


def _has_input() -> bool:
    return sys.platform == "win32" or bool(select.select([0], [], [], _IDLE_S)[0])


def _limit_time(cpu_s: float) -> None:
    """End this process after so much processor time from now; 0: not at all. Windows has no such timer."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, cpu_s)


if __name__ == "__main__":
    main()
