"""Static embeddings of code: a table with a row for each hashed word, and a text's vector is the sum of its words'.

A file is safetensors: int8 rows with a scale each (a word's weight is in it), the weight of each line around a cursor,
a map that turns what stands there into what is asked for, and the stop candidate. Training and use read words here and
nowhere else, so that both see the same.
"""

from __future__ import annotations

import json
import logging
import threading
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from codeassist.errors import ModelError
from codeassist.request import CompletionRequest
from codeassist_indexer.languages.registry import language_at
from codeassist_indexer.retrieval.query.cursor import IDENTIFIER, LINES_AFTER, LINES_BEFORE, cursor_query
from codeassist_indexer.retrieval.vectors.encoder import Vectors
from codeassist_indexer.retrieval.vectors.encoder_source import SHIPPED, identity_of
from codeassist_indexer.storage.lexical import LEXER_VERSION, identifier_tokens, is_keyword

log = logging.getLogger(__name__)

WORDS_VERSION = 1
"""Bump when other words come of the same text: encoders of another version are then refused."""

# The cursor's line, the lines before it, those after it, and last the name that stands right before the cursor.
NUM_SLOTS = LINES_BEFORE + LINES_AFTER + 1
_LAST_NAME_SLOT = NUM_SLOTS - 1

# Splitting bytes by a table takes a quarter of a regular expression's time (0.3 against 1.1 ms of 48 texts, 2026-11).
_SEPARATORS = bytes(code if code > 127 or chr(code).isalnum() or code == ord("_") else 32 for code in range(256))

_KEPT_TEXTS = 256  # candidates' texts are asked about twice a request, and are mostly the same at the next key

FORMAT = "codeassist-static-encoder"
FORMAT_VERSION = 1
_VERSIONS = {
    "format": FORMAT,
    "format_version": str(FORMAT_VERSION),
    "lexer_version": str(LEXER_VERSION),
    "words_version": str(WORDS_VERSION),
}
# Words whose summed rows are kept: 16 MiB at 64 dimensions. When there are more, all are dropped and come anew.
_MAX_KNOWN_WORDS = 1 << 16
_FIRST_KNOWN_WORDS = 1 << 10


@dataclass(frozen=True, slots=True)
class StaticWeights:
    """What training makes. R rows, D dimensions, S slots (see `NUM_SLOTS`); all float32.

    rows: (R, D). slots: (S,), how much a word counts by where it stands. query_map: (D, D), applied to the summed words
    around the cursor. stop: (D,), and stop_bias: a query's similarity to the stop candidate is its product with the one
    plus the other.
    """

    rows: Vectors
    slots: Vectors
    query_map: Vectors
    stop: Vectors
    stop_bias: float


class StaticEncoder:
    """An `Encoder` that needs numpy only. Keeps the words that it has met, a bounded number of them."""

    is_static = True

    def __init__(self, weights: StaticWeights, identity: str, metadata: Mapping[str, str] | None = None) -> None:
        self.weights = weights
        self.identity = identity
        self.metadata: Mapping[str, str] = metadata or {}
        self.num_dims = weights.rows.shape[1]
        self._known = _KnownWords(weights.rows)

    def encode(self, texts: Sequence[str], languages: Sequence[str]) -> Vectors:
        """Return the vectors of texts, (n, D)."""
        return _normalised(self._known.sums([words_of(text) for text in texts], languages))

    def query(self, request: CompletionRequest, language: str | None = None) -> Vectors:
        """Return the vector of what a request's place asks for, (D,)."""
        slots = slots_around(request)
        vectors = self._known.vectors(list(slots), language or language_at(request) or "")
        summed = self.weights.slots[list(slots.values())] @ vectors if slots else np.zeros(self.num_dims, np.float32)
        return _normalised(summed @ self.weights.query_map)

    def similarities(self, query: Vectors, texts: Sequence[str], languages: Sequence[str]) -> Vectors:
        """Return how well texts fit a query, each in [-1, 1], (n,)."""
        return self.encode(texts, languages) @ query

    def stop_similarity(self, query: Vectors) -> float:
        """Return what a text's similarity must exceed for it to be better than no text at all."""
        return float(query @ self.weights.stop) + self.weights.stop_bias


class _KnownWords:
    """The vector of each word that was met, by language: the sum of the rows of the word and its parts."""

    def __init__(self, rows: Vectors) -> None:
        self._rows = rows
        self._lock = threading.Lock()
        self._clear()

    def sums(self, words_by_text: Sequence[Sequence[bytes]], languages: Sequence[str]) -> Vectors:
        """Return the summed vectors of the words of each text, (n, D)."""
        with self._lock:
            self._keep_bounded()
            numbers: list[int] = []
            starts: list[int] = []
            for words, language in zip(words_by_text, languages, strict=True):
                starts.append(len(numbers))
                numbers.append(0)  # a row of zeros: no text is without any word
                numbers += self._numbers(words, language)
            if not starts:
                return np.zeros((0, self._rows.shape[1]), np.float32)
            return np.add.reduceat(self._vectors[numbers], starts, axis=0)

    def vectors(self, words: Sequence[bytes], language: str) -> Vectors:
        """Return the vector of each word, (n, D)."""
        with self._lock:
            self._keep_bounded()
            numbers = self._numbers(words, language)  # first: what is learned may move the vectors
            return self._vectors[numbers]

    def _numbers(self, words: Sequence[bytes], language: str) -> list[int]:
        known = self._known.setdefault(language, {})
        try:
            return [known[word] for word in words]
        except KeyError:
            return [known[word] if word in known else self._learn(known, word, language) for word in words]

    def _learn(self, known: dict[bytes, int], word: bytes, language: str) -> int:
        rows = token_rows(word, language, len(self._rows))
        number = 0
        if rows:
            number = self._num_vectors
            if number == len(self._vectors):
                self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
            self._vectors[number] = self._rows[list(rows)].sum(axis=0)
            self._num_vectors += 1
        known[word] = number
        self._num_known += 1
        return number

    def _keep_bounded(self) -> None:
        """Forget all words once there are too many. Not while the numbers of some are in use."""
        if self._num_known > _MAX_KNOWN_WORDS:
            self._clear()

    def _clear(self) -> None:
        self._num_known = 0
        self._known: dict[str, dict[bytes, int]] = {}
        self._vectors: Vectors = np.zeros((_FIRST_KNOWN_WORDS, self._rows.shape[1]), np.float32)
        self._num_vectors = 1  # the first is for what says nothing: keywords, numbers


