"""How likely a model finds a change, and the text as it stands: both read as the continuation of one diff."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from codeassist.completion.pipeline import never
from codeassist.edits.change import LineChange
from codeassist.edits.diff_prompt import DiffPrompt
from codeassist.edits.edit_model import EditModel
from codeassist.edits.edit_request import EditRequest

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What a model says of a change, in nats.

    `place`: log P(the place's first line changes) − log P(it stays). `new` and `old`: of what would stand there, and of
    what stands there now, once the old lines are gone. `num_changed`: tokens in which the two differ, at least 1.
    """

    place: float
    new: float
    old: float
    num_changed: int

    @property
    def margin(self) -> float:
        """By how much the new text is likelier, a changed token."""
        return (self.new - self.old) / self.num_changed


class LikelihoodSource(Protocol):
    """Says how likely changes are."""

    def of(
        self, request: EditRequest, change: LineChange, should_stop: Callable[[], bool] = never
    ) -> Likelihood | None:
        """Return a change's likelihood; None where it is too long to be read. Raises Cancelled."""
        ...


class DiffLikelihood:
    """Likelihoods by the diff that a model goes on with: two passes, on the live cache."""

    def __init__(self, model: EditModel, prompt: DiffPrompt) -> None:
        self._model = model
        self._prompt = prompt

    def of(
        self, request: EditRequest, change: LineChange, should_stop: Callable[[], bool] = never
    ) -> Likelihood | None:
        """See LikelihoodSource."""
        layout = self._prompt
        before = layout.before(request.history, request.files, change.path, change.start_line)
        gone = layout.removed(change.old)
        new = [*layout.added(change.new), *layout.keep]
        old = [*layout.added(change.old), *layout.keep]
        if len(before) + len(gone) + max(len(new), len(old)) > self._model.context_tokens:
            return None
        # The longer prefix last: what follows at this place goes on from it.
        changed = self._model.logprobs(before, [*gone, *new], should_stop)
        first = changed[0]
        kept, marker = first[layout.keep[0]], first[(gone or layout.add)[0]]
        unchanged = self._model.logprobs([*before, *gone], old, should_stop)
        return Likelihood(
            float(marker - kept), _sum(changed[len(gone) :], new), _sum(unchanged, old), num_changed(old, new)
        )


def _sum(rows: Tensor, tokens: Sequence[int]) -> float:
    return sum(float(rows[number, token]) for number, token in enumerate(tokens))


def num_changed(old: Sequence[int], new: Sequence[int]) -> int:
    """Return in how many tokens two texts differ, at least 1."""
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    tail = next((i for i in range(shorter - head) if old[-i - 1] != new[-i - 1]), shorter - head)
    return max(1, len(old) - head - tail, len(new) - head - tail)
