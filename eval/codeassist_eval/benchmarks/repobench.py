"""RepoBench v1.1: the next line, from rows that bring their own cross-file snippets.

Rows: `repo_name`, `file_path`, `context` (each `identifier`, `path`, `snippet`), `import_statement`, `cropped_code`,
`all_code`, `next_line`, `gold_snippet_index`, `created_at`, `level`; the setting (cross_file_first, cross_file_random,
in_file) is the name of the file. Scores follow Leolty/repobench, `evaluation/metrics.py` and `eval.py`, which know no
task ids: a row's is `setting/number`, from 0 as their `idx`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from codeassist.request import Snippet
from codeassist_eval.contexts.baselines import Ranker
from codeassist_eval.errors import EvaluationError
from codeassist_eval.metrics.benchmark import Benchmark
from codeassist_eval.metrics.score import Aggregate, Score
from codeassist_eval.metrics.similarity import fuzz_ratio
from codeassist_eval.tasks.first_line import first_code_line
from codeassist_eval.tasks.rows import Row, read_rows, unique_by_id
from codeassist_eval.tasks.task import Task, language_of, repository_path
from codeassist_eval.tasks.windows import snippet_windows, words

SETTINGS = ("cross_file_first", "cross_file_random", "in_file")
LEVELS = ("2k", "4k", "8k", "12k", "16k", "24k", "32k", "64k", "128k")

_ACCURACY_AT = (1, 3, 5)
_COLUMNS = [
    "repo_name", "file_path", "context", "import_statement", "cropped_code", "next_line", "gold_snippet_index",
    "created_at", "level",
]  # fmt: skip
_ROWS_AT_A_TIME = 256

# `evaluation/metrics.py` rounds means to five decimals, `eval.py` then rounds again to two.
_AGGREGATES = {"em": Aggregate(100, decimals_of_mean=5), "es": Aggregate(1, decimals_of_mean=5)}


def load_tasks(path: Path) -> tuple[Task, ...]:
    """Read one setting: a file, JSON lines or parquet, or a folder of its parquet files, in the order of their names.

    Raise `EvaluationError` on the first row of another schema.
    """
    setting = next((setting for setting in SETTINGS if setting in path.name), path.stem)
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    rows = enumerate(
        row for file in files for row in (parquet_rows(file) if file.suffix == ".parquet" else read_rows(file))
    )
    tasks = ((number + 1, task.task_id, task) for number, row in rows for task in [_task(row, f"{setting}/{number}")])
    return tuple(unique_by_id(path, tasks).values())


def score(task: Task, prediction: str) -> Score:
    """Score one next line.

    Quirks: of the prediction the first line that is code counts; EM ignores every difference of white space between
    words; `eval.py` hands the truth over as the prediction, and difflib's ratio is not symmetric.
    """
    judged = first_code_line(task.language, prediction)
    target = task.groundtruth
    values = {"em": float(judged.split() == target.split()), "es": float(fuzz_ratio(target, judged))}
    return Score(task.task_id, judged, target, values)


def retrieval_accuracy(rankings: Sequence[Sequence[int]], gold: Sequence[int], k: int) -> float:
    """Return the share of rankings, best first, whose first `k` hold the gold snippet, with five decimals.

    Raise `EvaluationError` where a ranking is shorter than `k`, as the official script does.
    """
    if not gold or len(gold) != len(rankings):
        raise EvaluationError(f"{len(rankings)} rankings for {len(gold)} gold snippets; give one each, at least one")
    for number, ranking in enumerate(rankings):
        if len(ranking) < k:
            raise EvaluationError(f"ranking {number} holds {len(ranking)} snippets, fewer than k = {k}")
    hits = sum(index in ranking[:k] for ranking, index in zip(rankings, gold, strict=True))
    return round(hits / len(gold), 5)


def rank_provided(tasks: Sequence[Task], ranker: Ranker, query_lines: int) -> dict[str, float]:
    """Return how often a ranking of the rows' own snippets has the gold one among its first 1, 3 and 5.

    Only rows with a gold snippet and at least 5 snippets count: RepoBench has no others. `n` says how many; {} if none.
    """
    counted = [task for task in tasks if task.gold_snippet is not None and len(task.provided) >= max(_ACCURACY_AT)]
    if not counted:
        return {}
    rankings: list[list[int]] = []
    for task in counted:
        lines = [line for line in task.prefix.split("\n") if line.strip()]
        scores = ranker(words("\n".join(lines[-query_lines:])), snippet_windows(task.provided))
        rankings.append(sorted(range(len(scores)), key=lambda index: -scores[index]))
    gold = [task.gold_snippet for task in counted if task.gold_snippet is not None]
    return {"n": len(counted)} | {f"accuracy@{k}": retrieval_accuracy(rankings, gold, k) for k in _ACCURACY_AT}


def prediction_of(row: Row, tasks: Sequence[Task]) -> tuple[str, str]:
    """Read our prediction rows, or RepoBench's own (`idx`, `pred`, `gt`).

    The official runner numbers the rows that its filters left: with other filters here, `gt` is another line's truth.
    """
    if "task_id" in row.data:
        return row.require("task_id", str), row.require("pred", str)
    index = row.require("idx", int)
    if not 0 <= index < len(tasks):
        raise row.error(f"field 'idx' is {index}, but there are {len(tasks)} tasks; give the filters of its run")
    truth = row.optional("gt", str)
    if truth and truth != tasks[index].groundtruth:
        raise row.error(
            f"field 'gt' is not the next line of task {tasks[index].task_id}; give the file and the filters of its run "
            "(--level, --created-from, --created-to)"
        )
    return tasks[index].task_id, row.require("pred", str)


def _task(row: Row, task_id: str) -> Task:
    path = repository_path(row.require("file_path", str))
    language = language_of(path) if path is not None else None
    if path is None or language is None:
        raise row.error(f"field 'file_path' names no source file: {row.data['file_path']}")
    level = row.require("level", str)
    if level not in LEVELS:
        raise row.error(f"field 'level' is '{level}', expected one of {', '.join(LEVELS)}")
    snippets = tuple(_snippet(row, item) for item in row.require("context", list))
    gold = row.optional("gold_snippet_index", int)
    imports = row.require("import_statement", str)
    return Task(
        task_id=task_id,
        repository=row.require("repo_name", str),
        path=path,
        language=language,
        prefix=f"{imports}\n\n{row.require('cropped_code', str)}\n",
        suffix="",
        groundtruth=row.require("next_line", str),
        kind=level,
        provided=snippets,
        gold_snippet=gold if gold is not None and 0 <= gold < len(snippets) else None,  # in_file has none, written -1
        created_at=_created_at(row),
    )


def _created_at(row: Row) -> datetime | None:
    """Read `created_at`; as officially, a time without a zone is UTC."""
    text = row.optional("created_at", str)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise row.error(f"field 'created_at' is '{text}', expected a date like 2023-12-10") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _snippet(row: Row, item: Any) -> Snippet:
    inner = Row(row.path, row.line, {"context": item})
    text = inner.require("context.snippet", str)
    return Snippet(
        path=inner.require("context.path", str),
        text=text,
        start_line=1,  # the rows do not say where in its file a snippet stood
        end_line=1 + len(text.splitlines()),
        source="provided",
        score=0.0,
        reason=f"the row's context for {inner.require('context.identifier', str)}",
    )


def parquet_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a parquet file, without the columns that are not used: `all_code` is most of it."""
    try:
        from pyarrow import parquet  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise EvaluationError(f"{path}: reading parquet needs pyarrow (pip install pyarrow)") from None
    try:
        with parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(_ROWS_AT_A_TIME, columns=_COLUMNS):
                for data in batch.to_pylist():
                    number += 1
                    created = data.get("created_at")
                    written = created.isoformat() if isinstance(created, datetime | date) else created
                    yield Row(path, number, {**data, "created_at": written})
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path}: cannot be read as parquet: {error}") from error


BENCHMARK = Benchmark(
    name="repobench",
    load=load_tasks,
    prediction_of=prediction_of,
    score=score,
    aggregates=_AGGREGATES,
    max_new_tokens=128,  # as the official run.py
    max_lines=None,  # comments may stand before the line that counts
)
