"""What the last edits bring in an ordinary completion's prompt: the same insertions completed with a short diff of them
in front, and without.

A task's next changes are cut where they only put text in: whole lines at a place of their own, which a user has opened,
or something inside of a line. What is asked for is the rest of that line. The diff stands where snippets of other files
stand, in the form that models know such files in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeassist.completion.completer import Completer
from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.forms.form import past_edits
from codeassist.request import CompletionRequest, NoRetriever, Retrieval, Retriever, Snippet
from codeassist_eval.edits.edit_task import EditTask
from codeassist_eval.metrics.similarity import levenshtein_similarity
from codeassist_eval.runs.record_log import claim_log
from codeassist_eval.runs.run_folder import METRICS, PREDICTIONS, write_json
from codeassist_eval.tasks.paired_bootstrap import bootstrap, count_solved

_MOST_EDITS, _CONTEXT_LINES, _MOST_HUNK_LINES = 4, 2, 24
_MAX_NEW_TOKENS = 48
_PATH = "last_edits.diff"


@dataclass(frozen=True, slots=True)
class Insertion:
    """A cursor where a commit puts `truth` in, the rest of a line; `prefix` and `suffix` are the text around it."""

    case_id: str
    task: EditTask
    path: str
    prefix: str
    suffix: str
    truth: str


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """What was completed for one insertion, without the diff and with it; `num_diff_chars`: how long that was."""

    case_id: str
    truth: str
    plain: str
    with_diff: str
    num_diff_chars: int
    plain_ms: float
    with_diff_ms: float


def insertions(task: EditTask) -> Iterator[Insertion]:
    """Yield the insertions among a task's next changes."""
    for number, change in enumerate(task.targets):
        lines = task.request.files[change.path].split("\n")
        found = _new_line(lines, change) if not change.old else _inside_line(lines, change)
        if found is not None and found[2].strip():
            yield Insertion(f"{task.task_id}/{number}", task, change.path, *found)


def _new_line(lines: Sequence[str], change: LineChange) -> tuple[str, str, str] | None:
    first = next((line for line in change.new if line.strip()), None)
    if first is None:
        return None
    above = [*lines[: change.start_line], *change.new[: change.new.index(first)]]
    code = first.lstrip()
    indent = first[: len(first) - len(code)]
    return "".join(f"{line}\n" for line in above) + indent, "\n" + "\n".join(lines[change.start_line :]), code


def _inside_line(lines: Sequence[str], change: LineChange) -> tuple[str, str, str] | None:
    """Where a change of one line only puts something into it."""
    if len(change.old) != 1 or len(change.new) != 1:
        return None
    old, new = change.old[0], change.new[0]
    head = next((at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), len(old))
    tail = len(old) - head
    if len(new) <= len(old) or not new.endswith(old[head:]):
        return None
    above, below = lines[: change.start_line], lines[change.start_line + 1 :]
    prefix = "".join(f"{line}\n" for line in above) + new[:head]
    return prefix, "\n".join([old[head:], *below]), new[head : len(new) - tail]


def diff_of(request: EditRequest) -> str:
    """Return the last edits as a short unified diff, the oldest first."""
    parts: list[str] = []
    for past in past_edits(request, _MOST_EDITS, _CONTEXT_LINES):
        path, hunk = past.change.path, past.hunk().split("\n")
        parts.append(f"--- a/{path}\n+++ b/{path}\n" + "\n".join(hunk[:_MOST_HUNK_LINES]).rstrip("\n") + "\n")
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class _Given:
    snippet: Snippet

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        return Retrieval((self.snippet,))


def measure_history(
    cases: Sequence[Insertion],
    open_completer: Callable[[], Completer],
    out: Path,
    identity: Mapping[str, Any],
    note: Callable[[int], None],
    seed: int,
) -> dict[str, Any]:
    """Complete what `out` lacks of the cases, both ways, and return the figures, which go there too."""
    log = claim_log(out, PREDICTIONS, identity, lambda value: HistoryRecord(**value), lambda record: record.case_id)
    records = log.read()
    todo = [case for case in cases if case.case_id not in records]
    completer = open_completer() if todo else None
    for number, case in enumerate(todo):
        assert completer is not None
        note(len(cases) - len(todo) + number)
        records[case.case_id] = _record(case, completer)
        log.append(records[case.case_id])
    if completer is not None:
        completer.close()
    figures = history_figures([records[case.case_id] for case in cases], seed)
    write_json(out / METRICS, figures)
    return figures


def _record(case: Insertion, completer: Completer) -> HistoryRecord:
    diff = diff_of(case.task.request)
    snippet = Snippet(_PATH, diff, 1, 1 + diff.count("\n"), "last edits", 1.0, "the last edits")
    (plain, plain_ms), (with_diff, with_diff_ms) = (
        _completed(case, completer, retriever) for retriever in (NoRetriever(), _Given(snippet))
    )
    return HistoryRecord(case.case_id, case.truth, plain, with_diff, len(diff), plain_ms, with_diff_ms)


def _completed(case: Insertion, completer: Completer, retriever: Retriever) -> tuple[str, float]:
    request = CompletionRequest(
        case.path,
        case.prefix,
        case.suffix,
        max_new_tokens=_MAX_NEW_TOKENS,
        repository=case.task.repository,
        language=case.task.language,
    )
    completion = completer.complete(request, retriever)
    return completion.text, completion.trace.stage_ms.get("total", 0.0)


def history_figures(records: Sequence[HistoryRecord], seed: int) -> dict[str, Any]:
    """Return exact match and edit similarity both ways, in percent, and the difference with its interval."""
    if not records:
        return {"cases": 0}
    truths = [each.truth.strip() for each in records]
    answers = [_line(each.plain) for each in records], [_line(each.with_diff) for each in records]
    exact = [[answer == truth for answer, truth in zip(side, truths, strict=True)] for side in answers]
    similar = [
        [100 * levenshtein_similarity(answer, truth) for answer, truth in zip(side, truths, strict=True)]
        for side in answers
    ]
    counts = count_solved(exact[0], exact[1])
    exact_interval = bootstrap([100.0 * each for each in exact[0]], [100.0 * each for each in exact[1]], seed)
    similar_interval = bootstrap(similar[0], similar[1], seed)
    return {
        "cases": len(records),
        "exact_plain": 100 * sum(exact[0]) / len(records),
        "exact_with_diff": 100 * sum(exact[1]) / len(records),
        "similarity_plain": sum(similar[0]) / len(records),
        "similarity_with_diff": sum(similar[1]) / len(records),
        "exact_difference": [exact_interval.mean, exact_interval.low, exact_interval.high],
        "similarity_difference": [similar_interval.mean, similar_interval.low, similar_interval.high],
        "only_plain": counts.only_first,
        "only_with_diff": counts.only_second,
        "p_value": counts.p_value,
        "diff_chars": sum(each.num_diff_chars for each in records) / len(records),
    }


def _line(answer: str) -> str:
    return answer.split("\n")[0].strip()
