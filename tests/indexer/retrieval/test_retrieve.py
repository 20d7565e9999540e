"""Retrieval end to end: what is found, what is left out, the budget, the order; failures cost snippets only."""

import json
import logging
import os
import re
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeassist.request import CompletionRequest, Retriever, Snippet
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.retrieval.query.cursor import cursor_query
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.retrieval.rules import choose, merge_windows
from codeassist_indexer.retrieval.sources.read import Window
from codeassist_indexer.storage.lexical import Collection
from codeassist_indexer.storage.store import Store
from tests.indexer.prepared_files import prepare_unsaved

CLIENT = '''"""Talks to the server."""

from net.policy import BackoffError, RetryPolicy


def fetch(url: str, retry_policy: RetryPolicy) -> bytes:
    """Fetch with retries."""
    for attempt in range(retry_policy.max_attempts):
        try:
            return open_url(url)
        except BackoffError:
            retry_policy.wait(attempt)
    raise TimeoutError(url)
'''
POLICY = '''class BackoffError(Exception):
    """Try later."""


class RetryPolicy:
    """How often and how long."""

    max_attempts: int = 5

    def wait(self, attempt: int) -> None:
        sleep(2**attempt)
''' + "\n".join(f"    def unrelated_{n}(self):\n        return transform_{n}()\n" for n in range(40))
FILLER = "\n".join(f"def unrelated_{n}(value_{n}):\n    return transform_{n}(value_{n})\n" for n in range(40))
PREFIX = """from net.policy import BackoffError, RetryPolicy


def upload(url: str, body: bytes, retry_policy: RetryPolicy) -> None:
    for attempt in range(retry_policy.max_attempts):
        try:
            send(url, body)
        except BackoffError:
            retry_policy."""
REQUEST = CompletionRequest("net/upload.py", PREFIX, "\n    raise TimeoutError(url)\n")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "cache" / "index.db")
    files = {
        "net/client.py": CLIENT,
        "net/policy.py": POLICY,
        "filler.py": FILLER,
        "net/upload.py": PREFIX + "wait(1)\n",
    }
    made.write([prepare_unsaved(path, text) for path, text in files.items()])
    made.count_terms()
    return made


def test_definitions_then_neighbours_with_reasons(store: Store) -> None:
    retriever: Retriever = IndexRetriever(store, "full")
    found = retriever.retrieve(REQUEST, 4_000)
    assert [s.path for s in found.snippets if s.source == "definition"] == ["net/policy.py"]
    assert any("class BackoffError" in s.text for s in found.snippets if s.source == "bm25"), "its lines, no skeleton"
    assert found.snippets[0].reason == "defines RetryPolicy, imported in line 1"
    usage = next(s for s in found.snippets if s.path == "net/client.py")
    assert usage.source == "bm25" and "retry_policy.wait(attempt)" in usage.text
    assert re.fullmatch(r"shares [\w, ]+ with the lines around the cursor", usage.reason)
    assert "retry_policy" in usage.reason
    assert set(found.stage_ms) == {"definitions", "bm25"}
    assert found.late_sources == ()


def test_lexical_mode_has_neighbours_only(store: Store) -> None:
    found = IndexRetriever(store, "lexical").retrieve(REQUEST, 4_000)
    assert {s.source for s in found.snippets} == {"bm25"}


def test_nothing_from_the_file_itself_or_from_the_prompt(store: Store) -> None:
    store.write([prepare_unsaved("net/copy_of_upload.py", PREFIX + "wait(1)\n")])
    paths = {s.path for s in IndexRetriever(store, "full").retrieve(REQUEST, 4_000).snippets}
    assert "net/upload.py" not in paths and "net/copy_of_upload.py" not in paths


def test_the_same_text_is_not_given_twice(store: Store) -> None:
    store.write([prepare_unsaved("net/client_copy.py", CLIENT)])
    found = IndexRetriever(store, "lexical").retrieve(REQUEST, 4_000).snippets
    assert len([s for s in found if s.path.startswith("net/client")]) == 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3_000))
def test_budget_and_whole_lines(max_chars: int) -> None:
    definitions = [snippet("definition", f"d{n}.py", 9) for n in range(6)]
    neighbours = [snippet("bm25", f"n{n}.py", 20) for n in range(6)]
    chosen = choose(definitions, neighbours, max_chars)
    assert sum(len(s.text) for s in chosen) <= max_chars
    assert all(s.text.endswith("\n") for s in chosen)
    usage = sum(len(s.text) for s in chosen if s.source == "bm25")
    assert max_chars < 1_000 or usage >= max_chars * 0.4


