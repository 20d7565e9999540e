"""Linear layers that are made in the background, in the order in which a pass needs them.

Knows no model and no weights file. Packing int8 weights takes most of the time to load a model (fbgemm: about 100 MB a
second and core, AVX2, 2026-11-21): meanwhile the index is brought up to date and snippets are found.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from codeassist.engine.layers.linear import Linear


class LazyLinear:
    """A linear layer that another thread makes; its first use waits for it."""

    def __init__(self, future: Future[Linear]) -> None:
        self._future = future
        self._made: Linear | None = None

    def __call__(self, x: Tensor, row_scale: Tensor | None = None) -> Tensor:
        """x: (T, I) → (T, O). Raises what making the layer raised."""
        if self._made is None:
            self._made = self._future.result()
        return self._made(x, row_scale)


class LinearMaker:
    """Makes linear layers with as many threads as torch uses, first come first made."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=torch.get_num_threads(), thread_name_prefix="pack")
        self._futures: list[Future[Linear]] = []

    def make(self, job: Callable[[], Linear]) -> LazyLinear:
        """Return at once a layer that `job` makes later."""
        future = self._pool.submit(job)
        self._futures.append(future)
        return LazyLinear(future)

    def wait(self) -> None:
        """Wait until every layer is made. Raises what making one of them raised."""
        for future in self._futures:
            future.result()

    def __del__(self) -> None:
        # A model that is given up (Ctrl-C while it loads) is not finished first.
        self._pool.shutdown(wait=False, cancel_futures=True)
