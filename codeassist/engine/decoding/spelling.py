"""Spelling a half-typed word: the tokens with which a model most likely writes a text that begins as typed.

What the model would have written before the word's first letter is kept as long as it begins as typed. Else the
likeliest tokens are looked for, up to the one that goes on behind the cursor. One text can be cut into tokens in many
ways, and to take the likeliest of those that fit, one after the other, ends in cuts that no text has: behind `return`
the name `a` is likely, and so is its token when `ar` was typed, after which `rea` is next to impossible. What counts is
the probability of all tokens together; a search, the likeliest first, finds the best.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.constrained_sampling import best_permitted
from codeassist.engine.layers.model import never
from codeassist.errors import Cancelled
from codeassist.monitor.monitor import Monitor
from codeassist.tokenization.half_word import HalfWord

_MOST_PASSES = 4  # beyond which the best that is known is taken


@dataclass(frozen=True, slots=True)
class Spelled:
    """How the word is written, and what may come then.

    `tokens`: those before the answer's first one; they stand in the cache. `logits`: (V,) float32, those of the
    answer's first token, -inf where it would not write what is left of the word.
    """

    tokens: tuple[int, ...]
    logits: Tensor
    num_passes: int


@dataclass(frozen=True, slots=True, order=True)
class _Unread:
    """Tokens that begin the word and may be worth a pass; the likeliest sort first."""

    cost: float  # -log P(tokens)
    tokens: tuple[int, ...]
    left: bytes


@dataclass(frozen=True, slots=True)
class _Read:
    """Tokens that begin the word, with the logits of the next one. `cost`: -log P(tokens, and the best next one)."""

    cost: float
    tokens: tuple[int, ...]
    left: bytes
    logits: Tensor  # (V,) float32, -inf for those that do not finish the word


def spell(
    cache: LiveCache,
    hidden: Tensor,
    word: HalfWord,
    monitor: Monitor | None = None,
    stopped: Callable[[], bool] = never,
) -> Spelled:
    """Choose how a word is written after the prompt in `cache`. hidden: (1, D), the prompt's last state.

    Mutates the cache, which then holds the prompt and the tokens before the answer's first one, and sets `word.left`,
    which `monitor` is told. It must have nothing against one of the tokens that may come then.
    Raises Cancelled when `stopped()` before a pass; the cache then holds the prompt.
    """
    search = _Search(cache, word, monitor)
    search.look((), word.left, 0.0, cache.model.logits(hidden)[0])
    while search.is_worth_a_pass():
        if stopped():
            cache.truncate(search.base)
            raise Cancelled("the request was superseded")
        search.read_on()
    return search.end()


class _Search:
    """Best first: what is read next is the likeliest beginning, as long as it is likelier than the best whole word.

    Before all else what the model itself begins with is read, as long as that begins as typed: `_own` is its tip.
    """

    def __init__(self, cache: LiveCache, word: HalfWord, monitor: Monitor | None) -> None:
        self.base = len(cache.tokens)
        self._cache, self._word, self._monitor = cache, word, monitor
        self._unread: list[_Unread] = []
        self._read: set[tuple[int, ...]] = set()
        self._best: _Read | None = None
        self._own: _Unread | None = _Unread(0.0, (), word.left)
        self._is_done = False
        self._num_passes = 0

    def look(self, tokens: tuple[int, ...], left: bytes, cost: float, logits: Tensor) -> None:
        """Take in what comes after tokens that begin the word. logits: (V,) float32. `cost`: -log P(tokens)."""
        self._read.add(tokens)
        is_own = self._own is not None and self._own.tokens == tokens
        norm = float(torch.logsumexp(logits, dim=-1)) + cost
        own = int(logits.argmax())
        finishing = self._finishing(left, logits)
        permitted = self._permitted(left, finishing, norm - cost)
        total = norm - float(permitted.max())
        if is_own:
            self._own, self._is_done = None, total < torch.inf and int(permitted.argmax()) == own
        if self._is_done:
            self._best = _Read(total, tokens, left, finishing)
            return
        if total < (torch.inf if self._best is None else self._best.cost):
            self._best = _Read(total, tokens, left, finishing)
        for group, after in self._word.beginning(left):
            for token in group.tolist():
                unread = _Unread(norm - float(logits[token]), (*tokens, token), after)
                heapq.heappush(self._unread, unread)
                if is_own and token == own:
                    self._own = unread

    def _finishing(self, left: bytes, logits: Tensor) -> Tensor:
        """The logits of what finishes the word: anything, where that is written."""
        if not left:
            return logits
        ids = torch.as_tensor(self._word.finishing(left), dtype=torch.long, device=logits.device)
        finishing = torch.full_like(logits, -torch.inf)
        finishing[ids] = logits[ids]
        return finishing

    def _permitted(self, left: bytes, finishing: Tensor, norm: float) -> Tensor:
        """The same without what the monitor objects to, as far as the best that may come. It is asked about the
        others, and about all behind a word that is written, when they are chosen. `norm`: log of the sum of all."""
        if self._monitor is None or not left or float(finishing.max()) == -torch.inf:
            return finishing
        self._monitor.begin_within(left)
        permitted = best_permitted(finishing, self._monitor, lambda token: float(finishing[token]) - norm)
        return torch.full_like(finishing, -torch.inf) if permitted is None else permitted

    def is_worth_a_pass(self) -> bool:
        """Whether the likeliest beginning that is not read could lead to a likelier word than the best one."""
        if self._is_done:
            return False
        if self._own is not None:
            return True
        while self._unread and self._unread[0].tokens in self._read:
            heapq.heappop(self._unread)
        if self._best is None:
            assert self._unread, "every byte of the word has a token"
            return True
        return bool(self._unread) and self._num_passes < _MOST_PASSES and self._unread[0].cost < self._best.cost

    def read_on(self) -> None:
        """Read the likeliest beginning, and in the same pass what usually follows it up to the cursor."""
        chosen = heapq.heappop(self._unread) if self._own is None else self._own
        usual = self._word.usual(chosen.left)
        tokens, left, cost = chosen.tokens, chosen.left, chosen.cost
        hidden = self._extend((*tokens, *(token for token, _ in usual)), len(tokens) - 1)
        rows = self._cache.model.logits(hidden[-len(usual) - 1 :])
        self.look(tokens, left, cost, rows[0])
        for before, after, (token, left) in zip(rows[:-1], rows[1:], usual, strict=True):
            tokens = (*tokens, token)
            cost += float(torch.logsumexp(before, dim=-1)) - float(before[token])
            if tokens not in self._read and not self._is_done:
                self.look(tokens, left, cost, after)

    def end(self) -> Spelled:
        """Leave the cache with the tokens before the best word's last one, and say what that may be."""
        best = self._best
        assert best is not None
        end = self.base + len(best.tokens)
        if tuple(self._cache.tokens[self.base : end]) == best.tokens:
            self._cache.truncate(end)
        else:
            self._extend(best.tokens, len(best.tokens))
        self._word.left = best.left
        if self._monitor is not None:
            self._monitor.begin_within(best.left)
        return Spelled(best.tokens, best.logits, self._num_passes)

    def _extend(self, tokens: tuple[int, ...], most_kept: int) -> Tensor:
        """Have the cache hold these tokens after the prompt; return the states of those that were read: (T, D)."""
        there = self._cache.tokens[self.base :]
        kept = 0
        while kept < min(len(there), most_kept) and there[kept] == tokens[kept]:
            kept += 1
        self._cache.truncate(self.base + kept)
        self._num_passes += 1
        return self._cache.extend(tokens[kept:])