def _normalised(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-12)


def save_encoder(path: Path, weights: StaticWeights, about: Mapping[str, str]) -> None:
    """Write a file that `load_encoder` reads; `about` says what it was trained on.

    The same weights give the same bytes. The file is there whole or not at all.
    """
    scales = np.abs(weights.rows).max(axis=1) / 127
    scaled = np.divide(weights.rows, scales[:, None], out=np.zeros_like(weights.rows), where=scales[:, None] > 0)
    tensors = {
        "rows": np.rint(scaled).astype(np.int8),
        "scales": scales.astype(np.float32),
        "slots": weights.slots.astype(np.float32),
        "query_map": weights.query_map.astype(np.float32),
        "stop": np.append(weights.stop, weights.stop_bias).astype(np.float32),
    }
    # One value: the library writes several in an order that differs from run to run.
    described = json.dumps({**about, **_VERSIONS}, sort_keys=True)
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(save(tensors, {"encoder": described}))
        partial.replace(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written ({error.strerror}); name another folder") from error


def load_encoder(path: Path | None = None) -> StaticEncoder | None:
    """Read an encoder's file; without `path` the shipped one, None where none is shipped.

    Raises ModelError for what is no such file, or one of another version.
    """
    if path is None:
        with resources.as_file(SHIPPED) as shipped:
            return load_encoder(shipped) if shipped.is_file() else None
    try:
        content = path.read_bytes()
        with safe_open(path, "np") as file:
            described: dict[str, str] = json.loads((file.metadata() or {}).get("encoder", "{}"))
            other = [name for name, wanted in _VERSIONS.items() if described.get(name) != wanted]
            if other:
                raise _refused(path, f"its {other[0]} is {described.get(other[0])}, not {_VERSIONS[other[0]]}")
            tensors = {name: file.get_tensor(name) for name in ("rows", "scales", "slots", "query_map", "stop")}
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); name an encoder's file") from error
    except (SafetensorError, ValueError) as error:
        raise _refused(path, str(error)) from error
    num_dims = tensors["rows"].shape[-1]
    shapes = {"scales": tensors["rows"].shape[:1], "slots": (NUM_SLOTS,), "query_map": (num_dims, num_dims),
              "stop": (num_dims + 1,)}  # fmt: skip
    if tensors["rows"].ndim != 2 or any(tensors[name].shape != shape for name, shape in shapes.items()):
        raise _refused(path, "its tensors do not fit together")
    rows = tensors["rows"].astype(np.float32) * tensors["scales"][:, None]
    stop = tensors["stop"]
    weights = StaticWeights(rows, tensors["slots"], tensors["query_map"], stop[:-1], float(stop[-1]))
    return StaticEncoder(weights, identity_of(content), described)


def _refused(path: Path, why: str) -> ModelError:
    return ModelError(
        f"{path}: not an encoder of this program ({why}); train one with `codeassist eval train-retriever`"
    )


@lru_cache(maxsize=1)
def shipped_encoder() -> StaticEncoder | None:
    """Return the shipped encoder, read once; None, logged, where there is none that can be used."""
    try:
        return load_encoder()
    except ModelError as error:
        log.warning("no learned retrieval: %s", error)
        return None


@lru_cache(maxsize=_KEPT_TEXTS)
def words_of(text: str) -> tuple[bytes, ...]:
    """Return the different words of a text, in the order in which they first stand there; numbers too."""
    return tuple(dict.fromkeys(_split(text)))


def token_rows(word: bytes, language: str, num_rows: int) -> tuple[int, ...]:
    """Return the rows of a table that a word stands for: itself and its parts; none of a keyword or a number."""
    identifier = word.decode("utf-8", "replace")
    if identifier[0].isdigit() or is_keyword(identifier, language):
        return ()
    return tuple(zlib.crc32(token.encode()) % num_rows for token in identifier_tokens(identifier))


def slots_around(request: CompletionRequest) -> Mapping[bytes, int]:
    """Return the words around a request's cursor, each with the slot of the nearest line that holds it.

    A slot is a line's place: 0 the cursor's up to it, then those before it, then those after it, the nearest first.
    """
    around = cursor_query(request)
    slots: dict[bytes, int] = {}
    names = IDENTIFIER.findall(around.line_head)
    if names:
        slots[names[-1].encode("utf-8", "replace")] = _LAST_NAME_SLOT
    lines = [(0, around.line_head)]
    for number in range(max(len(around.before), len(around.after))):
        if number < len(around.before):
            lines.append((1 + number, around.before[number]))
        if number < len(around.after):
            lines.append((LINES_BEFORE + number, around.after[number]))
    for slot, line in lines:
        for word in _split(line):
            slots.setdefault(word, slot)
    return slots


def _split(text: str) -> list[bytes]:
    return text.encode("utf-8", "replace").translate(_SEPARATORS).split()
