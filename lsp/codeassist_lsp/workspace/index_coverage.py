"""How far a repository's index is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a repository is in its index: of `num_total` files, `num_indexed` are looked at.

    `problems`: why it is not kept current, or not built, each with what to do.
    """

    num_indexed: int
    num_total: int
    is_building: bool
    problems: tuple[str, ...] = ()
