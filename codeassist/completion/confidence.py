"""Whether an answer is worth showing, from the model's own log-probabilities. Pure.

An answer that will be wrong costs its reader more than none ("Size up the situation"): it is given up as soon as it
looks unlikely, which saves its remaining passes too.
"""

from __future__ import annotations

import math

# Right answers begin with unlikely tokens, names that were hard to guess, and make up for them: of 40 right ones, two
# had fallen below 0.5 on the way to 0.8. So an answer is given up when as many certain tokens could not save it.
_CERTAIN_TOKENS = 8


class Confidence:
    """The geometric mean of the answer's token probabilities, and a threshold below which it is not worth showing.

    An answer is given up before its end once eight certain tokens more would not lift it over the threshold.
    `minimum` 0 never gives up. `codeassist eval confidence` shows what a threshold keeps and costs on a run.
    """

    def __init__(self, minimum: float) -> None:
        self._least_logprob = math.log(minimum) if minimum > 0 else -math.inf
        self._sum = 0.0
        self._num_tokens = 0

    def feed(self, logprob: float) -> bool:
        """Take the next token's log-probability; return whether the answer may still be worth showing."""
        self._sum += logprob
        self._num_tokens += 1
        return self._sum / (self._num_tokens + _CERTAIN_TOKENS) >= self._least_logprob

    @property
    def is_enough(self) -> bool:
        """Whether the answer as it stands is worth showing."""
        return self._num_tokens == 0 or self._sum / self._num_tokens >= self._least_logprob

    @property
    def value(self) -> float | None:
        """The geometric mean probability of the tokens so far: between 0 and 1; None before the first."""
        return math.exp(self._sum / self._num_tokens) if self._num_tokens else None
