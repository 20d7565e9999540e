"""The live cache: one document's key/value states, corrected at each change, never rebuilt when it can be.

The caller names the slots that matter most.

    slots      0 … num_exact     num_exact … len(tokens)            beyond
    state      exact             approximate, or None (no state)    undefined

A slot is *exact* when its state was computed under exactly the tokens that now stand before it. A change makes every
slot after it inexact, so the exact slots are always a prefix, and one number says where it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from codeassist.engine.cache.cuda_graph_passes import DRAFT_ROWS, CudaGraphPasses
from codeassist.engine.cache.reuse import (
    Freshness,
    KeptPrompt,
    SlotRun,
    SlotState,
    SnippetStates,
    align,
    common_prefix,
    gaps,
    kept_runs,
    passes,
    without,
)
from codeassist.engine.layers.attention import Move, RunView, view_of
from codeassist.engine.layers.model import Model, Pass, never
from codeassist.engine.layers.tree_view import TreeView
from codeassist.errors import Cancelled


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did.

    `num_kept` slots kept their state in place, `num_shifted` were re-rotated to a new slot, `num_placed` took the
    states of a snippet or a kept prompt, `num_encoded` were computed (`num_refreshed` of them had a state), `num_exact`
    are exact now. `changed` are the ranges of tokens that were not there before.
    """

    num_kept: int
    num_shifted: int
    num_placed: int
    num_encoded: int
    num_refreshed: int
    num_exact: int
    changed: tuple[range, ...]


@dataclass(frozen=True, slots=True)
class _Halted:
    """A pass over a run of slots that was stopped half-way, with exact states alone before it."""

    work: Pass
    tokens: list[int]
    slots: range


