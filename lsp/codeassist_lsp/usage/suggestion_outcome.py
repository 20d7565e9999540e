"""What became of one suggestion, in numbers, as it is counted on this machine.

Nothing of a text is in it, nor which file it was for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SuggestionOutcome:
    """One suggestion, from its first showing to its last acceptance.

    `stage_ms` is that of the request that it was first shown for.
    `is_shown`: the client said that it became visible; `is_accepted`: all of it was taken; `is_jumped`:
    the user went to a next edit first. Of `accepted_chars`, in
    whole or in part, `looked_chars` were looked for a while later, and `kept_chars` of them were still there.
    """

    id: str
    at_s: float
    kind: str
    language: str
    model: str
    num_chars: int
    num_lines: int
    is_shown: bool = False
    is_accepted: bool = False
    is_jumped: bool = False
    accepted_chars: int = 0
    looked_chars: int = 0
    kept_chars: int = 0
    stage_ms: Mapping[str, float] = field(default_factory=dict[str, float])
