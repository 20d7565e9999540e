"""The live cache that one document has with an engine, for one kind of request, and the layout of its prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.drafts import Speculator


@dataclass(frozen=True, slots=True)
class Layout:
    """A prompt's tokens and the ranges of them that matter: as `Engine.generate` takes them."""

    tokens: Sequence[int]
    refresh: Sequence[range]
    snippets: Sequence[range]


class PromptCache:
    """The live cache of one document and one kind of request, with the index of drafts that follows it.

    Owned by whoever opened it; made by `Engine.open`, and of use to that engine alone. The engine fills it at the first
    use and may empty it at any later one, when others need the memory: then the next prompt is read anew. `name` is for
    people, and for whoever opens the same document another day. With `is_exact`, only the unchanged beginning of the
    last prompt is used again. `awaited`: a prompt to be read when nothing else is to be done. `snippets` are the ranges
    of other files in the last prompt that was answered. `outlives`: its states may be kept on the disk; `num_unkept`
    tokens of them were computed since that was done.
    """

    __slots__ = ("awaited", "is_exact", "live", "name", "num_unkept", "outlives", "snippets", "speculator")

    def __init__(self, name: str, *, is_exact: bool) -> None:
        self.name = name
        self.outlives = False
        self.num_unkept = 0
        self.is_exact = is_exact
        self.live: LiveCache | None = None
        self.speculator: Speculator | None = None
        self.awaited: Layout | None = None
        self.snippets: Sequence[range] = ()

    @property
    def tokens(self) -> Sequence[int | None]:
        """The tokens whose states it holds; None in a slot that holds none."""
        return () if self.live is None else self.live.tokens

    @property
    def num_exact(self) -> int:
        """How many of its states, from the first on, are exact."""
        return 0 if self.live is None else self.live.num_exact

    @property
    def num_stale(self) -> int:
        """How many of its states are inexact."""
        return 0 if self.live is None else self.live.num_stale

    @property
    def can_heal(self) -> bool:
        """Whether it has inexact states worth healing."""
        return self.live is not None and self.live.can_heal

    @property
    def num_bytes(self) -> int:
        """What its states take."""
        return 0 if self.live is None else len(self.live.tokens) * self.live.states.bytes_per_slot

    def empty(self) -> None:
        """Free its states."""
        self.live = self.speculator = self.awaited = None
        self.num_unkept = 0
