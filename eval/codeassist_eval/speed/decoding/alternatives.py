"""What three suggestions for one place cost: made one after the other, and in the same passes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from codeassist.completion.document_state import DocumentState
from codeassist.completion.pipeline import Job
from codeassist.completion.session import Session
from codeassist.request import CompletionRequest, NoRetriever
from codeassist_eval.tasks.task import Task

NUM_WANTED = 3
_TEXT_CHARS = 3000
_MAX_NEW_TOKENS = 64
_BLOCK_LINES = 12
Report = Callable[[str, int, int], None]


@dataclass(slots=True)
class AlternativeFigures:
    """Milliseconds of each place, behind a prompt that is read already; `num_same` of the answers do not differ."""

    one_by_one_ms: list[float]
    together_ms: list[float]
    num_same: int = 0


def measure_alternatives(
    session: Session, tasks: Sequence[Task], num_places: int, report: Report
) -> AlternativeFigures:
    """Ask for a line and for a block at each task's cursor, both ways."""
    found = AlternativeFigures([], [])
    for number, task in enumerate(tasks[:num_places], 1):
        prefix, suffix = task.prefix[-_TEXT_CHARS:], task.suffix[: _TEXT_CHARS // 2]
        line = CompletionRequest(task.path, prefix, suffix, _MAX_NEW_TOKENS, 1)
        for request in (line, replace(line, extent="block", max_lines=_BLOCK_LINES)):
            document = DocumentState(task.path)
            session.complete(request, NoRetriever(), document=document)
            began = time.perf_counter()
            apart = [
                session.complete(replace(request, alternative=n), NoRetriever(), document=document).text
                for n in range(NUM_WANTED)
            ]
            between = time.perf_counter()
            together = session.alternatives(Job(request, NoRetriever(), document), NUM_WANTED)
            texts = [each.text for each in together]
            found.one_by_one_ms.append((between - began) * 1e3)
            found.together_ms.append((time.perf_counter() - between) * 1e3)
            found.num_same += sum(one == other for one, other in zip(apart, texts, strict=True))
            document.close()
        report("alternatives", number, num_places)
    return found
