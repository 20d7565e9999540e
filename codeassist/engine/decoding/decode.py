"""Decoding: draft, forward, choose, accept, token by token cancellable.

Whether an accepted token ends the answer is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Literal, Protocol

import torch
from torch import Tensor

from codeassist.engine.cache.branches import Branches, Past
from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.constrained_sampling import MonitoredChoice
from codeassist.engine.decoding.whole_names import best_name
from codeassist.engine.layers.model import never
from codeassist.monitor.monitor import Monitor

DecodeEnd = Literal["stop_token", "max_tokens", "refused", "cancelled"]


@dataclass(frozen=True, slots=True)
class DecodeParams:
    """How tokens are chosen. `temperature` 0 is greedy. `stop_ids` end the answer and are not part of it.

    `first_rank` n > 0 makes the answer begin with the n-th best first token after the best that is no stop, whatever
    the temperature: each rank begins with a token of its own.
    """

    max_new_tokens: int
    stop_ids: frozenset[int]
    temperature: float = 0.0
    seed: int = 0
    first_rank: int = 0


@dataclass(slots=True)
class Decoded:
    """An answer's tokens with the model's own log-probability of each, and what it took.

    `monitor_ms`: what a monitor took for each token that was chosen, without waiting; empty without one. `weighing_ms`:
    of that, each time that the likeliest of whole names was looked for.
    """

    tokens: list[int] = field(default_factory=list[int])
    logprobs: list[float] = field(default_factory=list[float])
    end: DecodeEnd = "max_tokens"
    num_passes: int = 0
    num_drafted: int = 0
    num_draft_accepted: int = 0
    first_token_ms: float = 0.0
    monitor_ms: list[float] = field(default_factory=list[float])
    weighing_ms: list[float] = field(default_factory=list[float])


class Drafter(Protocol):
    """Guesses what comes next. A wrong guess costs time, never a token: every draft is verified."""

    def propose(self) -> Sequence[int]:
        """Return the tokens that may follow the ones seen so far; none is a fine answer."""
        ...

    def observe(self, tokens: Sequence[int], num_drafted: int, num_accepted: int, pass_ms: float | None) -> None:
        """Take note of tokens that were appended, how the last draft fared, and what its pass cost (None: no pass)."""
        ...


class NoDrafter:
    """Plain decoding, one token a pass."""

    def propose(self) -> Sequence[int]:
        """Return nothing."""
        return ()

    def observe(self, tokens: Sequence[int], num_drafted: int, num_accepted: int, pass_ms: float | None) -> None:
        """Ignore it."""


class Chooser:
    """Chooses a token from logits: the likeliest, or a sample at a temperature with a generator of its own.

    A drafted token is accepted when it equals the choice. For a draft that is one sequence this is speculative
    sampling exactly: token d passes with probability p(d), and else the choice is distributed as p without d.
    """

    def __init__(self, params: DecodeParams) -> None:
        self.temperature = params.temperature
        self.generator = torch.Generator().manual_seed(params.seed)

    def __call__(self, logits: Tensor) -> tuple[int, float]:
        """logits: (V,) float32 → (token id, its log-probability under the unscaled model)."""
        token = int(self.perturb(logits).argmax())
        return token, float(logits[token] - torch.logsumexp(logits, dim=-1))

    def perturb(self, logits: Tensor) -> Tensor:
        """logits: (V,) float32 → those whose best one is chosen; they draw the sample (the Gumbel-max trick)."""
        if self.temperature <= 0:
            return logits
        waits = torch.empty(len(logits)).exponential_(generator=self.generator).to(logits.device)
        return logits - self.temperature * waits.log()


def choose_ranked(logits: Tensor, params: DecodeParams) -> tuple[int, float]:
    """logits: (V,) float32 → the token of rank `first_rank` and its log-probability. Ties rank as argmax finds them.

    The best one where fewer than that may come.
    """
    left = logits.clone()
    left[left.argmax()] = -torch.inf
    left[[stop for stop in params.stop_ids if stop < len(left)]] = -torch.inf
    for _ in range(params.first_rank - 1):
        left[left.argmax()] = -torch.inf
    token = int(left.argmax())
    if left[token] == -torch.inf:  # fewer may come than were asked for
        token = int(logits.argmax())
    return token, float(logits[token] - torch.logsumexp(logits, dim=-1))


def decode(
    cache: LiveCache,
    hidden: Tensor,
    params: DecodeParams,
    *,
    accept: Callable[[int, float], bool],
    drafter: Drafter | None = None,
    monitor: Monitor | None = None,
    first_logits: Tensor | None = None,
    stopped: Callable[[], bool] = never,
) -> Decoded:
    """Continue the sequence in `cache`. hidden: (1, D), the last token's state, as `LiveCache.sync` returns it.

    As `decoding`, whose passes are run here.
    """
    steps = decoding(
        cache,
        hidden,
        params,
        accept=accept,
        drafter=drafter,
        monitor=monitor,
        first_logits=first_logits,
        stopped=stopped,
    )
    try:
        wanted = next(steps)
        while True:
            wanted = steps.send(cache.extend(wanted))
    except StopIteration as end:
        return end.value


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of several answers to a prompt: how it is chosen, who reads it, watches it and drafts it. See `decoding`."""

    params: DecodeParams
    accept: Callable[[int, float], bool]
    monitor: Monitor | None = None
    drafter: Drafter | None = None


