"""What trimming a suggestion needs of the text around the cursor, found out while the model runs.

Knows no model and no client. Looking at syntax takes some milliseconds that nobody waits for then.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future

from codeassist_indexer.open_document.reader import READER, DocumentPlace


class FitPreparation:
    """A cursor's place, looked at on a thread of `beside` once the model is at work; without one when it is needed.

    Behind that, `prepare` runs there: what the next request will need. Used by the thread that runs the model.
    """

    def __init__(
        self, prefix: str, suffix: str, path: str, beside: Executor | None, prepare: Callable[[], None] = lambda: None
    ) -> None:
        self._look = lambda: _looked_at(prefix, suffix, path)
        self._beside = beside
        self._prepare = prepare
        self._looking: Future[DocumentPlace] | None = None
        self._preparing: Future[None] | None = None
        self._place: DocumentPlace | None = None

    def begun_by(self, stopped: Callable[[], bool]) -> Callable[[], bool]:
        """Return `stopped`, whose first call begins to look: then the model is at work, and Python's lock is free."""

        def stopped_and_begun() -> bool:
            if self._beside is not None and self._looking is None:
                self._looking = self._beside.submit(self._look)
                self._preparing = self._beside.submit(self._prepare)
            return stopped()

        return stopped_and_begun

    def place(self) -> DocumentPlace:
        """Return the place; wait for it if it is being looked at."""
        if self._place is None:
            has_begun = self._looking is not None and not self._looking.cancel()
            self._place = self._looking.result() if has_begun and self._looking is not None else self._look()
        return self._place

    def close(self) -> None:
        """Look at nothing that nobody needs any more."""
        for each in (self._looking, self._preparing):
            if each is not None:
                each.cancel()


def _looked_at(prefix: str, suffix: str, path: str) -> DocumentPlace:
    place = READER.place(prefix, suffix, path)
    place.prepare()
    return place
