"""Vectors in an index: search against brute force over the texts, updates in any order against a rebuild."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from codeassist.request import CompletionRequest
from codeassist_indexer.ingest.update import UpdateSettings, update_file, update_index
from codeassist_indexer.retrieval.sources.find import find_candidates
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline
from codeassist_indexer.retrieval.vectors import matrix as matrix_module
from codeassist_indexer.retrieval.vectors.encoder_source import EncoderSource
from codeassist_indexer.retrieval.vectors.matrix import ChunkMatrix, LearnedSearch, unpacked
from codeassist_indexer.retrieval.vectors.static_encoder import StaticEncoder
from codeassist_indexer.retrieval.vectors.stored import fill_vectors, packed
from codeassist_indexer.storage.store import Store
from tests.indexer.retrieval.vectors.vector_encoders import random_encoder

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")
ROUNDING = 1e-6
REQUEST = CompletionRequest("m0.py", "alpha_beta = gamma(delta)\nzeta = ", "\n")


def some_text(chooser: random.Random) -> str:
    lines = [
        f"def {'_'.join(chooser.sample(NAMES, 3))}({chooser.choice(NAMES)}):\n    return {chooser.choice(NAMES)}\n\n\n"
        for _ in range(chooser.randrange(0, 14))
    ]
    return "".join(lines)


def brute_force(store: Store, encoder: StaticEncoder, request: CompletionRequest) -> dict[int, float]:
    rows = store.query(
        "SELECT c.id, c.text, f.language FROM chunks c JOIN files f ON f.id = c.file_id WHERE f.path != ?",
        (request.path,),
    )
    vectors = encoder.encode([text for _, text, _ in rows], [language for *_, language in rows])
    return dict(zip([row[0] for row in rows], (vectors @ encoder.query(request)).tolist(), strict=True))


def own_file(store: Store) -> int | None:
    rows = store.query("SELECT id FROM files WHERE path = ?", (REQUEST.path,))
    return rows[0][0] if rows else None


def agree(found: list[tuple[int, float]], others: list[tuple[int, float]]) -> None:
    """Check that two searches found the same, where columns stand at other places: sums may be rounded otherwise."""
    found, others = ([pair for pair in pairs if pair[1] > ROUNDING] for pairs in (found, others))
    assert [score for _, score in found] == pytest.approx([score for _, score in others], abs=ROUNDING)
    scores = dict(others)
    last = min(scores.values(), default=0.0)
    for number, score in found:  # of two that are as near as each other either may be the last one
        assert scores.get(number, last) == pytest.approx(score, abs=ROUNDING), number


def test_any_order_of_edits_gives_what_a_rebuild_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_module, "_BLOCK", 4)
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chooser = random.Random(seed)
    encoder = random_encoder()
    settings = UpdateSettings(encoder=EncoderSource.of(encoder))
    root = tmp_path / "repo"
    root.mkdir()
    store = Store(tmp_path / "index.db")
    matrix = ChunkMatrix(encoder.identity, encoder.num_dims)
    num_read_anew = 0
    for _ in range(40):
        for _ in range(chooser.randrange(1, 4)):
            path = f"m{chooser.randrange(6)}.py"
            if chooser.random() < 0.25:
                (root / path).unlink(missing_ok=True)
                update_file(store, root, path, settings=settings)
            else:
                update_file(store, root, path, some_text(chooser), settings)
        if chooser.random() < 0.05:
            store.rebuild()
        num_read_anew += matrix.changed_files(store) is None
        matrix.refresh(store)
        matrix.check()
        fresh = ChunkMatrix(encoder.identity, encoder.num_dims)
        fresh.refresh(store)
        query = encoder.query(REQUEST)
        limit = chooser.choice((1, 3, 50))
        found = matrix.nearest(query, limit, own_file(store))
        agree(found, fresh.nearest(query, limit, own_file(store)))
        wanted = {number: score for number, score in brute_force(store, encoder, REQUEST).items() if score > 0.02}
        best = sorted(wanted, key=lambda number: -wanted[number])[:limit]
        assert len([score for _, score in found if score > 0.03]) <= len(best) <= len(found)
        for (number, score), expected in zip(found, best, strict=False):  # int8 rounds: near scores may change places
            assert (
                score == pytest.approx(wanted.get(number, 0.0), abs=0.02) == pytest.approx(wanted[expected], abs=0.04)
            )
    assert num_read_anew < 10
    store.check()
    store.close()


def test_changes_too_many_to_remember_are_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codeassist_indexer.storage.file_rows._VECTOR_CHANGES_KEPT", 3)
    encoder = random_encoder()
    settings = UpdateSettings(encoder=EncoderSource.of(encoder))
    store = Store(tmp_path / "index.db")
    matrix = ChunkMatrix(encoder.identity, encoder.num_dims)
    for number in range(8):
        update_file(store, tmp_path, "a.py", f"value_{number} = {number}\n", settings)
        if number in (0, 1):
            matrix.refresh(store)
            assert matrix.changed_files(store) == []
    assert matrix.changed_files(store) is None
    matrix.refresh(store)
    matrix.check()
    assert matrix.num_chunks == 1
    store.close()


def test_another_encoder_makes_them_anew(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"m{number}.py").write_text(f"alpha_{number} = beta\n")
    store = Store(tmp_path / "x" / "index.db")
    first, second = random_encoder(0), random_encoder(1)
    update_index(store, tmp_path, UpdateSettings(encoder=None))
    assert LearnedSearch(store, first).nearest(REQUEST, True, None) == []  # an index without vectors
    assert fill_vectors(store, first, cancelled=iter((False, True)).__next__) == 3
    assert fill_vectors(store, first) == 0
    search = LearnedSearch(store, first)
    assert len(search.nearest(REQUEST, True, None)) == len(
        [
            score
            for score in brute_force(store, first, CompletionRequest("x.py", REQUEST.prefix, "\n")).values()
            if score > 0
        ]
    )
    update_index(store, tmp_path, UpdateSettings(encoder=EncoderSource.of(second)))
    search.use(second)
    found = dict(search.nearest(REQUEST, True, None))
    wanted = brute_force(store, second, CompletionRequest("x.py", REQUEST.prefix, "\n"))
    assert found == pytest.approx({number: score for number, score in wanted.items() if score > 0}, abs=0.02)
    update_file(store, tmp_path, "m0.py", "changed = 1\n", UpdateSettings(encoder=None))
    assert store.query("SELECT count(*) FROM vectors")[0][0] == 2
    store.close()


@pytest.mark.parametrize(
    "files",
    [{}, {"only.py": "x = 1\n"}, {"a.go": "package a\nfunc Alpha() { beta() }\n"}, {"a.py": "", "b.py": "\n\n"}],
    ids=["nothing", "one file", "no Python", "empty files"],
)
def test_odd_repositories_cost_nothing(tmp_path: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (tmp_path / path).write_text(text)
    store = Store(tmp_path / "x" / "index.db")
    encoder = random_encoder()
    update_index(store, tmp_path, UpdateSettings(encoder=EncoderSource.of(encoder)))
    search, request = LearnedSearch(store, encoder), CompletionRequest("only.py", "y = ", "")
    for deadline in (Deadline(None), Deadline(1000)):
        found = find_candidates(store, request, store.collection(), deadline, search=search)
        assert "learned" not in found.late_sources
        assert all(each.snippet.path != "only.py" for each in found.candidates)
    store.close()


def test_on_the_request_path_the_vectors_are_read_by_another_thread(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"m{number}.py").write_text(f"alpha_beta = gamma({number})\n")
    store = Store(tmp_path / "x" / "index.db")
    encoder = random_encoder()
    update_index(store, tmp_path, UpdateSettings(encoder=EncoderSource.of(encoder)))
    search = LearnedSearch(store, encoder)
    assert search.nearest(REQUEST, False, None) == []
    assert search.wait_until_read(30)
    assert [number for number, _ in search.nearest(REQUEST, False, None)]
    update_file(store, tmp_path, "m9.py", "alpha_beta = gamma(9)\n", UpdateSettings(encoder=EncoderSource.of(encoder)))
    assert len(search.nearest(REQUEST, False, None)) == 4  # a few changed files are read on the way
    store.close()


def test_a_broken_table_leaves_the_other_sources(tmp_path: Path) -> None:
    (tmp_path / "m1.py").write_text("def gamma(x):\n    return alpha_beta\n")
    store = Store(tmp_path / "x" / "index.db")
    encoder = random_encoder()
    update_index(store, tmp_path, UpdateSettings(encoder=EncoderSource.of(encoder)))
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE vectors SET vectors = x'0102030405'")
    connection.close()
    search = LearnedSearch(store, encoder)
    found = find_candidates(store, REQUEST, store.collection(), Deadline(None), search=search)
    assert found.candidates and "learned" in found.late_sources
    store.close()


def test_packed_vectors_keep_their_directions() -> None:
    vectors = random_encoder().encode(["alpha beta", "gamma", ""], ["python"] * 3)
    again = unpacked([packed(vectors[:1]), packed(vectors[1:])], 16)
    assert (vectors * again).sum(axis=1)[:2] == pytest.approx(1, abs=1e-3)
    assert not again[2].any() and np.isfinite(again).all()
