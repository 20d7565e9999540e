"""How soon a file that was worked on before gets its suggestion: from states on the disk, beside reading it anew.

Each task's file is completed at its cursor, closed and opened again, as by a program that was started anew (its files
in the system's cache); then somebody goes to the farthest line of the file, rests there, and comes back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from codeassist.completion.document_state import DocumentState
from codeassist.completion.session import Session
from codeassist.engine.cache.states_on_disk import StatesOnDisk
from codeassist.progress import Progress
from codeassist.request import Completion, CompletionRequest, NoRetriever
from codeassist_eval.benchmarks.crosscodeeval import BENCHMARK, score
from codeassist_eval.metrics.score import aggregate
from codeassist_eval.percentiles import percentiles
from codeassist_eval.tasks.task import Task

_MAX_NEW_TOKENS = 50
_MOST_BYTES = 1 << 34


@dataclass(frozen=True, slots=True)
class ReopeningFigures:
    """Milliseconds to read the prompt: all of it, and of a file `reopened`; as shares of reading all of it: of a file
    reopened, at the place that was `gone_to`, back at the one that was `left`. `put_away_ms`: what keeping takes.

    `em_read` and `em_reopened` in percent; `num_same` answers are the same to the letter.
    """

    num_tasks: int
    prompt_tokens: Mapping[str, float]
    read_ms: Mapping[str, float]
    reopened_ms: Mapping[str, float]
    reopened_share: Mapping[str, float]
    gone_to_share: Mapping[str, float]
    left_share: Mapping[str, float]
    put_away_ms: Mapping[str, float]
    mib_per_1000_tokens: float
    num_same: int
    em_read: float
    em_reopened: float


def measure_reopening(session: Session, tasks: Sequence[Task], progress: Progress) -> ReopeningFigures:
    """Measure a session of one engine on a disk of its own."""
    read: list[Completion] = []
    reopened: list[Completion] = []
    gone_to: list[float] = []
    left: list[float] = []
    put_away: list[float] = []
    num_bytes = 0
    with TemporaryDirectory() as name:
        for number, task in enumerate(tasks):
            folder = Path(name) / str(number) / "model"  # of its own: tasks of one repository would help each other
            progress("reopening", number, len(tasks))
            here, there = _requests(task)
            _restart(session, folder)
            document = _opened(task)
            read.append(_completed(session, here, document))
            began = time.perf_counter()
            document.close()
            put_away.append((time.perf_counter() - began) * 1e3)
            _restart(session, folder)
            num_bytes += sum(path.stat().st_size for path in folder.glob("*"))
            document = _opened(task)
            reopened.append(_completed(session, here, document))
            while session.engine.heal(document.cache(session.engine), 512):
                pass
            session.engine.keep(document.cache(session.engine))
            anew = _ms(session.complete(there, NoRetriever()))
            gone_to.append(_ms(_completed(session, there, document)) / anew)
            session.engine.keep(document.cache(session.engine))
            left.append(_ms(_completed(session, here, document)))
            document.discard()
        _restart(session, Path(name) / "none")
    whole = [_ms(each) for each in read]
    tokens = [each.trace.num_prompt_tokens for each in read]

    def shares(parts: Sequence[float]) -> Mapping[str, float]:
        return _spread((part / all_ms for part, all_ms in zip(parts, whole, strict=True)), 3)

    def exact(completions: Sequence[Completion]) -> float:
        scores = [score(task, each.text) for task, each in zip(tasks, completions, strict=True)]
        return aggregate(scores, BENCHMARK.aggregates)["em"]

    back = [_ms(each) for each in reopened]
    return ReopeningFigures(
        num_tasks=len(tasks),
        prompt_tokens=_spread(tokens, 0),
        read_ms=_spread(whole, 1),
        reopened_ms=_spread(back, 1),
        reopened_share=shares(back),
        gone_to_share=_spread(gone_to, 3),
        left_share=shares(left),
        put_away_ms=_spread(put_away, 1),
        mib_per_1000_tokens=round(num_bytes / 2**20 / sum(tokens) * 1000, 2),
        num_same=sum(one.text == other.text for one, other in zip(read, reopened, strict=True)),
        em_read=exact(read),
        em_reopened=exact(reopened),
    )


def _spread(values: Iterable[float], digits: int) -> Mapping[str, float]:
    found = percentiles(values, digits=digits)
    assert found is not None, "there are tasks"
    return found


def _requests(task: Task) -> tuple[CompletionRequest, CompletionRequest]:
    """A request at the task's cursor, and one at the beginning or the end of its file, whichever is farther."""
    here = CompletionRequest(task.path, task.prefix, task.suffix, _MAX_NEW_TOKENS, max_lines=1)
    text = task.prefix + task.suffix
    is_late = len(task.prefix) > len(task.suffix)
    cut = 1 + (text.find("\n") if is_late else text.rstrip().rfind("\n"))
    return here, replace(here, prefix=text[:cut], suffix=text[cut:])


def _opened(task: Task) -> DocumentState:
    document = DocumentState(task.task_id)
    document.outlives = True
    return document


def _restart(session: Session, folder: Path) -> None:
    """Let the engine know of what is on the disk no more than one that has just been made."""
    engine = session.engine
    if engine.on_disk is not None:
        engine.on_disk.close()
    engine.on_disk = StatesOnDisk(folder, engine.model.config, _MOST_BYTES)


def _completed(session: Session, request: CompletionRequest, document: DocumentState) -> Completion:
    return session.complete(request, NoRetriever(), document=document)


def _ms(completion: Completion) -> float:
    return completion.trace.stage_ms["prefill"]
