"""What a server counts of its prefix cache and its drafts, from the text of its `/metrics`. Pure.

Names are those of vLLM, SGLang and llama-server; others count as not told.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_LINE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{[^}]*\})? ([-+.\deE]+)$", re.MULTILINE)
_QUERIED = ("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total")
_HIT = ("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total")
_RATE = ("sglang:cache_hit_rate",)
_DRAFTED = ("vllm:spec_decode_num_draft_tokens_total",)
_ACCEPTED = ("vllm:spec_decode_num_accepted_tokens_total",)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Counted since the server started, over all its users; None where it does not say.

    Of `num_queried_tokens` of prompts `num_hit_tokens` were in the prefix cache; `hit_rate` is a server's own figure.
    """

    num_queried_tokens: float | None = None
    num_hit_tokens: float | None = None
    hit_rate: float | None = None
    num_drafted_tokens: float | None = None
    num_accepted_tokens: float | None = None

    def cached_share_since(self, before: Metrics) -> float | None:
        """The share of prompt tokens that were cached between two readings; the server's own figure where it counts
        nothing; None where it says nothing."""
        if self.num_queried_tokens is None or self.num_hit_tokens is None:
            return self.hit_rate
        queried = self.num_queried_tokens - (before.num_queried_tokens or 0)
        return (self.num_hit_tokens - (before.num_hit_tokens or 0)) / queried if queried > 0 else None


def read_metrics(text: str) -> Metrics:
    """Read what `/metrics` answers; what is no such text tells nothing."""
    found: dict[str, float] = {}
    for name, value in _LINE.findall(text):
        try:
            number = float(value)
        except ValueError:
            continue
        if math.isfinite(number):
            found[name] = found.get(name, 0.0) + number  # one line for each of several engines

    def first(names: tuple[str, ...]) -> float | None:
        return next((found[name] for name in names if name in found), None)

    return Metrics(first(_QUERIED), first(_HIT), first(_RATE), first(_DRAFTED), first(_ACCEPTED))
