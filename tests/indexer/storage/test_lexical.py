"""Code tokens, the planned query, and FTS5's ranking against rank_bm25."""

import os
import random
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from codeassist_indexer.storage.lexical import (
    Collection,
    QueryLimits,
    code_tokens,
    identifier_tokens,
    match_expression,
    query_terms,
)
from codeassist_indexer.storage.store import Store
from tests.indexer.prepared_files import prepare_unsaved


@pytest.mark.parametrize(
    ("identifier", "tokens"),
    [
        ("retry_policy", ("retry_policy", "retry", "policy")),
        ("getHTTPResponseCode", ("gethttpresponsecode", "http", "response", "code")),
        ("__init__", ("init",)),
        ("sha256_hex", ("sha256_hex", "sha", "256", "hex")),
        ("Config", ("config",)),
        ("x", ()),
        ("größe_max", ("größe_max", "gr", "öß", "max")),
    ],
)
def test_identifiers_are_kept_whole_and_split(identifier: str, tokens: tuple[str, ...]) -> None:
    assert identifier_tokens(identifier)[0:1] == tokens[0:1]
    if identifier.isascii():
        assert identifier_tokens(identifier) == tokens


def test_keywords_of_the_language_are_left_out() -> None:
    assert code_tokens("def run(self): return select(1.5e3)", "python") == ["run", "select"]
    assert "select" not in code_tokens("select { case x := <-done: }", "go")


@given(st.text())
def test_tokens_survive_the_index_s_own_tokenizer(text: str) -> None:
    """FTS5 must see what we counted: no token may hold a separator of its tokenizer, or a letter that it folds."""
    for token in code_tokens(text, "python"):
        assert all(character.isalnum() or character == "_" or ord(character) > 127 for character in token)
        assert token == "".join(c.lower() if c.isascii() else c for c in token)


def test_rare_terms_come_first_and_near_ones_before_far_ones() -> None:
    collection = Collection(1_000, {"logger": 300, "config": 200, "everywhere": 800})
    lines = ["logger.info(near_name)", "config = far_name", "everywhere()"]
    terms = query_terms(lines, "python", collection)
    assert terms.index("near_name") < terms.index("far_name") < terms.index("config") < terms.index("logger")
    assert "everywhere" not in terms


@pytest.mark.parametrize("num_chunks", [0, 1, 5, 21, 63, 64, 100, 127, 128, 1_000])
def test_a_collection_of_any_size_is_searched(num_chunks: int) -> None:
    """How frequent an unlisted term is at most must not be taken for how frequent it is."""
    assert query_terms(["retry(policy)"], "python", Collection(num_chunks, {})) == ("retry", "policy")


def test_a_query_s_cost_is_bounded() -> None:
    names = [f"common{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(100)]
    collection = Collection(100_000, dict.fromkeys(names, 3_000))
    terms = query_terms([" ".join(names)], "python", collection, QueryLimits(40, 8_000))
    assert 1 <= len(terms) <= 2
    many = query_terms([" ".join(f"rare_{'ab'[n % 2] * n}" for n in range(1, 90))], "python", collection)
    assert len(many) == 40


CORPUS = Path(os.environ.get("CODEASSIST_BENCH", Path(__file__).parents[3].parent / "shared" / "bench"))
ARCHIVE = CORPUS / "fresh" / "dev_repos.tar.xz"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, list[tuple[int, list[str]]]]:
    """A store of 50 real files, and every chunk's tokens by its id."""
    if not ARCHIVE.exists():
        pytest.skip(f"no benchmark data at {CORPUS}; set CODEASSIST_BENCH")
    store = Store(tmp_path_factory.mktemp("corpus") / "index.db")
    files = []
    with tarfile.open(ARCHIVE) as archive:
        members = [member for member in archive if member.isfile() and member.name.endswith(".py")]
        for member in members[::5][:50]:
            opened = archive.extractfile(member)
            assert opened is not None
            files.append(prepare_unsaved(member.name, opened.read().decode("utf-8")))
    store.write(files)
    store.count_terms()
    rows = store.query("SELECT id, text FROM chunks ORDER BY id")
    return store, [(chunk_id, code_tokens(text, "python")) for chunk_id, text in rows]


def test_fts5_ranks_as_rank_bm25_does(corpus: tuple[Store, list[tuple[int, list[str]]]]) -> None:
    """With k1 = 1.2 and b = 0.75 both compute the same score wherever a term is in less than half of the chunks.

    They differ only for more frequent terms (FTS5 gives them an idf of 1e-6, rank_bm25 a quarter of the mean idf),
    which our queries leave out, and in repeated query terms, which our queries do not have. So scores are compared,
    not only the order; ties may stand in any order.
    """
    store, documents = corpus
    reference = BM25Okapi([tokens for _, tokens in documents], k1=1.2, b=0.75)
    collection = store.collection()
    assert collection.num_chunks == len(documents)
    chooser = random.Random(7)
    for _ in range(20):
        text = store.query("SELECT text FROM chunks WHERE id = ?", (chooser.choice(documents)[0],))[0][0]
        terms = query_terms(text.splitlines()[:14], "python", collection)
        if not terms:
            continue
        scores = {chunk_id: score for (chunk_id, _), score in zip(documents, reference.get_scores(terms), strict=True)}
        hits = store.query(
            "SELECT rowid, -rank FROM chunk_tokens WHERE chunk_tokens MATCH ? ORDER BY rank LIMIT 10",
            (match_expression(terms),),
        )
        best = sorted(scores.values(), reverse=True)[: len(hits)]
        assert [score for _, score in hits] == pytest.approx(best, rel=1e-6)
        assert [scores[chunk_id] for chunk_id, _ in hits] == pytest.approx(best, rel=1e-6)


def test_fts5_counts_the_terms_that_we_count(corpus: tuple[Store, list[tuple[int, list[str]]]]) -> None:
    store, documents = corpus
    store.check()
    by_term: dict[str, int] = {}
    for _, tokens in documents:
        for token in set(tokens):
            by_term[token] = by_term.get(token, 0) + 1
    assert store.collection().common_terms == {term: count for term, count in by_term.items() if count >= 64}
