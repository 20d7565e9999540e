"""A process in the reader's place that does what the text of a question says."""

from __future__ import annotations

import json
import os
import signal

from codeassist_indexer.open_document.reader_messages import answer_line, failure_line, read_question
from codeassist_indexer.workers.question_loop import answer_questions


def main() -> None:
    """Do what each line says."""
    answer_questions(_answer, 0.2, 1 << 30)


def _answer(line: str) -> str:
    kind, values = read_question(line)
    text = values[1] if kind != "place" else values[2]
    match text:
        case "loop":
            while True:
                pass
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "fail":
            return failure_line("Traceback: a bug of ours")
        case "babble":
            return "[" * 100_000
        case "lie":
            return answer_line("rm -rf /")
        case _ if kind == "imports":
            return answer_line([["os", "", "os", json.loads(text)]])
        case _ if kind == "secrets":
            return answer_line(json.loads(text))
        case _ if kind == "fit":
            return answer_line([text.rstrip(), 0])
    return answer_line(True)
