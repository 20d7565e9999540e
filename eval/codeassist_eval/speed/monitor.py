"""The benchmark of monitors: each task completed with and without them, on the same prompt, and judged.

A folder holds one run; the same run goes on where it was interrupted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from codeassist.completion.session import Session
from codeassist.monitor.monitor_set import AnalysisSource
from codeassist.request import AllowedNames, Analysis, AnalysisService, Completion, CompletionRequest
from codeassist.settings import Settings
from codeassist_eval.analysis.places import AskedPlace, places_of_tasks
from codeassist_eval.benchmarks.crosscodeeval import score
from codeassist_eval.edits.syntax_errors import num_errors
from codeassist_eval.runs.record_log import RecordLog, claim_log
from codeassist_eval.speed.monitor_figures import Answered, MonitorRecord
from codeassist_eval.tasks.claimed_folder import claim_folder
from codeassist_eval.tasks.identifiers import identifiers
from codeassist_eval.tasks.repositories import Repositories
from codeassist_eval.tasks.task import Task, in_prefix_order
from codeassist_indexer.analysis.service import RepositoryAnalysisService
from codeassist_indexer.ingest.update import update_file, update_index
from codeassist_indexer.repository import open_retriever
from codeassist_indexer.storage.store import Store, database_path

MAX_NEW_TOKENS = 48

_ANALYSIS_S = 60.0  # nobody types here: what an editor would give up is waited for where the deadline allows it

Report = Callable[[str, int, int | None], None]


def monitor_log(folder: Path, identity: Mapping[str, Any]) -> RecordLog[MonitorRecord]:
    """Open the log of a run in `folder`."""
    return claim_log(folder, "tasks.jsonl", identity, _as_record, lambda record: record.task_id)


class MonitorBench:
    """A session, and the repository of the task that came last: its index, which shows the task's file without the
    truth, and its analyst."""

    def __init__(
        self,
        open_session: Callable[[AnalysisSource], Session],
        repositories: Repositories,
        indexes: Path,
        settings: Settings,
    ) -> None:
        self._repositories = repositories
        self._databases = claim_folder(indexes)
        self._settings = settings
        self._folder: Path | None = None
        self._store: Store | None = None
        self._analyst: RepositoryAnalysisService | None = None
        self._shown: str | None = None
        self._warmed: set[str] = set()
        self.session = open_session(self)

    def find(self, request: CompletionRequest) -> AnalysisService | None:
        """Return the analyst of the last task's repository."""
        return self._analyst

    def measure(self, task: Task) -> MonitorRecord:
        """Complete a task with monitors and then, on the states that the cache holds of the prompt, without."""
        store, analyst = self._open(task)
        if task.path not in self._warmed:  # what an editor does in idle time
            self._warmed.add(task.path)
            analyst.warm(CompletionRequest(task.path, task.prefix, task.suffix))
        request = CompletionRequest(
            task.path,
            task.prefix,
            task.suffix,
            MAX_NEW_TOKENS,
            monitor_deadline_ms=float(self._settings.monitor.deadline_ms),
        )
        retriever = open_retriever(store, self._settings, deadline_ms=None)
        watched = self.session.complete(request, retriever)
        plain = self.session.complete(dataclasses.replace(request, monitor_deadline_ms=None), retriever)
        analysis = analyst.analyse(request)
        truth = self._known_places(task, task.groundtruth, analysis)
        return MonitorRecord(
            task_id=task.task_id,
            kind=task.kind,
            language=task.language,
            target=task.groundtruth,
            next_identifier=_first_identifier(task, task.groundtruth),
            answers={arm: self._judge(task, each, analysis) for arm, each in (("with", watched), ("without", plain))},
            weighing_ms=list(watched.trace.weighing_ms),
            acts=[dataclasses.asdict(act) for act in watched.trace.monitor_acts],
            mask_ms=list(watched.trace.monitor_ms),
            wait_ms=watched.trace.stage_ms.get("monitor_wait", 0.0),
            num_known=sum(allowed.strength == "sure" for _, allowed in truth),
            excluded=[
                asked.name for asked, allowed in truth if allowed.strength == "sure" and not _may_stand(asked, allowed)
            ],
        )

    def close(self) -> None:
        """Give index and analyst back."""
        if self._analyst is not None and self._store is not None:
            self._analyst.close()
            self._store.close()
        self._analyst = self._store = None
        self._databases.release()

    def _open(self, task: Task) -> tuple[Store, RepositoryAnalysisService]:
        folder = self._repositories.folder(task)
        if self._store is None or self._analyst is None or folder != self._folder:
            if self._analyst is not None and self._store is not None:
                self._analyst.close()
                self._store.close()
            self._folder, self._shown, self._warmed = folder, None, set()
            self._store = Store(database_path(folder, self._databases.path))
            update_index(self._store, folder)
            self._analyst = RepositoryAnalysisService(folder, self._store, _ANALYSIS_S)
        if self._shown is not None and self._shown != task.path:
            update_file(self._store, folder, self._shown)
        update_file(self._store, folder, task.path, task.prefix + task.suffix)
        self._shown = task.path
        return self._store, self._analyst

    def _judge(self, task: Task, completion: Completion, analysis: Analysis | None) -> Answered:
        text = completion.text
        places = [each for each in self._known_places(task, text, analysis) if each[1].strength == "sure"]
        return Answered(
            text,
            _first_identifier(task, text),
            score(task, text).values["em"],
            len(places),
            sum(_may_stand(asked, allowed) for asked, allowed in places),
            completion.trace.stage_ms["decode"],
            completion.trace.num_new_tokens,
            _parses(task, text),
        )

    def _known_places(
        self, task: Task, answer: str, analysis: Analysis | None
    ) -> list[tuple[AskedPlace, AllowedNames]]:
        """The places of an answer whose names the analysis knows."""
        if analysis is None:
            return []
        asked = places_of_tasks([dataclasses.replace(task, groundtruth=answer)], self._repositories)
        found = [(each, analysis.names(each.text, each.place)) for each in asked]
        return [(each, allowed) for each, allowed in found if allowed is not None]


def run_monitor_bench(
    bench: MonitorBench, tasks: Sequence[Task], log: RecordLog[MonitorRecord] | None, report: Report
) -> list[MonitorRecord]:
    """Measure the tasks that are not in the log yet; return the records of all."""
    done = {} if log is None else log.read()
    ordered = in_prefix_order(tasks)
    for number, task in enumerate(ordered):
        report("tasks", number, len(ordered))
        if task.task_id not in done:
            done[task.task_id] = record = bench.measure(task)
            if log is not None:
                log.append(record)
    return [done[task.task_id] for task in ordered]


def _may_stand(asked: AskedPlace, allowed: AllowedNames) -> bool:
    if asked.place.kind == "keyword" and not asked.is_keyword:
        return allowed.room != 0
    return asked.name in allowed.names


def _parses(task: Task, answer: str) -> bool | None:
    """Whether the file with the answer has no more syntax errors than with the truth; None without a grammar."""
    found, least = (num_errors(task.path, task.prefix + text + task.suffix) for text in (answer, task.groundtruth))
    return None if found is None or least is None else found <= least


def _first_identifier(task: Task, text: str) -> str | None:
    return next(iter(identifiers(task.language, text)), None)


def _as_record(data: Mapping[str, Any]) -> MonitorRecord:
    answers = {arm: Answered(**answer) for arm, answer in data["answers"].items()}
    return MonitorRecord(**{**data, "answers": answers})
