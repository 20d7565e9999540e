"""The chunk vectors of an index in memory, searched as one matrix, and kept up to date file by file.

Nothing is read on the request path beyond a few changed files: the first time, and after great changes, a thread of its
own reads the vectors, and until it is done nothing is found. That thread also makes them, where the encoder is too slow
to do so while files are indexed. 100,000 chunks of 64 dimensions take 26 MB, and a
search of them 1 ms on one core (2026-11).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from codeassist.errors import CodeAssistError
from codeassist.request import CompletionRequest
from codeassist_indexer.retrieval.vectors.encoder import Encoder, Vectors
from codeassist_indexer.retrieval.vectors.static_encoder import shipped_encoder
from codeassist_indexer.retrieval.vectors.stored import fill_vectors
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.vector_reader import vector_blocks

log = logging.getLogger(__name__)

NUM_NEAREST = 32
_FEW_FILES = 64  # so many changed files are read on the way
_BLOCK = 32
_FIRST_CAPACITY = 1 << 10
_DEAD_SHARE = 0.25
_MOST_CHUNKS = 400_000  # 102 MB; of a larger index the files that come last are not searched


@dataclass(frozen=True, slots=True)
class _Span:
    """A file's columns in the matrix, and the numbers of its chunks, which follow each other too."""

    start: int
    first_chunk: int
    num_chunks: int


