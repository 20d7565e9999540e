"""The stages of the next edit, with finders, proposers and gates that are told what to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event

import pytest

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.pipeline import MOST_MODEL_SITES, EditPipeline, Verdict, applied, overlap, taken
from codeassist.edits.proposal import Proposal
from codeassist.edits.site import Site
from codeassist.errors import Cancelled

TEXT = "a\nb\nc\nd\n"
REQUEST = EditRequest("x.py", 0, (LineChange("x.py", 0, ("z",), ("a",)),), {"x.py": TEXT, "y.py": TEXT})


def site(line: int, score: float = 0.5, path: str = "x.py") -> Site:
    return Site(path, line, line + 1, score, "name", "because")


@dataclass
class Finder:
    sites: Sequence[Site]

    def find(self, request: EditRequest, should_stop: Callable[[], bool]) -> Sequence[Site]:
        return self.sites


@dataclass
class Says:
    """Proposes that the line at a site becomes something."""

    name: str
    new: dict[int, str]
    asked: list[int] = field(default_factory=list[int])
    before: Callable[[], None] = lambda: None

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool]) -> Sequence[Proposal]:
        self.before()
        should_stop()
        self.asked.append(site.start_line)
        if site.start_line not in self.new:
            return ()
        old = request.files[site.path].split("\n")[site.start_line]
        change = LineChange(site.path, site.start_line, (old,), (self.new[site.start_line],))
        return (Proposal(change, site, self.name),)


@dataclass
class ByText:
    """Judges by the new text: a number is the confidence, which must be over a half."""

    def judge(self, request: EditRequest, proposal: Proposal, should_stop: Callable[[], bool]) -> Verdict:
        value = float(proposal.change.new[0])
        return Verdict(value, None if value > 0.5 else "too unlikely")


def test_the_model_is_asked_only_where_the_rules_bring_nothing_worth_showing() -> None:
    rule, model = Says("rule", {0: "0.9", 1: "0.2"}), Says("model", {1: "0.6", 2: "0.8"})
    pipeline = EditPipeline(Finder([site(0), site(1), site(2), site(3)]), [rule], [model], ByText())
    found = pipeline.next_edits(REQUEST)
    assert rule.asked == [0, 1, 2, 3] and model.asked == [1, 2, 3]
    assert [(p.source, p.change.start_line, p.confidence) for p in found.proposals] == [
        ("rule", 0, 0.9), ("model", 2, 0.8), ("model", 1, 0.6)
    ]  # fmt: skip
    assert [(each.proposal.source, each.why_not) for each in found.trace.withheld] == [("rule", "too unlikely")]
    assert (found.trace.num_sites, found.trace.num_sites_asked, found.trace.num_proposed) == (4, 4, 4)
    assert {"sites", "rule", "model", "gate", "first", "total"} <= set(found.trace.stage_ms)


def test_the_model_is_asked_at_the_first_places_alone() -> None:
    rule, model = Says("rule", {}), Says("model", {})
    request = EditRequest("x.py", 0, REQUEST.history, {"x.py": "a\n" * 9})
    EditPipeline(Finder([site(line) for line in range(8)]), [rule], [model], ByText()).next_edits(request)
    assert rule.asked == list(range(8)) and model.asked == list(range(MOST_MODEL_SITES))


def test_no_more_is_looked_for_than_is_wanted() -> None:
    rule = Says("rule", {0: "0.9", 1: "0.8"})
    found = EditPipeline(Finder([site(0), site(1)]), [rule], [], ByText()).next_edits(REQUEST, most=1)
    assert len(found.proposals) == 1 and rule.asked == [0]


def test_of_two_over_the_same_lines_the_more_confident_is_shown() -> None:
    found = EditPipeline(
        Finder([site(1)]), [Says("one", {1: "0.6"}), Says("two", {1: "0.7"})], [], ByText()
    ).next_edits(REQUEST)
    assert [p.source for p in found.proposals] == ["two"]
    assert [each.proposal.source for each in found.trace.withheld] == ["one"]


def test_after_the_deadline_what_is_there_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("codeassist.edits.pipeline.perf_counter", lambda: clock[0])

    def take_a_second() -> None:
        clock[0] += 1.0

    slow = Says("model", {0: "0.9", 1: "0.9", 2: "0.9"}, before=take_a_second)
    pipeline = EditPipeline(Finder([site(0), site(1), site(2)]), [], [slow], ByText())
    found = pipeline.next_edits(REQUEST, deadline_ms=1500)
    assert slow.asked == [0, 1] and found.trace.is_late and len(found.proposals) == 2


def test_a_request_that_nobody_waits_for_is_cancelled() -> None:
    stop = Event()
    model = Says("model", {0: "0.9"}, before=stop.set)
    with pytest.raises(Cancelled):
        EditPipeline(Finder([site(0)]), [], [model], ByText()).next_edits(REQUEST, should_stop=stop.is_set)


def test_a_proposal_that_was_taken_is_the_last_edit_and_the_next_one_is_found() -> None:
    rule = Says("rule", {1: "0.9"})
    pipeline = EditPipeline(Finder([site(1)]), [rule], [], ByText())
    [proposal] = pipeline.next_edits(REQUEST).proposals
    after = taken(REQUEST, proposal)
    assert after is not None
    assert after.files == {"x.py": "a\n0.9\nc\nd\n", "y.py": TEXT} and (after.path, after.line) == ("x.py", 1)
    assert after.history[-1].is_accepted and after.history[-1].new == ("0.9",)
    assert taken(after, proposal) is None  # its lines do not stand there any more


@pytest.mark.parametrize(
    ("one", "other", "is_overlap"),
    [
        (LineChange("x", 1, ("b",), ("B",)), LineChange("x", 2, ("c",), ("C",)), False),
        (LineChange("x", 1, ("b", "c"), ("B",)), LineChange("x", 2, ("c",), ("C",)), True),
        (LineChange("x", 1, ("b",), ("B",)), LineChange("y", 1, ("b",), ("C",)), False),
        (LineChange("x", 1, (), ("B",)), LineChange("x", 1, (), ("C",)), True),
        (LineChange("x", 2, (), ("B",)), LineChange("x", 1, ("b",), ("C",)), False),
        (LineChange("x", 2, (), ("B",)), LineChange("x", 1, ("b", "c"), ("C",)), True),
    ],
)  # fmt: skip
def test_what_cannot_be_made_together(one: LineChange, other: LineChange, is_overlap: bool) -> None:
    assert overlap(one, other) == overlap(other, one) == is_overlap


def test_a_change_is_made_only_where_its_old_lines_stand() -> None:
    assert applied(TEXT, LineChange("x", 1, ("b",), ("B", "B2"))) == "a\nB\nB2\nc\nd\n"
    assert applied(TEXT, LineChange("x", 2, (), ("new",))) == "a\nb\nnew\nc\nd\n"
    assert applied(TEXT, LineChange("x", 3, ("d",), ())) == "a\nb\nc\n"
    assert applied(TEXT, LineChange("x", 1, ("c",), ("B",))) is None
    assert applied(TEXT, LineChange("x", 99, (), ("B",))) is None