class LiveCache:
    """States of one token sequence of up to `capacity` tokens. Not thread-safe: one inference thread owns it."""

    def __init__(self, model: Model, capacity: int) -> None:
        self.model = model
        self.states = model.new_cache(capacity)
        self.tokens: list[int | None] = []  # None: a slot whose state never came to be
        self.num_exact = 0
        self._halted: _Halted | None = None
        self._freshness = Freshness(capacity)
        is_on_gpu = model.device.type == "cuda"
        self.fixed_passes = CudaGraphPasses(model, self.states, records=True) if is_on_gpu else None

    @property
    def num_tokens(self) -> int:
        """How many tokens there are."""
        return len(self.tokens)

    @property
    def room(self) -> int:
        """For how many more there is room."""
        return self.states.num_positions - len(self.tokens)

    @property
    def num_stale(self) -> int:
        """Slots that healing would re-encode."""
        return len(self.tokens) - self.num_exact

    @property
    def can_heal(self) -> bool:
        """Whether healing would get anywhere: the first inexact slot has a state (or a token to compute one from)."""
        return self.num_exact < len(self.tokens) and self.tokens[self.num_exact] is not None

    def sync(
        self,
        target: Sequence[int],
        refresh: Sequence[range] = (),
        *,
        snippets: Sequence[range] = (),
        store: SnippetStates | None = None,
        kept: Iterable[KeptPrompt] = (),
        exact: bool = False,
        pass_tokens: int | None = None,
        stopped: Callable[[], bool] = never,
    ) -> tuple[Tensor, SyncReport]:
        """Make the cache hold `target` and return the last token's hidden state: (1, D) float32.

        Kept runs are shifted (PIE), missing tokens are encoded, and of the slots in `refresh` those that are not exact
        and would not come out the same are encoded again, as is always the last. With `exact`, only the common prefix
        is kept. Runs named in `snippets` take their states from `store` where it has them, and leave them there; long
        runs that then miss theirs take them from `kept` prompts, the first that has them.
        `pass_tokens` are encoded at a time: fewer take longer in all, and give way sooner.
        Raises Cancelled between layers when `stopped()`: the slots not yet encoded then hold None, and the next sync
        makes up for them. It goes on in the very layer, unless what it wants up to there has changed: who types faster
        than a pass takes still gets on.
        """
        wanted = list(target)
        assert 0 < len(wanted) <= self.states.num_positions, "the caller cuts the prompt to the capacity"
        if exact:
            start = min(common_prefix(self.tokens, wanted), self.num_exact)
            moves = [Move(0, 0, start)] if start else []
        else:
            moves = align(self.tokens, wanted)
        self._keep_halted(moves, wanted)
        self.states.move(moves)
        self._freshness.move(moves)
        first_change = next((m.dst for m in moves if m.dst != m.src), len(wanted))
        missing = gaps(moves, len(wanted))
        if missing:
            first_change = min(first_change, missing[0].start)
        self.num_exact = min(self.num_exact, first_change, len(wanted))
        self.tokens = list(wanted)
        for gap in missing:
            self.tokens[gap.start : gap.stop] = [None] * len(gap)
        placed = [] if exact or store is None else self._place(wanted, snippets, store)
        if not exact:
            placed += self._place_kept(wanted, without(missing, placed), kept)
        if self._halted is not None and any(part.start < self._halted.slots.stop for part in placed):
            self._halted = None
        encode = {slot for gap in missing for slot in gap if self.tokens[slot] is None}
        refreshed = self._outdated(refresh, encode)
        refreshed.add(len(wanted) - 1)
        hidden = self._encode(wanted, sorted(encode | refreshed), pass_tokens or self.model.pass_tokens, stopped)
        if store is not None and not exact:
            for part in snippets:
                tokens = tuple(wanted[part.start : part.stop])
                if tokens not in store and 2 * len(part) * self.states.bytes_per_slot <= 3 * store.max_bytes:
                    store.put(tokens, self.states.export(part.start, part.stop))
        num_shifted = sum(move.length for move in moves if move.src != move.dst)
        report = SyncReport(
            num_kept=sum(move.length for move in moves) - num_shifted,
            num_shifted=num_shifted,
            num_placed=sum(map(len, placed)),
            num_encoded=len(encode | refreshed),
            num_refreshed=len(refreshed - encode),
            num_exact=self.num_exact,
            changed=tuple(missing),
        )
        return hidden, report

    def missing(
        self,
        target: Sequence[int],
        snippets: Sequence[range] = (),
        store: SnippetStates | None = None,
        kept: Iterable[KeptPrompt] = (),
    ) -> list[range]:
        """Which tokens of `target` a sync would have to encode for want of a state, rising. Changes nothing."""
        wanted = list(target)
        missing = gaps(align(self.tokens, wanted), len(wanted))
        if store is not None:
            missing = without(missing, [part for part in snippets if tuple(wanted[part.start : part.stop]) in store])
        known = [move for _, moves in kept_runs(kept, wanted, missing) for move in moves]
        return without(missing, [range(move.dst, move.dst + move.length) for move in known])

    def extend(self, token_ids: Sequence[int]) -> Tensor:
        """Encode tokens after everything that stands here; return their hidden states: (T, D) float32.

        With int8 weights they are to the last bit what one token after the other would give.
        """
        start = len(self.tokens)
        part = range(start, start + len(token_ids))
        if self.fixed_passes is not None and self.fixed_passes.can_run(len(part)):
            hidden = self.fixed_passes.run(token_ids, part, least_rows=DRAFT_ROWS)
        else:
            view = RunView(self.states, part.start, part.stop, exact_rows=self.model.backend.exact_rows)
            hidden = self.model.run(Pass(torch.tensor(list(token_ids), device=self.model.device), view))
        self._freshness.compute(part)
        self.tokens.extend(token_ids)
        if self.num_exact == start:
            self.num_exact = len(self.tokens)
        return hidden

    def look_ahead(self, num_past: int, token_ids: Sequence[int], parents: Sequence[int | None]) -> Tensor:
        """Encode several ways to go on after the first `num_past` tokens, in one pass; return their hidden states:
        (T, D) float32. `parents` as in `TreeView`. What stands here stays as it is, and nothing is added."""
        view = TreeView(self.states, num_past, len(self.tokens), parents)
        return self.model.run(Pass(torch.tensor(list(token_ids), device=self.model.device), view))

    def truncate(self, length: int) -> None:
        """Forget the slots from `length` on (rejected drafts, an answer that was not taken)."""
        del self.tokens[length:]
        if self._halted is not None and length < self._halted.slots.stop:
            self._halted = None
        self.num_exact = min(self.num_exact, length)

    def heal(self, max_tokens: int, stopped: Callable[[], bool] = never) -> int:
        """Re-encode up to `max_tokens` inexact slots, from the first on; return how many stay inexact.

        Raises Cancelled between layers when `stopped()`; the slots in work then stay inexact, but usable, and the next
        call goes on in that layer.
        """
        part = range(self.num_exact, min(self.num_exact + max_tokens, len(self.tokens)))
        if self._halted is not None and self._halted.slots.start == self.num_exact:
            part = self._halted.slots
        tokens = self.tokens[part.start : part.stop]
        if None in tokens:  # an interrupted sync left a hole; the next request fills it
            tokens = tokens[: tokens.index(None)]
        known = [token for token in tokens if token is not None]
        if known:
            self._run(known, range(part.start, part.start + len(known)), stopped)
            self.num_exact += len(known)
        return self.num_stale

    def runs(self) -> list[SlotRun]:
        """What its slots hold, from the first to the last, in as few runs as there can be."""
        rest = range(self.num_exact, len(self.tokens))
        held = zip(self.tokens[self.num_exact :], self._freshness.inexact_states(rest), strict=True)
        states: list[SlotState] = ["missing" if token is None else state for token, state in held]
        runs = [SlotRun("exact", 0, self.num_exact)] if self.num_exact else []
        start = self.num_exact
        for state, same in groupby(states):
            stop = start + sum(1 for _ in same)
            runs.append(SlotRun(state, start, stop))
            start = stop
        return runs

    def check(self) -> None:
        """Assert the invariants that the class text states."""
        assert 0 <= self.num_exact <= len(self.tokens) <= self.states.capacity
        assert None not in self.tokens[: self.num_exact], "a slot without a state counts as exact"
        runs = self.runs()
        assert [run.start for run in runs] + [len(self.tokens)] == [0, *(run.stop for run in runs)]
        assert sum(run.stop - run.start for run in runs if run.state == "exact") == self.num_exact
        self.states.check(self.tokens.index(None) if None in self.tokens else len(self.tokens))

    def _outdated(self, refresh: Sequence[range], encode: set[int]) -> set[int]:
        """Of the slots to refresh those that computing them again would change, now that `encode` are computed."""
        inexact = {slot for part in refresh for slot in part if self.num_exact <= slot < len(self.tokens)} - encode
        first = self._freshness.first_outdated(sorted(inexact))
        first_change = min(encode, default=len(self.tokens))
        if first is not None:
            first_change = min(first_change, first)
        return {slot for slot in inexact if slot >= first_change}

    def _place(self, wanted: list[int], snippets: Sequence[range], store: SnippetStates) -> list[range]:
        """Fill whole missing snippets from the store; return which."""
        placed: list[range] = []
        for part in snippets:
            missing = any(token is None for token in self.tokens[part.start : part.stop])
            states = store.get(tuple(wanted[part.start : part.stop])) if missing else None
            if states is not None:
                self.states.place(part.start, states)
                self._freshness.place(part)
                self.tokens[part.start : part.stop] = wanted[part.start : part.stop]
                placed.append(part)
        return placed

    def _place_kept(self, wanted: list[int], missing: Sequence[range], kept: Iterable[KeptPrompt]) -> list[range]:
        """Fill long runs that no snippet filled from prompts that were kept; return which."""
        placed: list[range] = []
        for prompt, moves in kept_runs(kept, wanted, missing):
            read = prompt.read([range(move.src, move.src + move.length) for move in moves])
            for move, states in zip(moves, read, strict=True) if read else ():
                part = range(move.dst, move.dst + move.length)
                self.states.place(part.start, states)
                self._freshness.place(part)
                self.tokens[part.start : part.stop] = wanted[part.start : part.stop]
                placed.append(part)
        return placed

    def _encode(self, wanted: list[int], slots: list[int], pass_tokens: int, stopped: Callable[[], bool]) -> Tensor:
        hidden: Tensor | None = None
        first: list[list[int]] = []
        if self._halted is not None:
            begun = self._halted.slots
            rest = [slot for slot in slots if slot not in begun]
            if len(slots) - len(rest) == len(begun):
                first, slots = [list(begun)], rest
        for part in (*first, *(passes(slots, pass_tokens) if slots else ())):
            if stopped():
                raise Cancelled("the request was superseded")
            hidden = self._run([wanted[slot] for slot in part], part, stopped)
            for slot in part:
                self.tokens[slot] = wanted[slot]
            if part[0] <= self.num_exact and part[-1] - part[0] + 1 == len(part):
                self.num_exact = max(self.num_exact, part[-1] + 1)
            elif part[0] <= self.num_exact:
                run = next(i for i in range(1, len(part)) if part[i] != part[i - 1] + 1)
                self.num_exact = max(self.num_exact, part[run - 1] + 1)
        assert hidden is not None
        return hidden[-1:]

    def _keep_halted(self, moves: Sequence[Move], wanted: Sequence[int]) -> None:
        """Forget the halted pass unless all slots up to its last stay what they are."""
        if self._halted is None:
            return
        slots = self._halted.slots
        stays = slots.start == 0 or (
            bool(moves) and moves[0].dst == moves[0].src == 0 and moves[0].length >= slots.start
        )
        is_written = any(move.dst < slots.stop and move.dst != move.src for move in moves)
        if not stays or is_written or list(wanted[slots.start : slots.stop]) != self._halted.tokens:
            self._halted = None

    def _run(self, token_ids: list[int], slots: Sequence[int], stopped: Callable[[], bool]) -> Tensor:
        """Run a pass, or run on the halted one if it is this one; keep it where it is stopped and may be run on.

        A pass wholly after the halted one leaves that one to be run on later.
        """
        run = range(slots[0], slots[-1] + 1)
        work = Pass(torch.tensor(token_ids, device=self.model.device), view_of(self.states, slots))
        if self._halted is not None and run.start < self._halted.slots.stop:
            if len(run) == len(slots) and self._halted.slots == run and self._halted.tokens == token_ids:
                work = self._halted.work
            self._halted = None
        self._freshness.change(slots)
        fixed = self.fixed_passes if work.num_done == 0 else None
        try:
            if fixed is not None and fixed.can_run(len(slots)):
                if stopped():
                    raise Cancelled("the request was superseded")
                hidden = fixed.run(token_ids, slots)
            else:
                hidden = self.model.run(work, stopped)
            self._freshness.compute(slots)
            return hidden
        except Cancelled:
            if len(run) == len(slots) and run.start <= self.num_exact:
                self._halted = _Halted(work, list(token_ids), run)
            raise
