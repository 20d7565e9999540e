"""Proposals of a server's model: it goes on with the unified diff of the last edits, as a model of this process does.

Servers do not say how likely each marker would be; so the model writes on behind the lines that go, and its own next
marker decides whether those below go too, and whether anything comes. What it said of its tokens is kept for the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from cachetools import LRUCache

from codeassist.completion.pipeline import never
from codeassist.edits.change import LineChange
from codeassist.edits.diff_prompt import DiffPrompt
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.likelihood import Likelihood, num_changed
from codeassist.edits.proposal import Proposal
from codeassist.edits.proposals.diff import MOST_LINES_BESIDE, MOST_MORE_LINES, MOST_OLD_LINES, trimmed
from codeassist.edits.server.diff_answer import DiffAnswer
from codeassist.edits.server.edit_server import EditServer
from codeassist.edits.site import Site
from codeassist.remote.continuation import RawPrompt
from codeassist.remote.session import RemoteSession

NAME = "diff"
_MORE_TOKENS = 48
_MOST_SAID = 64


class ServerDiffProposer:
    """Continues the diff at a site, at a server."""

    def __init__(self, server: EditServer) -> None:
        self._server = server
        self._said: LRUCache[LineChange, Likelihood] = LRUCache(_MOST_SAID)

    @property
    def name(self) -> str:
        """See Proposer."""
        return NAME

    def said(self, change: LineChange) -> Likelihood | None:
        """Return how likely the server said that its own proposal is: its `new` alone; None where it proposed none."""
        return self._said.get(change)

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool] = never) -> Sequence[Proposal]:
        """Return what the site's lines become, or what goes in before an empty site; nothing where something there must
        not leave this machine, where the server is away, and where its answer does not end."""
        cleared = self._server.cleared(request, site.path)
        if cleared is None:
            return ()
        lines, clear = request.files[site.path].split("\n"), cleared.files[site.path].split("\n")
        old = lines[site.start_line : site.end_line]
        most_beside = MOST_LINES_BESIDE if len(old) == 1 else 0
        around = slice(site.start_line, site.end_line + most_beside)
        if site.start_line > len(lines) or len(old) > MOST_OLD_LINES or lines[around] != clear[around]:
            return ()
        beside = lines[site.end_line : site.end_line + most_beside]
        reading = DiffAnswer(beside, not old, len(old) + MOST_MORE_LINES)
        layouts: list[DiffPrompt] = []

        def make(session: RemoteSession) -> RawPrompt:
            layouts.append(layout_of(session))
            prompt = diff_prompt(session, cleared, site.path, site.start_line, old, is_adding=not old)
            return replace(prompt, max_tokens=2 * len(layouts[-1].removed(old)) + _MORE_TOKENS)

        def begin() -> Callable[[str], bool]:
            reading.begin()
            return reading.feed

        answer = self._server.go_on(make, begin, should_stop)
        if answer is None or answer.logprob is None:
            return ()
        if answer.is_ended:
            reading.end()
        gone = (*old, *beside[: reading.num_gone])
        change = trimmed(LineChange(site.path, site.start_line, gone, reading.lines)) if reading.is_whole else None
        if change is None:
            return ()
        sides = layouts[-1].added(gone), layouts[-1].added(reading.lines)
        self._said[change] = Likelihood(0.0, answer.logprob, 0.0, num_changed(*sides))
        return (Proposal(change, site, self.name),)


def diff_prompt(
    session: RemoteSession,
    request: EditRequest,
    path: str,
    line: int,
    gone: Sequence[str] = (),
    *,
    is_adding: bool = False,
    come: Sequence[str] = (),
    keeps: bool = False,
) -> RawPrompt:
    """The diff of the last edits up to a line, `gone` taken away there, `come` put in or the first marker for what
    comes; `keeps`: and the marker of a line that stays."""
    layout = layout_of(session)
    tokens = [
        *layout.before(request.history, request.files, path, line),
        *layout.removed(gone),
        *layout.added(come),
        *(layout.add if is_adding else ()),
        *(layout.keep if keeps else ()),
    ]
    paths = [change.path for change in request.history]
    other = sum(len("\n".join((*each.old, *each.new))) for each in request.history if each.path != path)
    text = session.prompter.tokenizer.decode_bytes(tokens).decode("utf-8", "replace")
    return RawPrompt(tuple(tokens), len(text) - other, other, len({*paths} - {path}))


def layout_of(session: RemoteSession) -> DiffPrompt:
    """The diff as tokens of the server's model."""
    tokenizer = session.prompter.tokenizer
    start = [tokenizer.bos_id] if tokenizer.add_bos and tokenizer.bos_id is not None else []
    return DiffPrompt(tokenizer.encode, start)
