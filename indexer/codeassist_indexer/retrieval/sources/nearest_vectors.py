"""The learned search of one index: the encoder in force, and the matrix of its chunk vectors.

Knows no other source. Nothing is read on the request path beyond a few changed files: the first time, and after great
changes, a thread of its own reads the vectors, and until it is done nothing is found. That thread also makes them,
where the encoder is too slow to do so while files are indexed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

from codeassist.errors import CodeAssistError
from codeassist.request import CompletionRequest
from codeassist_indexer.retrieval.sources.hits import ChunkHit, Hit
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.retrieval.vectors.encoder import Encoder
from codeassist_indexer.retrieval.vectors.matrix import ChunkMatrix
from codeassist_indexer.retrieval.vectors.static_encoder import shipped_encoder
from codeassist_indexer.retrieval.vectors.stored import fill_vectors
from codeassist_indexer.storage.store import Store

log = logging.getLogger(__name__)

MAX_CHUNKS = 32
_FEW_FILES = 64  # so many changed files are read on the way


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
        self, request: CompletionRequest, may_wait: bool, own_file: int | None, limit: int = MAX_CHUNKS
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


def learned(context: RetrievalContext) -> Iterator[Hit]:
    """Yield the chunks whose vectors are nearest to what stands around the cursor."""
    search = context.store.companion(LearnedSearch)
    may_wait = context.deadline.after_ms is None
    for chunk_id, similarity in search.nearest(context.request, may_wait, context.own_file_id):
        yield ChunkHit(chunk_id, similarity, f"is like what helped at such places ({similarity:.2f})")