def test_by_rules_nothing_stands_twice_either() -> None:
    function = Snippet("a.py", "def f(a: int) -> int: ...\n", 20, 30, "definition", 1.0, "")
    around = Snippet("a.py", "def f(a: int) -> int:\n    return a\n", 20, 30, "bm25", 1.0, "")
    other = Snippet("b.py", around.text, 20, 30, "bm25", 1.0, "")
    assert choose([function], [around, other], 4_000) == (around, other)
    assert choose([function], [other], 4_000) == (function, other)


def snippet(source: str, path: str, num_lines: int) -> Snippet:
    text = "".join(f"line_{n} = {n}\n" for n in range(num_lines))
    return Snippet(path, text, 1, 1 + num_lines, source, 1.0, "")


def test_retrieval_keeps_to_the_budget(store: Store) -> None:
    for max_chars in (0, 1, 100, 200, 500, 1_000):
        found = IndexRetriever(store, "full").retrieve(REQUEST, max_chars)
        assert sum(len(s.text) for s in found.snippets) <= max_chars


def test_neighbours_carry_their_true_lines(store: Store) -> None:
    for found in IndexRetriever(store, "lexical").retrieve(REQUEST, 700).snippets:
        lines = {"net/client.py": CLIENT, "net/policy.py": POLICY, "filler.py": FILLER}[found.path].splitlines()
        assert found.text.splitlines() == lines[found.start_line - 1 : found.end_line - 1]


def test_the_order_does_not_depend_on_the_order_of_indexing(store: Store, tmp_path: Path) -> None:
    files = {
        "net/client.py": CLIENT,
        "net/policy.py": POLICY,
        "filler.py": FILLER,
        "net/upload.py": PREFIX + "wait(1)\n",
    }
    other = Store(tmp_path / "other" / "index.db")
    for path in reversed(files):
        other.write([prepare_unsaved(path, "x = 1\n")])
        other.write([prepare_unsaved(path, files[path])])
    other.count_terms()
    one, two = (IndexRetriever(s, "full").retrieve(REQUEST, 3_000).snippets for s in (store, other))
    assert one == two == IndexRetriever(store, "full").retrieve(REQUEST, 3_000).snippets


def test_windows_that_overlap_or_touch_are_one() -> None:
    lines = tuple(f"l{n}" for n in range(1, 40))
    windows = [
        Window("a", 10, lines[9:15], -1.0), Window("a", 1, lines[0:5], -3.0), Window("a", 16, lines[15:20], -2.0),
        Window("a", 12, lines[11:14], -5.0), Window("b", 6, lines[5:8], -4.0),
    ]  # fmt: skip
    assert merge_windows(windows) == [
        Window("a", 10, lines[9:20], -5.0), Window("b", 6, lines[5:8], -4.0), Window("a", 1, lines[0:5], -3.0),
    ]  # fmt: skip


def test_surroundings_of_any_cursor() -> None:
    around = cursor_query(CompletionRequest("a.py", "one\n\n  two\nthree.", "rest\nafter\n\nmore\n"))
    assert (around.line_head, around.before, around.after) == ("three.", ("  two", "one"), ("after", "more"))
    assert cursor_query(CompletionRequest("a.py", "", "")).by_distance == ("",)
    assert cursor_query(CompletionRequest("a.py", "one\r\n", "\r\ntwo")).by_distance == ("", "one", "two")


@pytest.mark.parametrize("prefix", ["", "\n", "    ", "x", "))))", '"', "\0", "😀.", "def f(\n" * 500])
def test_any_cursor_is_answered(store: Store, prefix: str) -> None:
    IndexRetriever(store, "full").retrieve(CompletionRequest("any/where.py", prefix, ""), 1_000)
    IndexRetriever(store, "full").retrieve(CompletionRequest("README", prefix, prefix), 1_000)


