"""An encoder of the Hugging Face kind: a tiny random one, against transformers' own passes, and in an index."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from codeassist.errors import ModelError
from codeassist.request import CompletionRequest
from codeassist_indexer.ingest.update import UpdateSettings, update_file, update_index
from codeassist_indexer.retrieval.vectors.choice import encoder_in_force
from codeassist_indexer.retrieval.vectors.encoder_source import source_in_force
from codeassist_indexer.retrieval.vectors.hugging_face import load_hugging_face
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.retrieval.vectors.static_encoder import save_encoder
from codeassist_indexer.storage.store import Store
from tests.indexer.retrieval.vectors.vector_encoders import random_weights

WORDS = ("[PAD]", "[UNK]", "alpha", "beta", "gamma", "delta", "=", "(", ")", "return")
TEXTS = ["alpha = beta", "gamma ( delta ) return alpha " * 10, "delta", ""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                        intermediate_size=32, max_position_embeddings=256)  # fmt: skip
    BertModel(config).save_pretrained(folder)
    words = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()  # type: ignore[assignment]
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    return folder


def test_vectors_are_the_mean_of_states(folder: Path) -> None:
    encoder = load_hugging_face(folder)
    vectors = encoder.encode(TEXTS, [""] * len(TEXTS))
    for text, vector in zip(TEXTS[:3], vectors, strict=False):
        with torch.inference_mode():
            states = encoder._model(**encoder._tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        wanted = states.mean(dim=0).numpy()
        assert np.allclose(vector, wanted / np.linalg.norm(wanted), atol=1e-5)
    assert np.isfinite(vectors).all()
    query = encoder.query(CompletionRequest("a.py", "alpha = beta\ngamma (", ")\n"))
    assert np.allclose(encoder.similarities(query, TEXTS, [""] * 4), vectors @ query, atol=1e-5)
    assert -1 <= encoder.stop_similarity(query) <= 1
    assert load_hugging_face(folder).identity == encoder.identity


def test_its_vectors_are_made_behind_requests(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "m1.py").write_text("gamma(delta)\nreturn alpha\n")
    (tmp_path / "m2.py").write_text("alpha = beta\n")
    encoder = load_hugging_face(folder)
    store = Store(tmp_path / "x" / "index.db")
    settings = UpdateSettings(encoder=source_in_force(folder))
    assert settings.encoder is None
    update_index(store, tmp_path, settings)
    search = LearnedSearch(store, encoder)
    request = CompletionRequest("m0.py", "alpha = beta", "\n")
    assert search.nearest(request, False, None) == []
    assert search.wait_until_read(60)
    (best, score), *_ = search.nearest(request, False, None)
    assert store.query("SELECT text FROM chunks WHERE id = ?", (best,)) == [("alpha = beta\n",)]
    assert score == pytest.approx(1, abs=0.01)
    update_file(store, tmp_path, "m3.py", "alpha = beta\n\n", settings)
    search.nearest(request, False, None)
    assert search.wait_until_read(60)
    assert len(search.nearest(request, False, None)) == 3
    store.close()


def test_what_is_no_encoder_is_refused_and_the_shipped_one_stays(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(
        ModelError, match=r"config\.json, tokenizer\.json, model\.safetensors missing.*context\.encoder"
    ):
        load_hugging_face(tmp_path)
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (broken / name).write_bytes((folder / name).read_bytes())
    own_code = {**json.loads((folder / "config.json").read_text()), "model_type": "mine"}
    own_code["auto_map"] = {"AutoModel": "mine.Model", "AutoConfig": "mine.Config"}
    (broken / "config.json").write_text(json.dumps(own_code))
    (broken / "mine.py").write_text("raise SystemExit('code of the folder was run')\n")
    with caplog.at_level(logging.WARNING):
        assert encoder_in_force(broken) is encoder_in_force(None)
    assert "the encoder cannot be read" in caplog.text
    save_encoder(tmp_path / "own.safetensors", random_weights(), {})
    own = encoder_in_force(tmp_path / "own.safetensors")
    assert own is not None and own.num_dims == 16
    source = source_in_force(tmp_path / "own.safetensors")
    assert source is not None and source.identity == own.identity and source.read() is own
