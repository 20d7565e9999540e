"""How long work reports how far it is.

Whoever shows a bar passes a function.
"""

from __future__ import annotations

from collections.abc import Callable

# progress(stage, done, total): the stage is for people; total is None while it is unknown.
Progress = Callable[[str, int, int | None], None]


def silent(stage: str, done: int, total: int | None) -> None:
    """Show nothing."""
