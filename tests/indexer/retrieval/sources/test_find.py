"""Candidates: what each source finds in three languages, what is said of them, and what never goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from codeassist.request import CompletionRequest
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.retrieval.sources.candidate import SOURCES, Candidate, Candidates, Hit, Source
from codeassist_indexer.retrieval.sources.find import find_candidates
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline, RecentPlace, RetrievalContext
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.storage.store import Store
from tests.indexer.prepared_files import prepare_unsaved
from tests.indexer.retrieval.candidate_repositories import JAVA, PYTHON, TYPESCRIPT, Repository

ENDLESS = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def find(store: Store, request: CompletionRequest, recent: Iterable[RecentPlace] = ()) -> Candidates:
    found = find_candidates(store, request, store.collection(), Deadline(None), recent, search=LearnedSearch(store))
    assert found.late_sources == ()
    return found


def by(found: Candidates, source: Source) -> dict[str, Candidate]:
    """The candidates of one source by path, the best of each."""
    ranked = [(each.by(source), each) for each in found.candidates]
    listed = sorted(((how.rank, each) for how, each in ranked if how), key=lambda pair: -pair[0])
    return {each.snippet.path: each for _, each in listed}


@pytest.fixture
def python(tmp_path: Path) -> Iterator[Store]:
    store = PYTHON.index(tmp_path)
    yield store
    store.close()


def test_every_source_in_python(python: Store) -> None:
    recent = [RecentPlace("shop/orders.py", 1, 9), RecentPlace("notes/plan.py", 27, 29), RecentPlace("gone.py", 1, 2)]
    found = find(python, PYTHON.request, recent)

    price = by(found, "imported")["shop/money.py"]
    assert (price.form, price.name) == ("skeleton", "Price")
    assert "def convert(self, currency: Currency)" in price.snippet.text and "..." in price.snippet.text
    assert price.facts.name_distance == -1 and price.facts.is_imported and price.facts.folder_distance == 0
    assert {each.source for each in price.found} >= {"imported", "named"}

    ledger = by(found, "named")["books/ledger.py"]  # not imported; the member is named, its type is shown
    assert (
        ledger.name == "Ledger" and ledger.snippet.reason == "defines Ledger.book_entry, named 1 lines from the cursor"
    )
    assert (ledger.facts.name_distance, ledger.facts.is_imported, ledger.facts.folder_distance) == (1, False, 2)

    assert by(found, "mentioned")["shop/rates.py"].snippet.reason == "defines Currency, which Price speaks of"

    caller = by(found, "callers")["app/main.py"]
    assert caller.form == "lines" and "handler.handle_order(basket, ledger)" in caller.snippet.text
    assert "shop/refunds.py" not in by(found, "callers")  # defines it, does not call it

    refund = by(found, "same_base")["shop/refunds.py"]
    assert "return -basket.total" in refund.snippet.text

    test = by(found, "tests")["tests/test_orders.py"]
    assert test.facts.is_test_of and test.facts.is_test_file and test.facts.is_same_stem
    assert not test.facts.is_tested_by

    assert {"shop/unrelated.py", "shop/base.py"} <= set(by(found, "folder"))
    assert by(found, "bm25")["app/main.py"].num_shared_terms >= 2

    plan = by(found, "recent")["notes/plan.py"]
    assert plan.facts.recency == 0 and "planned_feature" in plan.snippet.text
    assert all(each.facts.recency is None for each in found.candidates if each is not plan)

    assert all(each.snippet.path != "shop/orders.py" for each in found.candidates)
    assert set(found.stage_ms) == {*SOURCES, "text"}


@pytest.mark.parametrize(
    ("repository", "definition", "owner", "mentioned", "sibling", "caller", "test"),
    [
        (JAVA, "src/main/java/shop/money/Price.java", "src/main/java/shop/Basket.java",
         "src/main/java/shop/money/Currency.java", "src/main/java/shop/RefundHandler.java",
         "src/main/java/app/Main.java", "src/test/java/shop/OrderHandlerTest.java"),
        (TYPESCRIPT, "src/money.ts", "lib/basket.ts", "src/rates.ts", "src/refunds.ts", "app/main.ts",
         "src/orders.test.ts"),
    ],
    ids=["java", "typescript"],
)  # fmt: skip
def test_every_source_in_other_languages(
    tmp_path: Path, repository: Repository, definition: str, owner: str, mentioned: str, sibling: str, caller: str,
    test: str,
) -> None:  # fmt: skip
    found = find(repository.index(tmp_path), repository.request)

    price = by(found, "imported")[definition]
    assert price.form == "skeleton" and price.facts.is_imported and price.facts.is_same_language
    assert owner in by(found, "named")
    assert mentioned in by(found, "mentioned")
    assert by(found, "same_base")[sibling].snippet.text.count("asket.total") == 1
    assert caller in by(found, "callers")
    assert by(found, "tests")[test].facts.is_test_of
    assert sibling in by(found, "folder") and sibling in by(found, "bm25")


def test_a_test_finds_what_it_tests_also_by_a_longer_name(tmp_path: Path) -> None:
    files = {
        "pkg/store.py": "def put():\n    return 1\n",
        "pkg/other.py": "def other():\n    return 2\n",
        "tests/test_store_locking.py": "def test_put():\n    |\n",
    }
    repository = Repository(files, "tests/test_store_locking.py")
    store = repository.index(tmp_path)
    assert set(by(find(store, repository.request), "tests")) == {"pkg/store.py"}
    back = find(store, CompletionRequest("pkg/store.py", "def put():\n    ", "\n"))
    assert set(by(back, "tests")) == {"tests/test_store_locking.py"}


@pytest.mark.parametrize(
    ("files", "source", "found_in"),
    [
        (
            {
                "one/utils.py": "def one():\n    return |\n",
                "two/utils.py": "def two():\n    return 2\n",
                "two/test_utils.py": "def test_two():\n    assert two()\n",
            },
            "tests",
            "two/test_utils.py",
        ),
        (
            {
                "p3/use.py": "def use(made: Config):\n    return made.|\n",
                **{f"p{n}/config.py": f"class Config:\n    number_{n} = {n}\n" for n in range(12)},
            },
            "named",
            "p3/config.py",
        ),
    ],
    ids=["a file of the same name elsewhere is no relation", "a common name is looked up in the same folder only"],
)
def test_what_is_not_found(tmp_path: Path, files: dict[str, str], source: Source, found_in: str) -> None:
    repository = Repository(files, next(iter(files)))
    assert set(by(find(repository.index(tmp_path), repository.request), source)) == {found_in}


def test_the_same_request_gives_the_same(python: Store) -> None:
    recent = [RecentPlace("notes/plan.py", 27, 29)]
    first, second = (find(python, PYTHON.request, recent) for _ in range(2))
    assert first.candidates == second.candidates


def test_lines_come_once_and_are_those_of_the_file(python: Store) -> None:
    found = find(python, PYTHON.request, [RecentPlace("app/main.py", 27, 28)])
    lines = [each for each in found.candidates if each.form == "lines"]
    for each in lines:
        text = PYTHON.files[each.snippet.path].split("\n")
        assert each.snippet.text == "\n".join(text[each.snippet.start_line - 1 : each.snippet.end_line - 1]) + "\n"
    taken = [
        (each.snippet.path, line) for each in lines for line in range(each.snippet.start_line, each.snippet.end_line)
    ]
    assert len(taken) == len(set(taken))
    main = next(each for each in lines if each.snippet.path == "app/main.py")
    assert {how.source for how in main.found} >= {"bm25", "callers", "recent"}
    assert [how.rank for how in main.found] == sorted(how.rank for how in main.found)


def test_secrets_and_ignored_files_are_never_found_however_recent(tmp_path: Path) -> None:
    files = {
        ".gitignore": "private/\n",
        "private/plans.py": "def handle_order():\n    return 'secret plan'\n",
        ".env.py": "handle_order = 'x'\n",
        "main.py": "def main():\n    handle_order|\n",
    }
    repository = Repository(files, "main.py")
    store = repository.index(tmp_path)
    recent = [RecentPlace(path, 1, 3) for path in ("private/plans.py", ".env.py", "../outside.py", "/etc/passwd")]
    paths = {each.snippet.path for each in find(store, repository.request, recent).candidates}
    assert not paths & {"private/plans.py", "../outside.py", "/etc/passwd"}


def test_a_source_that_would_never_end_is_stopped_and_keeps_what_it_had(
    python: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first_chunk = python.query(
        "SELECT min(c.id) FROM chunks c JOIN files f ON f.id = c.file_id WHERE path LIKE 'notes%'"
    )

    def slow(context: RetrievalContext) -> Iterator[Hit]:
        yield Hit("lines", first_chunk[0][0], 1.0, "before it went on")
        context.store.query(ENDLESS)

    monkeypatch.setattr("codeassist_indexer.retrieval.sources.chunks.tests", slow)
    retriever = IndexRetriever(python, deadline_ms=2_000, search=LearnedSearch(python))
    found = retriever.candidates(PYTHON.request)
    assert found.late_sources == ("tests",)
    assert "notes/plan.py" in by(found, "tests") and "shop/money.py" in by(found, "imported")
    assert "app/main.py" in by(found, "callers") and caplog.text == ""
    assert python.query("SELECT 1") == [(1,)]


def test_what_is_left_of_the_time_is_for_reading(python: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources that take all their shares are all late; what the first found is still read."""

    def slow(context: RetrievalContext) -> Iterator[Hit]:
        context.store.query(ENDLESS)
        yield from ()

    for name in ("bm25", "callers", "same_base", "folder", "tests"):
        monkeypatch.setattr(f"codeassist_indexer.retrieval.sources.chunks.{name}", slow)
    found = IndexRetriever(python, deadline_ms=1_000, search=LearnedSearch(python)).candidates(PYTHON.request)
    assert {"bm25", "folder"} <= set(found.late_sources) and "text" not in found.late_sources
    assert "shop/money.py" in by(found, "imported")


