"""Proposals of any code model: it goes on with the unified diff of the last edits.

The place's old lines stand there as removed; where it is one line, the model says whether those below go too, and
always whether something comes instead, and what. What it writes
is mostly a copy of them: the engine's drafts follow the old lines and earlier new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codeassist.completion.pipeline import never
from codeassist.edits.change import LineChange
from codeassist.edits.diff_prompt import AddedLines, DiffPrompt
from codeassist.edits.edit_model import EditModel
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.proposal import Proposal
from codeassist.edits.site import Site

MOST_OLD_LINES = 21
MOST_MORE_LINES = 8
MOST_LINES_BESIDE = 4
_MORE_TOKENS = 48
# Of 35 places where a change takes more lines away the model says so at 24, of 45 where it does not at 4 (0.5B, dev
# tasks, 2026-11-30).
_SURE_NATS = 0.5


class DiffProposer:
    """Continues the diff at a site; knows nothing of the language."""

    def __init__(self, model: EditModel, prompt: DiffPrompt) -> None:
        self._model = model
        self._prompt = prompt

    @property
    def name(self) -> str:
        """See Proposer."""
        return "diff"

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool] = never) -> Sequence[Proposal]:
        """Return what the site's lines become, or what goes in before an empty site; nothing where the model keeps
        them, where they are too many, and where its answer does not end."""
        text = request.files.get(site.path)
        lines = [] if text is None else text.split("\n")
        old = lines[site.start_line : site.end_line]
        beside = lines[site.end_line : site.end_line + MOST_LINES_BESIDE] if len(old) == 1 else []
        if text is None or site.start_line > len(lines) or len(old) > MOST_OLD_LINES:
            return ()
        found = self._continued(request, site, old, beside, should_stop)
        change = None if found is None else trimmed(LineChange(site.path, site.start_line, *found))
        return () if change is None else (Proposal(change, site, self.name),)

    def _continued(
        self,
        request: EditRequest,
        site: Site,
        old: Sequence[str],
        beside: Sequence[str],
        should_stop: Callable[[], bool],
    ) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """The lines that go, of `beside` too where the model takes these away as well, and those that come."""
        layout = self._prompt
        before = layout.before(request.history, request.files, site.path, site.start_line)
        gone = layout.removed(old)
        most_tokens = 2 * len(gone) + _MORE_TOKENS
        if len(before) + len(gone) + most_tokens > self._model.context_tokens:
            return None
        if old:
            after = self._model.logprobs(before, gone, should_stop)[-1]
            for line in beside:
                goes = float(after[layout.remove[0]])
                if goes < after[layout.add[0]] + _SURE_NATS or goes < after[layout.keep[0]]:
                    break
                more = layout.removed([line])
                after = self._model.logprobs([*before, *gone], more, should_stop)[-1]
                old, gone = [*old, line], [*gone, *more]
            if after[layout.add[0]] < after[layout.keep[0]]:
                return tuple(old), ()
        added = AddedLines(len(old) + MOST_MORE_LINES)

        def accept(token: int, logprob: float) -> bool:
            return added.feed(self._model.tokenizer.token_bytes(token))

        copy = [*layout.added(old), *layout.keep][len(layout.add) :]
        answer = self._model.generate([*before, *gone, *layout.add], most_tokens, copy, accept, should_stop)
        if answer.end == "stop_token":
            added.end()
        return (tuple(old), added.lines) if added.is_whole else None


def trimmed(change: LineChange) -> LineChange | None:
    """Return the change without the lines that its two sides begin and end with alike; None where nothing is left."""
    old, new = change.old, change.new
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    tail = next((i for i in range(shorter - head) if old[-i - 1] != new[-i - 1]), shorter - head)
    old, new = old[head : len(old) - tail], new[head : len(new) - tail]
    return LineChange(change.path, change.start_line + head, old, new) if old or new else None
