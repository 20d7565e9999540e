"""READ FIRST. The stages that every next edit goes through, whoever finds the places and whoever proposes.

    EditRequest ─► SiteFinder.find     places that may have to change, the likeliest first:  Site
                ─► Proposer.propose    what stands there instead: rules first, then the model:  Proposal
                ─► Gate.judge          whether it is worth showing:  Verdict, a confidence
                ─► NextEdits           in falling order of confidence, with a Trace
    taken       ─► EditRequest         the same question once a proposal was taken: the next edit

The finder is the indexer's. At each site rules are asked first, which takes no time; the gate asks the model whether it
agrees. Only where no rule has anything that is worth showing does the model propose by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter
from typing import Protocol, TypeVar

from codeassist.completion.pipeline import never
from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.proposal import Proposal, Proposer
from codeassist.edits.site import Site, SiteFinder
from codeassist.errors import Cancelled
from codeassist.request import Sent

T = TypeVar("T")
MOST_SITES = 12
MOST_MODEL_SITES = 4
"""A model takes a second a site on two cores, and the gate shows next to nothing of what it says beyond these."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of a proposal. `why_not` is for people, None where it is worth showing. `gain`: by how many
    nats a model finds the new text likelier than the old one, once the lines change; None where no model was asked."""

    confidence: float
    why_not: str | None = None
    gain: float | None = None


class Gate(Protocol):
    """Judges proposals."""

    def judge(self, request: EditRequest, proposal: Proposal, should_stop: Callable[[], bool]) -> Verdict:
        """Judge one proposal. Raises what generating raises."""
        ...


@dataclass(frozen=True, slots=True)
class Withheld:
    """A proposal that is not shown, and why."""

    proposal: Proposal
    why_not: str


@dataclass(frozen=True, slots=True)
class Trace:
    """How an answer came about. `stage_ms`: "sites", each proposer's name, "gate", "total"; "first": until the first
    proposal was worth showing. `is_late`: the deadline came before all sites were looked at. `sent`: the prompts that
    left this machine."""

    stage_ms: Mapping[str, float]
    num_sites: int
    num_sites_asked: int
    num_proposed: int
    withheld: tuple[Withheld, ...] = ()
    is_late: bool = False
    sent: tuple[Sent, ...] = ()


@dataclass(frozen=True, slots=True)
class NextEdits:
    """Proposals worth showing, the most confident first, no two over the same lines; and how they came about."""

    proposals: tuple[Proposal, ...]
    trace: Trace

    @property
    def why_none(self) -> str:
        """Why there is no proposal, for people, where there is none."""
        trace = self.trace
        if trace.withheld:
            return trace.withheld[0].why_not
        if trace.is_late and trace.num_sites_asked < trace.num_sites:
            return "nothing was found in time"
        return "nothing seems to be missing"


@dataclass(frozen=True, slots=True)
class EditPipeline:
    """The parts, put together. Of a site `models` are asked only where `rules` bring nothing. `take_sent` returns the
    prompts that left this machine since it was called last."""

    finder: SiteFinder
    rules: Sequence[Proposer]
    models: Sequence[Proposer]
    gate: Gate
    most_sites: int = MOST_SITES
    take_sent: Callable[[], tuple[Sent, ...]] = tuple

    def next_edits(
        self,
        request: EditRequest,
        *,
        deadline_ms: float | None = None,
        most: int | None = None,
        should_stop: Callable[[], bool] = never,
    ) -> NextEdits:
        """Return what may come next. `most`: no more is looked for once so many are worth showing.

        After `deadline_ms` no further site is begun, and what is there is returned. Raises Cancelled when
        `should_stop()`.
        """
        run = _Run(request, deadline_ms, should_stop)
        self.take_sent()  # of a question that was given up
        sites = run.timed("sites", lambda: self.finder.find(request, run.is_over))[: self.most_sites]
        num_asked = 0
        for site in sites:
            if run.is_over() or (most is not None and len(run.shown) >= most):
                break
            num_asked += 1
            for proposers in (self.rules, self.models if num_asked <= MOST_MODEL_SITES else ()):
                shown = [self._ask(run, proposer, site) for proposer in proposers]
                if any(shown):
                    break  # the model was asked already whether it agrees
        return run.answer(len(sites), num_asked, self.take_sent())

    def _ask(self, run: _Run, proposer: Proposer, site: Site) -> bool:
        """Have one proposer propose for one site; return whether that brought something worth showing."""
        is_shown = False
        try:
            for proposal in run.timed(proposer.name, lambda: proposer.propose(run.request, site, run.is_over)):
                if run.is_new(proposal):
                    judged = partial(self.gate.judge, run.request, proposal, run.is_over)
                    is_shown |= run.note(proposal, run.timed("gate", judged))
        except Cancelled:
            if run.should_stop():
                raise
            run.is_late = True
        return is_shown


@dataclass(slots=True)
class _Run:
    request: EditRequest
    deadline_ms: float | None
    should_stop: Callable[[], bool]
    shown: list[Proposal] = field(default_factory=list[Proposal])
    withheld: list[Withheld] = field(default_factory=list[Withheld])
    is_late: bool = False
    _stage_ms: dict[str, float] = field(default_factory=dict[str, float])
    _known: set[LineChange] = field(default_factory=set[LineChange])
    _started: float = field(default_factory=lambda: perf_counter())

    def is_over(self) -> bool:
        """Whether nothing more is to be begun. Raises Cancelled where nobody waits."""
        if self.should_stop():
            raise Cancelled("the request was superseded")
        if self.deadline_ms is not None and self._elapsed_ms() > self.deadline_ms:
            self.is_late = True
        return self.is_late

    def is_new(self, proposal: Proposal) -> bool:
        """Whether this very change was not proposed before."""
        change = replace(proposal.change, is_accepted=False)
        is_new = change not in self._known
        self._known.add(change)
        return is_new

    def note(self, proposal: Proposal, verdict: Verdict) -> bool:
        """Take a judged proposal; return whether it is shown, for now."""
        judged = replace(proposal, confidence=verdict.confidence)
        if verdict.why_not is not None:
            self.withheld.append(Withheld(judged, verdict.why_not))
            return False
        if not self.shown:
            self._stage_ms["first"] = self._elapsed_ms()
        rivals = [shown for shown in self.shown if overlap(shown.change, judged.change)]
        best = max([judged, *rivals], key=lambda each: each.confidence)
        for rival in (judged, *rivals):
            if rival is not best:
                self.withheld.append(Withheld(rival, f"{best.source} has a better one for these lines"))
        self.shown = [shown for shown in self.shown if shown not in rivals] + [best]
        return best is judged

    def timed(self, stage: str, work: Callable[[], T]) -> T:
        """Do something and add its time to a stage's."""
        started = perf_counter()
        try:
            return work()
        finally:
            self._stage_ms[stage] = self._stage_ms.get(stage, 0.0) + (perf_counter() - started) * 1e3

    def answer(self, num_sites: int, num_asked: int, sent: tuple[Sent, ...]) -> NextEdits:
        """Put the answer together."""
        ordered = sorted(self.shown, key=lambda proposal: -proposal.confidence)
        trace = Trace(
            {**self._stage_ms, "total": self._elapsed_ms()},
            num_sites,
            num_asked,
            len(self._known),
            tuple(self.withheld),
            self.is_late,
            sent,
        )
        return NextEdits(tuple(ordered), trace)

    def _elapsed_ms(self) -> float:
        return (perf_counter() - self._started) * 1e3


def overlap(one: LineChange, other: LineChange) -> bool:
    """Whether two changes of the same text cannot both be made: they share a line, or put lines in at one place."""
    if one.path != other.path:
        return False
    if one.start_line == other.start_line:
        return True
    first, second = sorted((one, other), key=lambda change: change.start_line)
    return first.start_line + len(first.old) > second.start_line


def applied(text: str, change: LineChange) -> str | None:
    """Return the text with a change made; None where the text does not have the change's old lines there."""
    lines = text.split("\n")
    end = change.start_line + len(change.old)
    if tuple(lines[change.start_line : end]) != change.old or change.start_line > len(lines):
        return None
    lines[change.start_line : end] = change.new
    return "\n".join(lines)


def taken(request: EditRequest, proposal: Proposal) -> EditRequest | None:
    """Return the request once a proposal was taken: its text changed, the change the last of the history, the cursor
    behind it. None where its file's text is another by now."""
    change = replace(proposal.change, is_accepted=True)
    text = applied(request.files.get(change.path, ""), change)
    if text is None or change.path not in request.files:
        return None
    return replace(
        request,
        path=change.path,
        line=change.start_line + max(0, len(change.new) - 1),
        history=(*request.history, change),
        files={**request.files, change.path: text},
    )