def test_no_time_at_all_gives_nothing_and_names_every_source(python: Store) -> None:
    found = find_candidates(python, PYTHON.request, python.collection(), Deadline(0.0))
    assert found.candidates == () and set(found.late_sources) == {*SOURCES, "text"}


def test_an_error_of_ours_costs_one_source(
    python: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> Iterator[Hit]:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("codeassist_indexer.retrieval.sources.definitions.named", fail)
    found = IndexRetriever(python, search=LearnedSearch(python)).candidates(PYTHON.request)
    assert found.late_sources == ("named",) and "ZeroDivisionError" in caplog.text
    assert "shop/money.py" in by(found, "imported")


def test_a_broken_index_gives_nothing(python: Store, caplog: pytest.LogCaptureFixture) -> None:
    python.close()
    python.path.write_bytes(b"garbage" * 2_000)
    with caplog.at_level(logging.WARNING):
        found = IndexRetriever(python, search=LearnedSearch(python)).candidates(PYTHON.request)
    assert found.candidates == () and set(found.late_sources) == set(SOURCES)
    assert "codeassist index" in caplog.text


def test_an_empty_index_and_a_repository_of_one_file_give_nothing(tmp_path: Path) -> None:
    assert find(Store(tmp_path / "empty.db"), PYTHON.request).candidates == ()
    alone = Repository({"alone.py": "def f():\n    return 1\n\n\ndef g():\n    return f|()\n"}, "alone.py")
    assert find(alone.index(tmp_path), alone.request).candidates == ()


def test_a_repository_without_python(tmp_path: Path) -> None:
    files = {
        "src/list.h": "struct list { int size; };\nint list_push(struct list *l, int value);\n",
        "src/list.c": '#include "list.h"\n\nint list_push(struct list *l, int value) {\n    return |\n}\n',
        "src/main.c": '#include "list.h"\n\nint main(void) {\n    struct list l;\n    return list_push(&l, 3);\n}\n',
    }
    repository = Repository(files, "src/list.c")
    found = find(repository.index(tmp_path), repository.request)
    assert by(found, "tests")["src/list.h"].facts.is_same_stem
    assert "src/main.c" in by(found, "callers") and "src/list.h" in by(found, "named")


@pytest.mark.parametrize("prefix", ["", "\n", "    ", "x", "))))", '"', "\0", "😀.", "def f(\n" * 500, "a.b.c.d." * 99])
def test_any_cursor_is_answered(python: Store, prefix: str) -> None:
    find(python, CompletionRequest("any/where.py", prefix, ""))
    find(python, CompletionRequest("README", prefix, prefix))


def test_unsaved_text_counts(python: Store) -> None:
    python.write([prepare_unsaved("shop/money.py", "class Price:\n    def brand_new(self): ...\n")])
    assert "brand_new" in by(find(python, PYTHON.request), "imported")["shop/money.py"].snippet.text


def test_deleted_files_are_gone(python: Store, tmp_path: Path) -> None:
    (tmp_path / "repo" / "shop" / "money.py").unlink()
    update_index(python, tmp_path / "repo")
    assert all(each.snippet.path != "shop/money.py" for each in find(python, PYTHON.request).candidates)


def test_behind_a_modules_dot_is_what_it_defines_and_hands_on(tmp_path: Path) -> None:
    files = {
        "main.py": "from pkg import tools as kit\n\n\ndef main():\n    kit.s|\n",
        "pkg/tools/__init__.py": "from pkg.tools.mail import send_mail\n\ndef sort_mail(): ...\n\n\ndef other(): ...\n",
        "pkg/tools/mail.py": "def send_mail(to: str) -> None:\n    ...\n",
    }
    repository = Repository(files, "main.py")
    found = find(repository.index(tmp_path), repository.request)
    first = [each for each in found.candidates if each.by("imported") and each.form == "skeleton"][:2]
    assert {each.name for each in first} == {"sort_mail", "send_mail"}
    assert first[0].snippet.reason.endswith("of kit, imported in line 1")
