"""The runner: what it writes, how it goes on after any interruption, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from codeassist.errors import ModelError
from codeassist.request import CompletionRequest, Extent, NoRetriever, Retrieval, Retriever
from codeassist_eval.benchmarks.crosscodeeval import BENCHMARK, load_tasks
from codeassist_eval.contexts.registry import open_contexts
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.score import Score
from codeassist_eval.runs.manifest import claim_folder, make_manifest
from codeassist_eval.runs.run import run_tasks
from codeassist_eval.runs.run_folder import Record, read_records, read_scores
from codeassist_eval.runs.schedule import Limits, Tasks
from codeassist_eval.tasks.repositories import open_repositories
from codeassist_eval.tasks.task import Task
from tests.eval.fakes import NOBODY, FakeCompleter, demo_repository, row, write_rows

LIMITS = Limits(max_new_tokens=50, max_lines=None)


def tasks_of(tmp_path: Path, count: int = 6) -> tuple[Task, ...]:
    rows = [row(f"demo/{i}", metadata__kind="args" if i % 2 else "name") for i in range(count)]
    return load_tasks(write_rows(tmp_path / "tasks.jsonl", rows))


def no_context(task: Task) -> Retriever:
    return NoRetriever()


def right(request: CompletionRequest) -> str:
    return "area(2, 3))\n"


def every_third_wrong() -> FakeCompleter:
    answers = iter(["area(2, 3))\n", "area(2, 3))\n", "volume(1))\n"] * 10)
    return FakeCompleter(lambda request: next(answers))


def out_folder(tmp_path: Path, name: str = "out") -> Path:
    out = tmp_path / name
    out.mkdir()
    return out


def test_writes_predictions_scores_and_metrics(tmp_path: Path) -> None:
    tasks, out = tasks_of(tmp_path), out_folder(tmp_path)

    metrics = run_tasks(BENCHMARK, tasks, Tasks(every_third_wrong(), no_context, LIMITS), out)

    assert (metrics["n"], metrics["em"], metrics["line_em"]) == (6, 66.67, 66.67)
    assert metrics["by_kind"]["args"]["n"] == 3
    assert metrics["seconds"]["by_stage"]["decode"] == 0.001
    assert metrics["prompt_tokens"] == 5
    assert json.loads((out / "metrics.json").read_text()) == metrics
    records = read_records(out / "predictions.jsonl")
    assert list(records) == [task.task_id for task in tasks]
    assert records["demo/2"].pred == "volume(1))\n" and records["demo/2"].seconds > 0
    assert read_scores(out / "scores.jsonl")["demo/2"].values["em"] == 0


def test_goes_on_where_it_stopped(tmp_path: Path) -> None:
    tasks, out = tasks_of(tmp_path), out_folder(tmp_path)
    whole = run_tasks(BENCHMARK, tasks, Tasks(FakeCompleter(right), no_context, LIMITS), out_folder(tmp_path, "whole"))

    def stops_at_the_fourth(request: CompletionRequest) -> str:
        if len(stopping.requests) == 4:
            raise KeyboardInterrupt
        return "area(2, 3))\n"

    stopping = FakeCompleter(stops_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        run_tasks(BENCHMARK, tasks, Tasks(stopping, no_context, LIMITS), out)
    assert len(read_records(out / "predictions.jsonl")) == 3
    assert not (out / "metrics.json").exists()

    resumed = FakeCompleter(right)
    metrics = run_tasks(BENCHMARK, tasks, Tasks(resumed, no_context, LIMITS), out)

    assert len(resumed.requests) == 3
    assert {name: metrics[name] for name in ("n", "em", "es")} == {name: whole[name] for name in ("n", "em", "es")}


def test_every_torn_last_line_is_redone(tmp_path: Path) -> None:
    tasks, out = tasks_of(tmp_path, 2), out_folder(tmp_path)
    run_tasks(BENCHMARK, tasks, Tasks(FakeCompleter(right), no_context, LIMITS), out)
    path = out / "predictions.jsonl"
    whole = path.read_bytes()
    first_end = whole.index(b"\n") + 1

    for cut in range(first_end, len(whole), 7):
        path.write_bytes(whole[:cut])
        completer = FakeCompleter(right)
        run_tasks(BENCHMARK, tasks, Tasks(completer, no_context, LIMITS), out)
        assert len(completer.requests) == 1
        assert list(read_records(path)) == ["demo/0", "demo/1"]


def test_damage_inside_the_file_is_named_not_lost(tmp_path: Path) -> None:
    tasks, out = tasks_of(tmp_path, 3), out_folder(tmp_path)
    run_tasks(BENCHMARK, tasks, Tasks(FakeCompleter(right), no_context, LIMITS), out)
    path = out / "predictions.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + "{oops\n" + lines[2])

    with pytest.raises(EvaluationError, match=r"predictions\.jsonl, line 2: not JSON"):
        run_tasks(BENCHMARK, tasks, Tasks(FakeCompleter(right), no_context, LIMITS), out)

    assert path.read_text() == lines[0] + "{oops\n" + lines[2]


def test_a_prediction_of_another_run_is_refused(tmp_path: Path) -> None:
    tasks, out = tasks_of(tmp_path, 3), out_folder(tmp_path)
    run_tasks(BENCHMARK, tasks, Tasks(FakeCompleter(right), no_context, LIMITS), out)

    with pytest.raises(EvaluationError, match="'demo/2', no task of this run"):
        run_tasks(BENCHMARK, tasks[:2], Tasks(FakeCompleter(right), no_context, LIMITS), out)


def test_one_failing_task_costs_only_itself(tmp_path: Path) -> None:
    tasks, out = tasks_of(tmp_path), out_folder(tmp_path)

    def fails_once(request: CompletionRequest) -> str:
        if len(completer.requests) == 2:
            raise ModelError("out of memory")
        return "area(2, 3))\n"

    completer = FakeCompleter(fails_once)
    with pytest.raises(EvaluationError, match=r"1 tasks failed, the first is 'demo/1': out of memory.*5 of 6"):
        run_tasks(BENCHMARK, tasks, Tasks(completer, no_context, LIMITS), out)

    again = FakeCompleter(right)
    assert run_tasks(BENCHMARK, tasks, Tasks(again, no_context, LIMITS), out)["n"] == 6
    assert len(again.requests) == 1


def test_an_engine_that_died_is_not_asked_for_every_task(tmp_path: Path) -> None:
    tasks, out = tasks_of(tmp_path, 20), out_folder(tmp_path)

    def dies(request: CompletionRequest) -> str:
        if len(completer.requests) > 4:
            raise ModelError("connection refused")
        return "area(2, 3))\n"

    completer = FakeCompleter(dies)
    with pytest.raises(EvaluationError, match=r"'demo/4': connection refused; stopped after 3.*4 of 20"):
        run_tasks(BENCHMARK, tasks, Tasks(completer, no_context, LIMITS), out)

    assert len(completer.requests) == 7
    assert len(read_records(out / "predictions.jsonl")) == 4


def test_requests_carry_the_task_and_the_limits(tmp_path: Path) -> None:
    (task,), out = tasks_of(tmp_path, 1), out_folder(tmp_path)
    completer = FakeCompleter(right)

    run_tasks(BENCHMARK, [task], Tasks(completer, no_context, Limits(12, 1, seed=5)), out)

    assert completer.requests == [
        CompletionRequest("main.py", task.prefix, task.suffix, max_new_tokens=12, max_lines=1, seed=5)
    ]


@pytest.mark.parametrize(
    ("prefix", "extent", "max_lines"), [("def area(a, b):\n    ", "block", 16), ("x = area(a", "lines", 1)]
)
def test_as_an_editor_asks(tmp_path: Path, prefix: str, extent: Extent, max_lines: int) -> None:
    (task,), out = tasks_of(tmp_path, 1), out_folder(tmp_path)
    completer = FakeCompleter(right)

    task = replace(task, prefix=prefix, suffix="\n")
    run_tasks(BENCHMARK, [task], Tasks(completer, no_context, Limits(12, 16, as_editor=True)), out)

    assert [(asked.extent, asked.max_lines) for asked in completer.requests] == [(extent, max_lines)]


def test_the_truth_cannot_leak_from_the_target_file(tmp_path: Path) -> None:
    tasks, out = tasks_of(tmp_path, 1), out_folder(tmp_path)
    repositories = open_repositories(demo_repository(tmp_path / "repos"), tmp_path / "cache")

    with open_contexts("bm25", tasks, repositories, tmp_path / "cache", NOBODY) as retriever_for:
        run_tasks(BENCHMARK, tasks, Tasks(FakeCompleter(right), retriever_for, LIMITS), out)

    (record,) = read_records(out / "predictions.jsonl").values()
    assert [used.path for used in record.snippets] == ["shapes.py"]


def test_watchers_see_every_task_once_also_the_resumed(tmp_path: Path) -> None:
    tasks, out = tasks_of(tmp_path, 4), out_folder(tmp_path)

    class Counting:
        def __init__(self) -> None:
            self.seen: list[tuple[str, float]] = []

        def task_done(self, record: Record, score: Score) -> None:
            self.seen.append((record.task_id, score.values["em"]))

    run_tasks(BENCHMARK, tasks, Tasks(every_third_wrong(), no_context, LIMITS), out)
    path = out / "predictions.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    watcher = Counting()
    run_tasks(BENCHMARK, tasks, Tasks(FakeCompleter(right), no_context, LIMITS), out, watcher)

    assert watcher.seen == [("demo/0", 1), ("demo/1", 1), ("demo/2", 0), ("demo/3", 1)]


def test_a_folder_holds_one_run(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "tasks.jsonl", [row()])
    out = tmp_path / "deep" / "out"

    def manifest(context: str) -> dict[str, object]:
        return make_manifest(
            benchmark="crosscodeeval", tasks_path=path, language=None, limit=None, seed=0, context=context,
            model="fake", model_sha256=None, settings={"max_lines": 1}, command="codeassist eval run", facts={},
        )  # fmt: skip

    claim_folder(out, manifest("bm25"))
    claim_folder(out, manifest("bm25"))

    with pytest.raises(EvaluationError, match="its context was bm25, now it is none; choose another --out"):
        claim_folder(out, manifest("none"))
    written = json.loads((out / "manifest.json").read_text())
    assert written["tasks_file"] == "tasks.jsonl" and written["versions"]["python"]


def test_the_harness_is_whatever_is_not_the_engines_work(tmp_path: Path) -> None:
    """By a clock that stands still unless somebody works."""
    tasks = tasks_of(tmp_path, 4)
    now = 0.0

    def answer(request: CompletionRequest) -> str:
        nonlocal now
        now += 0.001  # as the fake says of its decoding
        return "area(2, 3))"

    class Finding:
        def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
            nonlocal now
            now += 0.25
            return Retrieval()

    schedule = Tasks(FakeCompleter(answer, lambda: now), lambda task: Finding(), LIMITS, clock=lambda: now)
    for outcome in schedule.outcomes(tasks):
        assert isinstance(outcome, Record) and outcome.seconds == pytest.approx(0.251)
        now += 0.5  # written and scored

    assert schedule.idle_s == pytest.approx(4 * 0.75)
    again = Tasks(FakeCompleter(answer, lambda: now), lambda task: Finding(), LIMITS, clock=lambda: now)
    metrics = run_tasks(BENCHMARK, tasks, again, out_folder(tmp_path), clock=lambda: now)
    assert metrics["harness"] == {"tasks": 4, "seconds": 1.0, "share": pytest.approx(1.0 / 1.004, abs=1e-4)}
