"""Contexts: the baselines rank as published, and our index never holds the truth while its task runs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from rank_bm25 import BM25Okapi

from codeassist.request import CompletionRequest, Retriever, Snippet
from codeassist_eval.benchmarks.crosscodeeval import load_tasks
from codeassist_eval.contexts.baselines import ProvidedRetriever, WindowRetriever, bm25_scores, fit, jaccard_scores
from codeassist_eval.contexts.index_context import IndexContexts
from codeassist_eval.contexts.registry import ContextName, open_contexts
from codeassist_eval.tasks.claimed_folder import claim_folder
from codeassist_eval.tasks.repositories import Repositories, open_repositories
from codeassist_eval.tasks.task import Task
from codeassist_eval.tasks.windows import WINDOW_LINES, disjoint_windows, sliding_windows, words
from codeassist_indexer.storage.store import Store, database_path
from tests.eval.bench_data import bench_file
from tests.eval.fakes import NOBODY, FakeCompleter, demo_repository, row, write_rows


def request(prefix: str, path: str = "main.py") -> CompletionRequest:
    return CompletionRequest(path, prefix, "")


def texts(lines: int) -> dict[str, str]:
    return {"a.py": "\n".join(f"line_{n}" for n in range(lines)), "blank.py": "\n\n\n"}


def test_disjoint_windows_cover_every_line_once() -> None:
    windows = disjoint_windows(texts(45))

    assert [(window.start_line, window.end_line) for window in windows] == [(1, 21), (21, 41), (41, 46)]
    assert "\n".join(window.text for window in windows) == texts(45)["a.py"]
    assert {window.path for window in windows} == {"a.py"}


def test_sliding_windows_show_what_follows_the_place_that_was_ranked() -> None:
    windows = sliding_windows(texts(60))

    ranked = [(int(window.words[0][5:]), int(window.words[-1][5:])) for window in windows]
    assert ranked == [(0, 9), (0, 19), (10, 29), (20, 39), (30, 49), (40, 59)]
    shown = [(window.start_line - 1, window.end_line - 2) for window in windows]
    assert shown == [(0, 19), (10, 29), (20, 39), (30, 49), (40, 59), (40, 59)]
    assert all(len(window.text.split("\n")) == WINDOW_LINES for window in windows)


def test_bm25_is_rank_bm25() -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    generator = random.Random(seed)
    files = {f"f{n}.py": " ".join(generator.choices("abcdefghij", k=30)) for n in range(12)}
    windows = disjoint_windows(files)

    scores = bm25_scores(["a", "j", "zz"], windows)

    oracle = BM25Okapi([text.split() for text in files.values()]).get_scores(["a", "j", "zz"])
    assert scores == pytest.approx(list(oracle))
    assert bm25_scores(["a"], []) == []


def test_jaccard_is_the_share_of_common_words() -> None:
    windows = disjoint_windows({"x.py": "load save save open", "y.py": "other words"})

    assert jaccard_scores(["load", "save", "close", "close"], windows) == [2 / 4, 0]


def test_rankings_leave_out_the_requested_file_and_use_the_last_lines() -> None:
    windows = disjoint_windows({"main.py": "area area", "old.py": "volume", "shapes.py": "area"})
    retriever = WindowRetriever("jaccard", windows, jaccard_scores, query_lines=1)

    found = retriever.retrieve(request("volume\n\narea"), 100).snippets

    assert [(snippet.path, snippet.score) for snippet in found] == [("shapes.py", 1.0), ("old.py", 0.0)]


def test_budgets_pass_over_what_does_not_fit() -> None:
    snippets = [Snippet("a.py", "x" * size, 1, 2, "bm25", 1.0, "") for size in (6, 9, 3, 1)]

    assert [len(snippet.text) for snippet in fit(snippets, 10)] == [6, 3, 1]
    assert [len(snippet.text) for snippet in fit(snippets, 100, max_snippets=2)] == [6, 9]
    assert fit(snippets, 0) == ()


def test_provided_snippets_keep_their_order() -> None:
    snippets = tuple(Snippet(f"{n}.py", "text", 1, 2, "provided", float(n), "") for n in range(9))

    found = ProvidedRetriever(snippets).retrieve(request("", path="3.py"), 1000).snippets

    assert [snippet.path for snippet in found] == [f"{n}.py" for n in range(9) if n != 3]


def bench_tasks(name: str, tmp_path: Path) -> tuple[list[Task], Repositories]:
    tasks = load_tasks(bench_file(f"{name}.jsonl"))
    return list(tasks), open_repositories(bench_file(f"{name}_repos.tar.xz"), tmp_path / "cache")


def share_with_truth(retriever_for: dict[str, Retriever], tasks: list[Task]) -> float:
    """How often the found snippets hold every identifier-like word of the truth that is longer than 5 characters."""
    found = 0
    for task in tasks:
        wanted = {word for word in words(task.groundtruth) if len(word) > 5}
        snippets = retriever_for[task.task_id].retrieve(CompletionRequest(task.path, task.prefix, task.suffix), 6000)
        found += wanted <= {word for snippet in snippets.snippets for word in words(snippet.text)}
    return found / len(tasks)


def test_an_oracle_finds_more_than_a_baseline_on_real_code(tmp_path: Path) -> None:
    tasks, repositories = bench_tasks("fresh/dev", tmp_path)
    tasks = tasks[::4]
    shares: dict[ContextName, float] = {}
    for name in ("bm25", "oracle", "jaccard"):
        with open_contexts(name, tasks, repositories, tmp_path, NOBODY) as retriever_for:
            shares[name] = share_with_truth({task.task_id: retriever_for(task) for task in tasks}, tasks)

    assert shares["oracle"] > shares["bm25"] > 0.2
    assert shares["jaccard"] > 0.2


def indexed_text(store: Store) -> str:
    return "\n".join(text for (text,) in store.query("SELECT text FROM chunks"))


def test_the_index_does_not_hold_the_truth_while_its_task_runs(tmp_path: Path) -> None:
    demo = demo_repository(tmp_path / "repos") / "demo"
    (demo / "main.py").write_text("from shapes import area\n\nprint(secret_truth(2, 3))\n")
    (demo / "other.py").write_text("import shapes\nshapes.other_truth\n")
    first = row("1", prompt="from shapes import area\n\nprint(", groundtruth="secret_truth(2, 3))")
    second = row("2", prompt="import shapes\nshapes.", groundtruth="other_truth", metadata__file="other.py")
    tasks = load_tasks(write_rows(tmp_path / "tasks.jsonl", [first, second]))
    repositories = open_repositories(tmp_path / "repos", tmp_path / "cache")
    store = Store(database_path(demo, tmp_path / "index" / "0"))

    contexts = IndexContexts(repositories, tmp_path / "index", "full")
    contexts.retriever(tasks[0])
    assert "secret_truth" not in indexed_text(store) and "other_truth" in indexed_text(store)
    contexts.retriever(tasks[1])
    assert "secret_truth" in indexed_text(store) and "other_truth" not in indexed_text(store)

    contexts.close()
    IndexContexts(repositories, tmp_path / "index", "full").retriever(tasks[0])  # a run after an interrupted one
    assert "secret_truth" not in indexed_text(store) and "other_truth" in indexed_text(store)


@pytest.mark.parametrize("mode", ["lexical", "full"])
def test_our_retrieval_gives_other_files_only(tmp_path: Path, mode: ContextName) -> None:
    tasks, repositories = bench_tasks("fresh/dev", tmp_path)
    tasks = [task for task in tasks if task.repository == tasks[0].repository][:6]

    with open_contexts(mode, tasks, repositories, tmp_path / "index", NOBODY) as retriever_for:
        for task in tasks:
            ask = CompletionRequest(task.path, task.prefix, task.suffix)
            found = retriever_for(task).retrieve(ask, 4000).snippets
            assert found and all(snippet.path != task.path for snippet in found)
            assert sum(len(snippet.text) for snippet in found) <= 4000


def test_runs_at_the_same_time_do_not_share_an_index(tmp_path: Path) -> None:
    first, second = claim_folder(tmp_path), claim_folder(tmp_path)
    assert first.path != second.path

    first.release()

    assert claim_folder(tmp_path).path == first.path


def test_repocoder_searches_with_its_first_guess(tmp_path: Path) -> None:
    demo = demo_repository(tmp_path / "repos") / "demo"
    (demo / "volumes.py").write_text("def volume(width, height, depth):\n    return 0\n")
    tasks = load_tasks(write_rows(tmp_path / "tasks.jsonl", [row(prompt="print(")]))
    completer = FakeCompleter(lambda request: "volume(width, height, depth)")
    repositories = open_repositories(tmp_path / "repos", tmp_path / "cache")

    with open_contexts("repocoder", tasks, repositories, tmp_path, completer) as retriever_for:
        found = retriever_for(tasks[0]).retrieve(request("print("), 60)

    assert [snippet.path for snippet in found.snippets] == ["volumes.py"]
    assert len(completer.requests) == 1 and "first_guess" in found.stage_ms
