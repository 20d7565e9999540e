"""What fitting makes of an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fitted:
    """A text to insert, and how many characters after the cursor, on its line, it takes the place of."""

    text: str
    num_replaced: int = 0
