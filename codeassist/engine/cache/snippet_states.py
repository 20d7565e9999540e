"""States of snippets that were in a prompt once: kept for when they are retrieved again.

A snippet is the tuple of its tokens. States are free of position; whoever places them rotates the keys (CacheBlend
keeps a chunk's states and corrects them afterwards; here healing corrects them).
"""

from __future__ import annotations

from collections import OrderedDict

from codeassist.engine.layers.kv_cache import States


class SnippetStates:
    """A bounded store, least recently used out first. `num_hits` and `num_misses` count look-ups."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self.num_hits = 0
        self.num_misses = 0
        self._kept: OrderedDict[tuple[int, ...], States] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, tokens: tuple[int, ...]) -> bool:
        return tokens in self._kept

    def get(self, tokens: tuple[int, ...]) -> States | None:
        """The states of exactly these tokens, computed after whatever stood before them then."""
        states = self._kept.get(tokens)
        if states is None:
            self.num_misses += 1
            return None
        self._kept.move_to_end(tokens)
        self.num_hits += 1
        return states

    def put(self, tokens: tuple[int, ...], states: States) -> None:
        """Keep states, in place of older ones of the same tokens. What is too large on its own is not kept."""
        if states.num_bytes > self.max_bytes:
            return
        replaced = self._kept.pop(tokens, None)
        self.num_bytes += states.num_bytes - (replaced.num_bytes if replaced else 0)
        self._kept[tokens] = states
        while self.num_bytes > self.max_bytes:
            _, dropped = self._kept.popitem(last=False)
            self.num_bytes -= dropped.num_bytes
