"""Comparing runs: intervals and counts against known values, and what cannot be compared."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from codeassist.request import CompletionRequest, NoRetriever
from codeassist_eval.benchmarks.crosscodeeval import BENCHMARK, load_tasks
from codeassist_eval.errors import EvaluationError
from codeassist_eval.reports.compare import compare, read_runs
from codeassist_eval.reports.report import page, write_report
from codeassist_eval.runs.manifest import claim_folder, make_manifest
from codeassist_eval.runs.run import run_tasks
from codeassist_eval.runs.schedule import Limits, Tasks
from codeassist_eval.tasks.paired_bootstrap import bootstrap, count_solved
from tests.eval.fakes import FakeCompleter, row, write_rows


def finished_run(tmp_path: Path, name: str, answers: list[str], first_task: int = 0) -> Path:
    rows = [row(f"demo/{first_task + i}", metadata__kind="<args>") for i in range(len(answers))]
    path = write_rows(tmp_path / f"{name}.jsonl", rows)
    out = tmp_path / name
    manifest = make_manifest(
        benchmark="crosscodeeval", tasks_path=path, language=None, limit=None, seed=0, context=name, model="fake",
        model_sha256=None, settings={}, command=f"codeassist eval run --out {name}", facts={},
    )  # fmt: skip
    claim_folder(out, manifest)
    given = iter(answers)

    def answer(request: CompletionRequest) -> str:
        return next(given)

    limits = Limits(50, None)
    schedule = Tasks(FakeCompleter(answer), lambda task: NoRetriever(), limits)
    run_tasks(BENCHMARK, load_tasks(path), schedule, out)
    return out


RIGHT, WRONG = "area(2, 3))\n", "volume(1))\n"


def test_counts_and_examples(tmp_path: Path) -> None:
    before = finished_run(tmp_path, "before", [RIGHT, WRONG, WRONG, WRONG, RIGHT])
    after = finished_run(tmp_path, "after", [RIGHT, RIGHT, RIGHT, WRONG, WRONG])

    comparison = compare(read_runs([before, after]), seed=1, num_examples=1)

    assert comparison.metrics["before"]["em"] == 40 and comparison.metrics["after"]["em"] == 60
    (other,) = comparison.against_first
    assert (other.solved.both, other.solved.only_first, other.solved.only_second, other.solved.neither) == (1, 1, 2, 1)
    assert other.solved.p_value == 1
    assert [example.task_id for example in other.gained] == ["demo/1"]
    assert (other.lost[0].task_id, other.lost[0].first, other.lost[0].second) == (
        "demo/4",
        RIGHT.strip(),
        WRONG.strip(),
    )
    assert other.intervals["em"].mean == 20
    assert other.intervals["em"].low < 20 < other.intervals["em"].high
    assert comparison == compare(read_runs([before, after]), seed=1, num_examples=1)


def test_only_common_tasks_count(tmp_path: Path) -> None:
    one = finished_run(tmp_path, "one", [RIGHT, WRONG, WRONG])
    other = finished_run(tmp_path, "other", [RIGHT, RIGHT, RIGHT], first_task=1)

    comparison = compare(read_runs([one, other]), seed=0, num_examples=0)

    assert (comparison.num_tasks, comparison.num_left_out) == (2, 2)
    assert comparison.metrics["one"]["em"] == 0

    apart = finished_run(tmp_path, "apart", [RIGHT], first_task=9)
    with pytest.raises(EvaluationError, match="one, apart: have no task in common"):
        compare(read_runs([one, apart]), seed=0, num_examples=0)


def test_unfinished_and_foreign_folders_are_refused(tmp_path: Path) -> None:
    run = finished_run(tmp_path, "run", [RIGHT])
    (run / "metrics.json").unlink()

    with pytest.raises(EvaluationError, match="has not finished; go on with: codeassist eval run --out run"):
        read_runs([run])
    with pytest.raises(EvaluationError, match="no such folder"):
        read_runs([tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvaluationError, match=r"manifest\.json: no such file"):
        read_runs([tmp_path / "empty"])


def test_the_bootstrap_interval_covers_the_true_difference() -> None:
    """The 95% interval holds the truth in about 95 of 100 experiments; under 85 the interval would be wrong."""
    generator = random.Random(5)
    covered = 0
    for seed in range(100):
        first = [float(generator.random() < 0.4) for _ in range(80)]
        second = [float(generator.random() < 0.5) for _ in range(80)]
        interval = bootstrap(first, second, seed)
        covered += interval.low <= 0.1 <= interval.high

    assert 85 <= covered <= 100


def test_the_bootstrap_is_paired() -> None:
    """Two runs that differ by the same amount on every task differ by exactly that, however much tasks vary."""
    first = [float(n % 7) for n in range(50)]

    interval = bootstrap(first, [value + 1 for value in first], seed=0)

    assert (interval.mean, interval.low, interval.high) == (1, 1, 1)


def test_mcnemar_is_the_exact_binomial() -> None:
    """Against every outcome of the coins, counted one by one."""
    first = [True] * 2 + [False] * 7 + [True] * 4
    second = [False] * 2 + [True] * 7 + [True] * 4

    counts = count_solved(first, second)

    outcomes = [sum(coins) for coins in itertools.product((0, 1), repeat=9)]
    as_lopsided = sum(heads <= 2 or heads >= 7 for heads in outcomes)
    assert counts.p_value == as_lopsided / len(outcomes)
    assert count_solved([True], [True]).p_value == 1


def test_reports_stand_alone_and_escape_what_models_say(tmp_path: Path) -> None:
    one = finished_run(tmp_path, "one", [RIGHT, "<script>alert(1)</script>"])
    other = finished_run(tmp_path, "other", [WRONG, "<script>alert(1)</script>\ud800"])
    runs = read_runs([one, other])

    write_report(tmp_path / "pages" / "report.html", runs)

    text = (tmp_path / "pages" / "report.html").read_text()
    assert "<script" not in text and "&lt;args&gt;" in text
    assert "http" not in text.split("data:image")[0] and 'src="data:image/png;base64,' in text
    pictures = sorted((tmp_path / "pages" / "plots").iterdir())
    assert [path.name for path in pictures] == [
        "kinds.png", "prompt_tokens.png", "quality.png", "seconds.png", "stages.png",
    ]  # fmt: skip
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    alone = page(runs[:1], {})
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in alone and "1 of 1 tasks that were not solved" in alone
