"""Speculation: what probably comes next, copied from what stands in the context or remembered from the model.

Drafts are verified by the decoder, so nothing here can change an answer.

Ideas: CopySpec (the tokens that followed the last occurrence of the last γ tokens are the draft), Token Recycling (the
model's own earlier choices are the draft where nothing repeats), goodput (the draft's length follows from the measured
acceptance and the measured cost of a wider pass).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy, deepcopy

GAMMA = 2  # tokens that must match; of 2 to 6 the fastest while lines are typed. CopySpec: 3 to 5, with larger models
MAX_DRAFT = 10
MAX_COPY = 64  # reached where copies keep being right: a text that is written again with changes
_MAX_MATCH = 16  # how far back rival occurrences are compared
_RIVALS = 4
_NEARBY = 12  # tokens of an original in which a single one is trusted to be the place
_MOST_NEW = 8  # tokens of one change to it
# How much of a kind of draft is right: after one that was not, and after one that was right to its end. Copies come in
# runs: 0.5 to 0.8 and over 0.95 while a region is written again.
_PRIORS = {
    "original": (0.8, 0.95),
    "long": (0.7, 0.9),
    "short": (0.5, 0.8),
    "recycled": (0.3, 0.5),
}
# Tokens remembered: several prompts' worth, beyond which the older half is forgotten. An indexed token takes 300 bytes.
_PROMPTS_KEPT = 4
_LEAST_KEPT = 1 << 13


class CopyIndex:
    """An append-only log of token runs, indexed by their γ-grams.

    An edit appends what it brought, with the tokens around it; nothing is moved or rebuilt, and text that was deleted
    can still be copied. So the cost of an update follows the edit, not the document. Nothing is copied across a
    `barrier` token (the markers of a prompt): what follows the text before the cursor is not what stands after it.
    """

    def __init__(self, barriers: frozenset[int] = frozenset()) -> None:
        self.barriers = barriers
        self.log: list[int] = []
        self._most = _LEAST_KEPT
        self._ends: dict[tuple[int, ...], list[int]] = {}  # γ-gram → log offsets just after it, oldest first

    def add(self, tokens: Sequence[int], start: int, stop: int) -> None:
        """Take in tokens[start:stop] and as much around it as matching and copying need."""
        low, high = max(0, start - GAMMA), min(len(tokens), stop + MAX_DRAFT)
        self._most = max(_LEAST_KEPT, _PROMPTS_KEPT * len(tokens))
        if len(self.log) + high - low > self._most:
            self._forget_older_half()
        base = len(self.log)
        self.log.extend(tokens[low:high])
        for end in range(base + GAMMA, len(self.log)):
            self._index(end)

    def append(self, token: int) -> None:
        """Take in one token after the run that was added last."""
        if len(self.log) >= self._most:
            self._forget_older_half()
        self.log.append(token)
        if len(self.log) > GAMMA:
            self._index(len(self.log) - 1)

    def find(self, tail: Sequence[int], max_tokens: int) -> tuple[list[int], int]:
        """What followed the best earlier occurrence of `tail`'s end, and how many tokens matched (0: none did)."""
        if len(tail) < GAMMA:
            return [], 0
        best, best_match = 0, 0
        for end in reversed(self._ends.get(tuple(tail[-GAMMA:]), ())):
            match = GAMMA
            limit = min(_MAX_MATCH, len(tail), end)
            while match < limit and self.log[end - match - 1] == tail[-match - 1]:
                match += 1
            if match > best_match:
                best, best_match = end, match
        if not best_match:
            return [], 0
        draft = self.log[best : best + max_tokens]
        wall = next((i for i, token in enumerate(draft) if token in self.barriers), len(draft))
        return draft[:wall], best_match

    def _index(self, end: int) -> None:
        if self.log[end] in self.barriers:
            return
        ends = self._ends.setdefault(tuple(self.log[end - GAMMA : end]), [])
        ends.append(end)
        if len(ends) > _RIVALS:
            del ends[0]

    def _forget_older_half(self) -> None:
        self.log = self.log[len(self.log) // 2 :]
        self._ends = {}
        for end in range(GAMMA, len(self.log)):
            self._index(end)


class PassCost:
    """What a pass over n rows costs, as a + b·n milliseconds, from the passes seen (recent ones weigh more)."""

    def __init__(self) -> None:
        # Before anything is measured: a pass over 8 rows costs 1.6 times one over 1 (2 cores, AVX2, 2026-11-21).
        self._weight, self._n, self._ms, self._nn, self._nms = 1.0, 4.5, 1.3, 32.5, 6.9

    def saw(self, num_rows: int, ms: float) -> None:
        """Take note of one pass."""
        if self._weight == 1.0:  # the first pass sets the scale of what was assumed
            scale = ms / self.predict(num_rows)
            self._ms, self._nms = self._ms * scale, self._nms * scale
        keep = 0.98
        self._weight = keep * self._weight + 1
        self._n = keep * self._n + num_rows
        self._ms = keep * self._ms + ms
        self._nn = keep * self._nn + num_rows * num_rows
        self._nms = keep * self._nms + num_rows * ms

    def predict(self, num_rows: int) -> float:
        """Milliseconds for a pass over `num_rows` rows."""
        spread = self._weight * self._nn - self._n * self._n
        slope = (self._weight * self._nms - self._n * self._ms) / spread if spread > 1e-9 else 0.0
        mean_n, mean_ms = self._n / self._weight, self._ms / self._weight
        slope = min(max(slope, 0.0), mean_ms / max(mean_n, 1.0))
        return mean_ms + slope * (num_rows - mean_n)


class Acceptance:
    """The share of drafted tokens that hold, for one kind of draft; recent drafts weigh more."""

    def __init__(self, prior: float) -> None:
        self._held, self._tried = prior * 4, 4.0
        self.num_drafted = self.num_accepted = 0

    @property
    def share(self) -> float:
        """The estimate, between 0 and 1."""
        return self._held / self._tried

    def saw(self, num_drafted: int, num_accepted: int) -> None:
        """Take note of one draft. The token after the first wrong one was never tried."""
        self.num_drafted += num_drafted
        self.num_accepted += num_accepted
        keep = 0.95
        self._held = keep * self._held + num_accepted
        self._tried = keep * self._tried + min(num_drafted, num_accepted + 1)


def best_length(acceptance: float, cost: PassCost, longest: int) -> int:
    """The draft length with the most expected tokens a millisecond; 0 when plain decoding is as good."""
    best, best_rate = 0, 1.0 / cost.predict(1)
    expected, held = 1.0, 1.0
    for length in range(1, longest + 1):
        held *= acceptance
        expected += held
        rate = expected / cost.predict(1 + length)
        if rate > best_rate * 1.02:
            best, best_rate = length, rate
    return best


class Original:
    """Follows a text that the answer is a changed copy of: what comes next in it is the draft.

    After a change what stood there is expected next, until the place is found again by a token that follows near by, or
    by two anywhere, nearest first: the answer goes along the text. γ-grams are not waited for. A change that was made
    once, seen with the token before it, is expected wherever the text has the same again: a name that gets another.
    """

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens = list(tokens)
        self._at = 0  # what comes next, or where the text was left
        self._new: list[int] = []  # what the answer has in place of what follows there
        self._changes: dict[tuple[int, ...], list[int]] = {}  # old run, from the token before it on → new run

    def next(self) -> Sequence[int]:
        """What comes next in the text, with the changes made so far; none where the place is lost."""
        return () if len(self._new) > _MOST_NEW else self._changed()[:MAX_COPY]

    def follow(self, tail: Sequence[int]) -> None:
        """Take note that the answer now ends with `tail`."""
        nearby = self._tokens[self._at : self._at + 1 + _NEARBY]
        if tail[-1] in nearby:
            self._go_on(self._at + nearby.index(tail[-1]))
            return
        self._new.append(tail[-1])
        around = sorted(range(2, len(self._tokens) + 1), key=lambda end: abs(end - self._at))
        found = next((end for end in around if self._tokens[end - 2 : end] == list(tail[-2:])), None)
        if found is not None:
            self._at, self._new = found, []

    def _go_on(self, at: int) -> None:
        """The answer's last token stands at `at`: what it had instead of what stood before is a change."""
        old = self._tokens[max(0, self._at - 1) : at]
        is_change = bool(self._new) or at > self._at
        if is_change and self._at > 0 and max(len(old), len(self._new)) <= _MOST_NEW:
            self._changes[tuple(old)] = [old[0], *self._new]
        self._at, self._new = at + 1, []

    def _changed(self) -> list[int]:
        """The text from here on, with every known change; one that is being made is not begun again."""
        lengths = sorted({len(old) for old in self._changes}, reverse=True)
        at = self._at - 1 if lengths and self._at > 0 and not self._new else self._at
        num_there = self._at - at  # a change may begin with the token before
        out: list[int] = []
        while at < len(self._tokens) and len(out) < MAX_COPY + num_there:
            runs = (tuple(self._tokens[at : at + length]) for length in lengths)
            old = next((run for run in runs if run in self._changes), None)
            out += self._tokens[at : at + 1] if old is None else self._changes[old]
            at += 1 if old is None else len(old)
        return out[num_there:]


class Speculator:
    """The drafter of one document: follows the original where there is one, copies where the context repeats, else
    recycles the model's earlier choices. Of original and context, whichever was wrong at once lets the other try: a
    model that was asked to write a region again may write something else that stands in its prompt."""

    def __init__(self, barriers: frozenset[int] = frozenset()) -> None:
        self.copies = CopyIndex(barriers)
        self.followers: dict[int, int] = {}  # token → what the model last chose after it
        self.cost = PassCost()
        self._accepted = {
            (kind, held): Acceptance(priors[held]) for kind, priors in _PRIORS.items() for held in (False, True)
        }
        self._held = False  # the last draft to its end
        self._tail: list[int] = []
        self._is_branch = False
        self._kind = "short"
        self._original: Original | None = None
        self._asks_context = False  # before the original

    def start(self, prompt: Sequence[int], changed: Sequence[range], cursor: int, original: Sequence[int] = ()) -> None:
        """Begin an answer to `prompt`, of which the `changed` ranges are new since the last one.

        The answer continues the tokens before `cursor`, wherever the prompt's order puts them. `original`: tokens that
        it is probably a changed copy of.
        """
        self._original = Original(original) if original else None
        self._asks_context = False
        for part in changed:
            self.copies.add(prompt, part.start, part.stop)
        self._tail = list(prompt[max(0, cursor - _MAX_MATCH) : cursor])
        for token in self._tail[-GAMMA:]:
            self.copies.append(token)

    def branch(self) -> Speculator:
        """A drafter for one of several answers to the prompt: it knows what this one knows, and tells it how many of
        its drafts were right, but not what was written."""
        other = copy(self)
        other.cost, other._tail, other._is_branch = deepcopy(self.cost), list(self._tail), True
        return other

    def propose(self) -> Sequence[int]:
        """Return a draft as long as is worth verifying."""
        original = [] if self._original is None else list(self._original.next())
        draft, match = ([], 0) if original and not self._asks_context else self.copies.find(self._tail, MAX_COPY)
        if draft:
            self._kind = "long" if match > GAMMA + 1 else "short"
        elif original:
            self._kind, draft = "original", original
        else:
            self._kind = "recycled"
            token = self._tail[-1] if self._tail else None
            while token is not None and len(draft) < MAX_DRAFT:
                token = self.followers.get(token)
                if token is not None:
                    draft.append(token)
        return self._cut(draft)

    def counts(self) -> list[tuple[str, int, int]]:
        """For each kind of draft (the original, a long or a short match, the model's own earlier choices): its name,
        how many tokens were drafted, how many held."""
        both = {kind: [self._accepted[kind, held] for held in (False, True)] for kind in _PRIORS}
        return [
            (kind, sum(each.num_drafted for each in counted), sum(each.num_accepted for each in counted))
            for kind, counted in both.items()
        ]

    def _cut(self, draft: list[int]) -> list[int]:
        return draft[: best_length(self._accepted[self._kind, self._held].share, self.cost, len(draft))]

    def observe(self, tokens: Sequence[int], num_drafted: int, num_accepted: int, pass_ms: float | None) -> None:
        """Take note of appended tokens, of how the last draft fared, and of what the pass over it cost."""
        if pass_ms is not None:
            self.cost.saw(1 + num_drafted, pass_ms)
        if num_drafted:
            self._accepted[self._kind, self._held].saw(num_drafted, num_accepted)
            self._held = num_accepted == num_drafted
            if not num_accepted:
                self._asks_context = self._kind == "original"
        for token in tokens:
            if not self._is_branch:
                if self._tail:
                    self.followers[self._tail[-1]] = token
                self.copies.append(token)
            self._tail.append(token)
            if self._original is not None:
                self._original.follow(self._tail)
        del self._tail[:-_MAX_MATCH]