def decode_alternatives(
    cache: LiveCache,
    hidden: Tensor,
    alternatives: Sequence[Alternative],
    *,
    first_logits: Tensor | None = None,
    stopped: Callable[[], bool] = never,
) -> list[Decoded]:
    """Continue the sequence in `cache` in several ways, all in the same passes; as `decode`.

    Each answer is what it would be alone, but for rounding. What the cache holds stays as it is.
    """
    branches = Branches(cache, len(alternatives))
    ways = [
        decoding(
            branch,
            hidden,
            each.params,
            accept=each.accept,
            monitor=each.monitor,
            drafter=each.drafter,
            first_logits=first_logits,
            stopped=stopped,
        )
        for branch, each in zip(branches.each, alternatives, strict=True)
    ]
    answers: dict[int, Decoded] = {}
    states: dict[int, Tensor | None] = dict.fromkeys(range(len(ways)))  # of the ways that go on
    while states:
        wanted: dict[int, list[int]] = {}
        for number, state in states.items():
            try:
                wanted[number] = next(ways[number]) if state is None else ways[number].send(state)
            except StopIteration as end:
                answers[number] = end.value
        read = branches.extend([(branches.each[number], tokens) for number, tokens in wanted.items()]) if wanted else ()
        states = dict(zip(wanted, read, strict=True))
    return [answers[number] for number in range(len(ways))]


def decoding(
    past: Past,
    hidden: Tensor,
    params: DecodeParams,
    *,
    accept: Callable[[int, float], bool],
    drafter: Drafter | None = None,
    monitor: Monitor | None = None,
    first_logits: Tensor | None = None,
    stopped: Callable[[], bool] = never,
) -> Generator[list[int], Tensor, Decoded]:
    """Continue a sequence: yield the tokens that are to be encoded behind it, take their hidden states, (T, D) float32,
    and return the answer. hidden: (1, D), the last token's state.

    `first_logits`: (V,) float32, what the first token is chosen from instead, -inf for those that may not come.

    `accept` is told each token and its log-probability in turn and says whether to go on (a token it
    refuses is still part of the answer). A token that `monitor` objects to is never taken, nor drafted.
    The past is left holding the prompt and those answer tokens that were encoded; `stopped` is looked at before
    each pass. Never raises for a stop: the answer so far is returned, with `end` "cancelled".
    """
    started = perf_counter()
    choose = Chooser(params)
    ranked = partial(choose_ranked, params=params)
    draft_with = drafter or NoDrafter()
    answer = Decoded()
    base = past.num_tokens
    monitored: MonitoredChoice | None = None
    if monitor is not None:
        ends = monitor.after_name
        monitored = MonitoredChoice(
            monitor,
            choose.perturb,
            lambda logits, names: best_name(past, base + len(answer.tokens), logits, names, ends),
        )
        answer.monitor_ms, answer.weighing_ms = monitored.token_ms, monitored.weighing_ms
    draft: list[int] = []
    pass_started = started
    while True:
        # (1 + drafted, V)
        logits = past.model.logits(hidden) if first_logits is None else first_logits[None]
        first_logits = None
        fresh: list[int] = []
        ended = False
        for row in range(len(draft) + 1):
            if params.first_rank and not answer.tokens:  # no draft stands here: the first pass is over the prompt
                if monitored is None:
                    token, logprob = ranked(logits[row])
                else:
                    token, logprob = monitored.ranked(logits[row], params.first_rank, params.stop_ids, ranked)
            else:
                token, logprob = choose(logits[row]) if monitored is None else monitored(logits[row])
            if token in params.stop_ids:
                answer.end, ended = "stop_token", True
                break
            fresh.append(token)
            answer.tokens.append(token)
            answer.logprobs.append(logprob)
            if monitored is not None:
                monitored.accept(token)
            if not accept(token, logprob):
                answer.end, ended = "refused", True
            elif len(answer.tokens) >= params.max_new_tokens:
                answer.end, ended = "max_tokens", True
            if ended or row >= len(draft) or draft[row] != token:
                break
        if answer.num_passes == 0:
            answer.first_token_ms = (perf_counter() - started) * 1e3
        num_confirmed = sum(1 for _ in _matching(draft, fresh))
        answer.num_drafted += len(draft)
        answer.num_draft_accepted += num_confirmed
        past.truncate(min(past.num_tokens, base + len(answer.tokens) - len(fresh) + num_confirmed))
        pass_ms = (perf_counter() - pass_started) * 1e3 if answer.num_passes else None
        draft_with.observe(fresh, len(draft), num_confirmed, pass_ms)
        if ended:
            return answer
        if stopped():
            answer.end = "cancelled"
            return answer
        room = min(params.max_new_tokens - len(answer.tokens), past.room) - 1
        if room < 0:
            return answer
        draft = list(draft_with.propose())[:room]
        if monitored is not None:
            draft = monitored.planned[:room] or list(monitored.cut(draft))
        pass_started = perf_counter()
        hidden = yield [answer.tokens[-1], *draft]
        answer.num_passes += 1


def _matching(draft: Sequence[int], fresh: Sequence[int]) -> Sequence[int]:
    matched: list[int] = []
    for guess, token in zip(draft, fresh, strict=False):
        if guess != token:
            break
        matched.append(token)
    return matched