def test_a_corrupt_index_costs_snippets_only(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.close()
    store.path.write_bytes(b"garbage" * 2_000)
    with caplog.at_level(logging.WARNING):
        found = IndexRetriever(store, "full").retrieve(REQUEST, 4_000)
    assert found.snippets == ()
    assert "codeassist index" in caplog.text


def test_an_error_of_ours_costs_snippets_only(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("codeassist_indexer.retrieval.rules.imported_definitions", fail)
    found = IndexRetriever(store, "full").retrieve(REQUEST, 4_000)
    assert {s.source for s in found.snippets} == {"bm25"}
    assert "ZeroDivisionError" in caplog.text


ENDLESS = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def test_a_query_that_would_never_end_is_stopped_at_the_deadline(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The source that ran is dropped, with what it had; the one after it does not begin; the next request is served."""
    asked: list[str] = []

    def slow(slow_store: Store, *_: object) -> list[Snippet]:
        found = [snippet("bm25", "partial.py", 3)]
        slow_store.query(ENDLESS)
        return found

    retriever = IndexRetriever(store, "full", deadline_ms=50)
    with monkeypatch.context() as patch:
        patch.setattr("codeassist_indexer.retrieval.rules.lexical_neighbours", slow)
        patch.setattr(
            "codeassist_indexer.retrieval.rules.imported_definitions", lambda *_: asked.append("definitions") or []
        )
        found = retriever.retrieve(REQUEST, 4_000)
    assert (found.snippets, found.late_sources, asked) == ((), ("bm25", "definitions"), [])
    assert 25 <= found.stage_ms["bm25"] < 5_000  # the deadline runs since before the source began
    assert caplog.text == ""
    assert store.query("SELECT 1") == [(1,)]
    unhurried = IndexRetriever(store, "full").retrieve(REQUEST, 4_000)
    assert unhurried.late_sources == () and unhurried.snippets


def test_what_the_first_source_found_stays_when_the_second_is_late(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(slow_store: Store, *_: object) -> list[Snippet]:
        slow_store.query(ENDLESS)
        return []

    monkeypatch.setattr("codeassist_indexer.retrieval.rules.imported_definitions", slow)
    retriever = IndexRetriever(store, "full", deadline_ms=1_000)
    found = retriever.retrieve(REQUEST, 4_000)
    assert found.late_sources == ("definitions",)
    assert {s.source for s in found.snippets} == {"bm25"}


def test_planning_is_done_once_however_short_the_deadline(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else no query could ever begin in an index whose term counts take longer to read than a request may take."""
    collection = Store.collection
    asked: list[int] = []

    def slow(slow_store: Store) -> Collection:
        asked.append(1)
        deadline_passes = time.perf_counter() + 0.3
        while time.perf_counter() < deadline_passes:
            slow_store.query(
                "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 9999) SELECT * FROM n"
            )
        return collection(slow_store)

    monkeypatch.setattr(Store, "collection", slow)
    retriever = IndexRetriever(store, "lexical", deadline_ms=250)
    retriever.retrieve(REQUEST, 4_000)
    second = retriever.retrieve(REQUEST, 4_000)
    assert len(asked) == 1
    assert second.late_sources == () and second.snippets


def test_an_empty_index_gives_nothing(tmp_path: Path) -> None:
    assert IndexRetriever(Store(tmp_path / "index.db"), "full").retrieve(REQUEST, 4_000).snippets == ()


BENCH = Path(os.environ.get("CODEASSIST_BENCH", Path(__file__).parents[3].parent / "shared" / "bench"))


def test_names_of_real_completions_are_found(tmp_path: Path) -> None:
    """On unseen repositories, most names that the true line needs and the file does not show must be in the context."""
    if not (BENCH / "fresh" / "dev_repos.tar.xz").exists():
        pytest.skip(f"no benchmark data at {BENCH}; set CODEASSIST_BENCH")
    with tarfile.open(BENCH / "fresh" / "dev_repos.tar.xz") as archive:
        members = [m for m in archive.getmembers() if m.name.split("/")[0] in ("argledger", "aetherroute")]
        archive.extractall(tmp_path, members, filter="data")
    tasks = [json.loads(line) for line in (BENCH / "fresh" / "dev.jsonl").read_text().splitlines()]
    num_needed = num_found = 0
    for repository in ("argledger", "aetherroute"):
        store = Store(tmp_path / f"{repository}.db" / "index.db")
        update_index(store, tmp_path / repository)
        for task in tasks:
            if task["metadata"]["repository"] != repository:
                continue
            request = CompletionRequest(task["metadata"]["file"], task["prompt"], task["right_context"])
            shown = set(re.findall(r"\w+", task["prompt"][-3_000:] + task["right_context"][:1_000]))
            needed = set(re.findall(r"[^\W\d]\w{2,}", task["groundtruth"])) - shown
            snippets = IndexRetriever(store, "full").retrieve(request, 4_200).snippets
            context = set(re.findall(r"\w+", " ".join(s.text for s in snippets)))
            num_needed += len(needed)
            num_found += len(needed & context)
    assert num_needed >= 5
    assert num_found >= 0.5 * num_needed, (num_found, num_needed)
