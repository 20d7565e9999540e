"""Static encoders: what a vector is made of, against a slow sum; files that are read, and files that are refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from codeassist.errors import ModelError
from codeassist.request import CompletionRequest
from codeassist_indexer.retrieval.vectors import static_encoder
from codeassist_indexer.retrieval.vectors.encoder_source import shipped_source
from codeassist_indexer.retrieval.vectors.static_encoder import (
    StaticEncoder,
    load_encoder,
    save_encoder,
    slots_around,
    token_rows,
    words_of,
)
from codeassist_indexer.storage.lexical import code_tokens
from tests.indexer.retrieval.vectors.vector_encoders import random_encoder, random_weights

TEXTS = (
    "def read_rows(path):\n    return [parse(row) for row in open_file(path)]\n",
    "class RowReader:\n    def __init__(self, path: Path): ...\n    def readRows(self): return 1.5e3\n",
    "größe = berechneFläche(x1, x2)\n",
    "if True: return None\n",
    "",
)
REQUEST = CompletionRequest(
    "pkg/main.py", "from rows import RowReader\n\nreader = RowReader(path)\nrows = reader.", "\nx\n"
)


def slow_encode(encoder: StaticEncoder, texts: Sequence[str], language: str) -> np.ndarray:
    vectors = np.zeros((len(texts), encoder.num_dims))
    for number, text in enumerate(texts):
        for word in words_of(text):
            for row in token_rows(word, language, len(encoder.weights.rows)):
                vectors[number] += encoder.weights.rows[row]
        vectors[number] /= np.linalg.norm(vectors[number]) or 1
    return vectors


def test_a_vector_is_the_sum_of_its_words() -> None:
    encoder = random_encoder()
    for language in ("python", "java"):
        wanted = slow_encode(encoder, TEXTS, language)
        assert np.allclose(encoder.encode(TEXTS, [language] * len(TEXTS)), wanted, atol=1e-5)
        apart = np.concatenate([encoder.encode([text], [language]) for text in TEXTS])
        assert np.allclose(apart, wanted, atol=1e-5)
    assert not encoder.encode(TEXTS, ["python"] * 5)[3:].any()  # keywords only, and nothing at all
    assert encoder.encode([], []).shape == (0, 16)


def test_words_are_those_of_the_lexer() -> None:
    for text in TEXTS[:3]:
        tokens = {token for word in words_of(text) for token in code_tokens(word.decode(), "python")}
        assert tokens == set(code_tokens(text, "python"))


def test_a_query_counts_words_by_where_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_encoder, "_FIRST_KNOWN_WORDS", 2)  # the query itself makes it grow
    slots = slots_around(REQUEST)
    assert (slots[b"reader"], slots[b"rows"], slots[b"RowReader"], slots[b"x"]) == (16, 0, 1, 12)
    encoder = random_encoder()
    summed = np.zeros(16)
    for word, slot in slots.items():
        for row in token_rows(word, "python", 512):
            summed += encoder.weights.slots[slot] * encoder.weights.rows[row]
    query = encoder.query(REQUEST)
    assert np.allclose(query, summed / np.linalg.norm(summed), atol=1e-5)
    similarities = encoder.similarities(query, TEXTS, ["python"] * len(TEXTS))
    assert np.allclose(similarities, slow_encode(encoder, TEXTS, "python") @ query, atol=1e-5)
    assert not encoder.query(CompletionRequest("a.py", "", "")).any()


def test_what_is_known_of_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_encoder, "_MAX_KNOWN_WORDS", 20)
    encoder, fresh = random_encoder(), random_encoder()
    for number in range(50):
        text = f"value_{number} = other_{number}(third, {number})"
        assert np.array_equal(encoder.encode([text], ["python"]), fresh.encode([text], ["python"]))
        assert sum(map(len, encoder._known._known.values())) <= 20 + 5
        fresh = random_encoder()


def test_a_file_gives_the_encoder_back(tmp_path: Path) -> None:
    path, again = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save_encoder(path, random_weights(), {"trained_on": "nothing"})
    save_encoder(again, random_weights(), {"trained_on": "nothing"})
    assert path.read_bytes() == again.read_bytes()
    encoder = load_encoder(path)
    assert encoder is not None and encoder.metadata["trained_on"] == "nothing"
    assert load_encoder(again).identity == encoder.identity  # type: ignore[union-attr]
    exact = random_encoder().encode(TEXTS[:3], ["python"] * 3)
    assert (encoder.encode(TEXTS[:3], ["python"] * 3) * exact).sum(axis=1) == pytest.approx(1, abs=1e-3)
    assert encoder.stop_similarity(encoder.query(REQUEST)) == pytest.approx(0.3)
    save_encoder(again, random_weights(seed=1), {"trained_on": "nothing"})
    assert load_encoder(again).identity != encoder.identity  # type: ignore[union-attr]


def test_files_of_another_version_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, random_weights(), {})
    tensors = load_file(path)
    for version in ("format", "format_version", "lexer_version", "words_version"):
        described = {**static_encoder._VERSIONS, version: "0"}
        save_file(tensors, path, {"encoder": json.dumps(described)})
        with pytest.raises(ModelError, match=f"its {version} is 0, not .*train-retriever"):
            load_encoder(path)
    save_file({**tensors, "slots": tensors["slots"][1:]}, path, {"encoder": json.dumps(static_encoder._VERSIONS)})
    with pytest.raises(ModelError, match="do not fit together"):
        load_encoder(path)
    for content in (b"", b"no tensors at all"):
        path.write_bytes(content)
        with pytest.raises(ModelError, match="not an encoder of this program"):
            load_encoder(path)
    with pytest.raises(ModelError, match="cannot be read"):
        load_encoder(tmp_path / "none.safetensors")


def test_a_shipped_file_that_is_refused_costs_the_learned_retrieval_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "encoder.safetensors").write_bytes(b"of the year 2050")
    monkeypatch.setattr(static_encoder, "SHIPPED", tmp_path / "encoder.safetensors")
    static_encoder.shipped_encoder.cache_clear()
    try:
        assert static_encoder.shipped_encoder() is None and "no learned retrieval" in caplog.text
    finally:
        static_encoder.shipped_encoder.cache_clear()


def test_the_shipped_encoder_is_named_as_what_it_reads() -> None:
    source, encoder = shipped_source(), static_encoder.shipped_encoder()
    assert source is not None and encoder is not None
    assert source.identity == encoder.identity and source.read() is encoder