class ChunkMatrix:
    """The vectors of one store and one encoder. Columns, not rows: a product is then twice as fast. Not thread-safe.

    A file that goes leaves columns of zeros, which nothing is near to; when a quarter is of those, they are taken out.
    """

    def __init__(self, identity: str, num_dims: int) -> None:
        self._identity = identity
        self._num_dims = num_dims
        self._clear()

    @property
    def num_chunks(self) -> int:
        """How many chunks can be found."""
        return sum(span.num_chunks for span in self._spans.values())

    def changed_files(self, store: Store) -> list[int] | None:
        """Return the files that changed since the last refresh; None where everything must be read."""
        return store.changed_files(self._epoch, self._last_change)

    def refresh(self, store: Store) -> None:
        """Read what changed in the index since the last time."""
        epoch, newest, _ = store.vector_changes()  # first: what changes while we read is then read once more
        changed = self.changed_files(store)
        if changed is None:
            self._clear()
            self._append(vector_blocks(store, self._identity))
        else:
            for file_id in changed:
                self._remove(file_id)
                self._append(vector_blocks(store, self._identity, file_id))
            self._compact()
        self._epoch, self._last_change = epoch, newest

    def nearest(self, query: Vectors, limit: int, without_file: int | None = None) -> list[tuple[int, float]]:
        """Return the numbers of the nearest chunks with their similarities, above 0, the nearest first."""
        if self._num_columns == 0 or limit < 1:
            return []
        width = -(-self._num_columns // _BLOCK) * _BLOCK
        scores = query @ self._vectors[:, :width]
        own = self._spans.get(without_file) if without_file is not None else None
        if own is not None:
            scores[own.start : own.start + own.num_chunks] = 0
        # The best of all stand in the blocks whose bests are the best; to sort these alone takes a fifth of the time.
        # A block is every n-th column, n being the number of blocks: to find their bests so takes an eighth of the time
        # that runs of columns would.
        by_block = scores.reshape(_BLOCK, -1)
        num_blocks = by_block.shape[1]
        bests = by_block.max(axis=0)
        blocks = np.argpartition(bests, -limit)[-limit:] if limit < num_blocks else np.arange(num_blocks)
        columns = (blocks + num_blocks * np.arange(_BLOCK)[:, None]).ravel()
        columns = columns[scores[columns] > 0]
        order = np.lexsort((self._chunk_ids[columns], -scores[columns]))[:limit]
        return [(int(self._chunk_ids[column]), float(scores[column])) for column in columns[order]]

    def check(self) -> None:
        """Assert that spans do not overlap, that columns know their chunks, and that what is no file's is zeros."""
        covered = np.zeros(self._num_columns, bool)
        for span in self._spans.values():
            columns = slice(span.start, span.start + span.num_chunks)
            assert not covered[columns].any() and span.start + span.num_chunks <= self._num_columns
            covered[columns] = True
            wanted = np.arange(span.first_chunk, span.first_chunk + span.num_chunks)
            assert (self._chunk_ids[columns] == wanted).all()
        assert not self._vectors[:, : self._num_columns][:, ~covered].any()
        assert not self._vectors[:, self._num_columns :].any()
        assert self._num_dead == (~covered).sum()

    def _append(self, rows: Iterable[tuple[int, int, bytes]]) -> None:
        rows = list(rows)
        if not rows:
            return
        room = (_MOST_CHUNKS - self._num_columns) * self._num_dims
        sizes = accumulate(len(block) for _, _, block in rows)
        rows = [row for row, size in zip(rows, sizes, strict=True) if size <= room]
        vectors = unpacked([block for _, _, block in rows], self._num_dims)
        self._reserve(self._num_columns + len(vectors))
        start = self._num_columns
        self._vectors[:, start : start + len(vectors)] = vectors.T
        for file_id, first_chunk, block in rows:
            num_chunks = len(block) // self._num_dims
            self._spans[file_id] = _Span(start, first_chunk, num_chunks)
            self._chunk_ids[start : start + num_chunks] = np.arange(first_chunk, first_chunk + num_chunks)
            start += num_chunks
        self._num_columns = start

    def _remove(self, file_id: int) -> None:
        span = self._spans.pop(file_id, None)
        if span is not None:
            self._vectors[:, span.start : span.start + span.num_chunks] = 0
            self._num_dead += span.num_chunks

    def _reserve(self, num_columns: int) -> None:
        capacity = self._vectors.shape[1]
        if num_columns <= capacity:
            return
        capacity = max(capacity + capacity // 8, num_columns)
        capacity = -(-capacity // _BLOCK) * _BLOCK
        vectors = np.zeros((self._num_dims, capacity), np.float32)
        vectors[:, : self._num_columns] = self._vectors[:, : self._num_columns]
        self._vectors = vectors
        chunk_ids = np.zeros(capacity, np.int64)
        chunk_ids[: self._num_columns] = self._chunk_ids[: self._num_columns]
        self._chunk_ids = chunk_ids

    def _compact(self) -> None:
        if self._num_dead <= _DEAD_SHARE * self._num_columns:
            return
        old, old_ids, spans = self._vectors, self._chunk_ids, self._spans
        kept = [np.arange(span.start, span.start + span.num_chunks) for span in spans.values()]
        columns = np.concatenate(kept) if kept else np.zeros(0, np.int64)
        self._vectors = np.zeros_like(old)
        self._vectors[:, : len(columns)] = old[:, columns]
        self._chunk_ids = np.zeros_like(old_ids)
        self._chunk_ids[: len(columns)] = old_ids[columns]
        self._spans = {}
        start = 0
        for file_id, span in spans.items():
            self._spans[file_id] = _Span(start, span.first_chunk, span.num_chunks)
            start += span.num_chunks
        self._num_columns, self._num_dead = start, 0

    def _clear(self) -> None:
        self._vectors: Vectors = np.zeros((self._num_dims, _FIRST_CAPACITY), np.float32)
        self._chunk_ids = np.zeros(_FIRST_CAPACITY, np.int64)
        self._spans: dict[int, _Span] = {}
        self._num_columns = self._num_dead = 0
        self._epoch: int | None = None
        self._last_change = 0


def unpacked(blocks: Sequence[bytes], num_dims: int) -> Vectors:
    """Return what `stored.packed` made bytes of, (n, D), of length 1 again."""
    vectors = np.frombuffer(b"".join(blocks), np.int8).reshape(-1, num_dims).astype(np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    vectors /= np.maximum(lengths, 1)[:, None]
    return vectors


class LearnedSearch:
    """Finds the chunks of a store whose vectors are nearest to a request's. Safe in several threads.

    Without an encoder, or before any vectors are made, it finds nothing.
    """

    def __init__(self, store: Store, encoder: Encoder | None = None) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._use(encoder if encoder is not None else shipped_encoder())

    @property
    def encoder(self) -> Encoder | None:
        """The encoder in force."""
        return self._encoder

    def use(self, encoder: Encoder | None) -> None:
        """Search by another encoder from now on."""
        with self._lock:
            if (encoder and encoder.identity) != (self._encoder and self._encoder.identity):
                self._use(encoder)

    def nearest(
        self, request: CompletionRequest, may_wait: bool, own_file: int | None, limit: int = NUM_NEAREST
    ) -> list[tuple[int, float]]:
        """Return the numbers and similarities of the nearest chunks of other files than `own_file`, the best first.

        `may_wait`: read vectors that are not in memory now, however many; else a thread reads them for a later request.
        """
        with self._lock:
            matrix, encoder = self._matrix, self._encoder
            if matrix is None or encoder is None:
                return []
            if may_wait:
                if not encoder.is_static:
                    fill_vectors(self._store, encoder)
                matrix.refresh(self._store)
            else:
                changed = matrix.changed_files(self._store)
                if changed is None or len(changed) > _FEW_FILES or (changed and not encoder.is_static):
                    self._read_behind()
                if changed is None or len(changed) > _FEW_FILES:
                    return []
                matrix.refresh(self._store)
            return matrix.nearest(encoder.query(request), limit, own_file)

    def wait_until_read(self, timeout_s: float) -> bool:
        """Wait for the thread that reads vectors, if there is one; return whether it is done."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def _use(self, encoder: Encoder | None) -> None:
        self._encoder = encoder
        self._matrix = None if encoder is None else ChunkMatrix(encoder.identity, encoder.num_dims)

    def _read_behind(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._read, name="chunk-vectors", daemon=True)
            self._thread.start()

    def _read(self) -> None:
        try:
            encoder = self._encoder
            if encoder is not None:
                if not encoder.is_static:  # what is static has its vectors since its files were indexed
                    fill_vectors(self._store, encoder)
                matrix = ChunkMatrix(encoder.identity, encoder.num_dims)
                matrix.refresh(self._store)
                with self._lock:
                    if self._encoder is encoder:
                        self._matrix = matrix
        except CodeAssistError as error:
            log.warning("the vectors of %s cannot be read: %s", self._store.path, error)
