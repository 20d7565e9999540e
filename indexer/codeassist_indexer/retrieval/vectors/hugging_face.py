"""An encoder of the Hugging Face kind from a local folder: a transformer, mean pooling, no code of its own.

One text takes it tens of milliseconds on a CPU: chunks are encoded in idle time, a request once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from codeassist.errors import ModelError
from codeassist.request import CompletionRequest
from codeassist_indexer.retrieval.query.cursor import cursor_query
from codeassist_indexer.retrieval.vectors.encoder import Vectors

if TYPE_CHECKING:
    import torch

STOP_TEXT = "Don't need cross file context for completion"
"""What RLCoder's published encoder knows as the stop candidate."""

_MAX_TOKENS = 256
_BATCH = 16
_FILES = ("config.json", "tokenizer.json", "model.safetensors")


class HuggingFaceEncoder:
    """An `Encoder` of whatever `transformers` calls a model with a tokenizer. Safe in several threads."""

    is_static = False

    def __init__(self, model: Any, tokenizer: Any, identity: str) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self.identity = identity
        self.num_dims = int(model.config.hidden_size)
        self._stop: Vectors | None = None

    def encode(self, texts: Sequence[str], languages: Sequence[str]) -> Vectors:
        """Return the vectors of texts, (n, D). Of a long text only its beginning counts."""
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))  # alike lengths waste no padding
        vectors = np.zeros((len(texts), self.num_dims), np.float32)
        for start in range(0, len(order), _BATCH):
            numbers = order[start : start + _BATCH]
            vectors[numbers] = self._pooled([texts[number] for number in numbers])
        return vectors

    def query(self, request: CompletionRequest) -> Vectors:
        """Return the vector of the lines before a cursor, as RLCoder asks, (D,)."""
        around = cursor_query(request)
        return self.encode(["\n".join((*reversed(around.before), around.line_head))], [""])[0]

    def similarities(self, query: Vectors, texts: Sequence[str], languages: Sequence[str]) -> Vectors:
        """Return how well texts fit a query, each in [-1, 1], (n,). One forward pass a batch: not for a request."""
        return self.encode(texts, languages) @ query

    def stop_similarity(self, query: Vectors) -> float:
        """Return what a text's similarity must exceed for it to be better than no text at all."""
        stop = self._stop
        if stop is None:
            stop = self._stop = self.encode([STOP_TEXT], [""])[0]
        return float(query @ stop)

    def _pooled(self, texts: Sequence[str]) -> Vectors:
        import torch

        inputs = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt"
        )
        with torch.inference_mode():
            states: torch.Tensor = self._model(**inputs).last_hidden_state
        mask = inputs["attention_mask"][..., None].to(states.dtype)
        mean = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        return torch.nn.functional.normalize(mean, dim=-1).float().numpy()


def load_hugging_face(folder: Path) -> HuggingFaceEncoder:
    """Read an encoder from a folder with config.json, tokenizer.json and model.safetensors.

    Raises ModelError where one is missing or broken. Nothing is fetched, and no code of the folder is run.
    """
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{folder}: no encoder ({', '.join(missing)} missing); name a folder with {', '.join(_FILES)} in "
            "context.encoder"
        )
    from transformers import AutoModel, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = AutoModel.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype="float32"
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{folder}: the encoder cannot be read ({error})") from error
    digest = hashlib.sha256()
    for name in _FILES:
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return HuggingFaceEncoder(model.eval(), tokenizer, digest.hexdigest()[:16])
