"""A rule's edit that mends a use which analysis found is shown; one that does not, or that nobody believes, is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.pipeline import Verdict
from codeassist.edits.proposal import Proposal
from codeassist_indexer.edit_requests.edit_pipeline import GrammarCheck
from codeassist_indexer.edit_requests.mended_uses import MendedUses
from codeassist_indexer.edit_sites.certain import CERTAIN
from codeassist_indexer.edit_sites.finder import LearnedSiteFinder

TEXT = "def area(width, scale):\n    return width * scale\n\n\ndef cost(width, scale):\n    return area(width)\n"
REQUEST = EditRequest(
    "a.py", 0, (LineChange("a.py", 0, ("def area(width):",), ("def area(width, scale):",)),), {"a.py": TEXT}
)


@dataclass(frozen=True)
class Says:
    verdict: Verdict

    def judge(self, request: EditRequest, proposal: Proposal, should_stop: Callable[[], bool]) -> Verdict:
        return self.verdict


@pytest.mark.parametrize(
    ("new", "source", "verdict", "is_shown"),
    [
        ("    return area(width, scale)", "rule", Verdict(0.3, "not sure"), True),
        ("    return area(width, scale)", "rule", Verdict(0.01, "not sure", 6.9), True),
        ("    return area(width, scale)", "rule", Verdict(0.3, "not sure", -1.0), False),
        ("    return area(width) + 1", "rule", Verdict(0.3, "not sure"), False),
        ("    return area(width, scale)", "diff", Verdict(0.3, "not sure"), False),
        ("    return area(width, scale)", "rule", Verdict(0.0, "would not parse"), False),
        ("    return area(width) + 1", "rule", Verdict(0.7), True),
    ],
)
def test_what_mends_a_use_is_shown(new: str, source: str, verdict: Verdict, is_shown: bool) -> None:
    finder = LearnedSiteFinder()
    site = next(each for each in finder.find(REQUEST, lambda: False) if each.start_line == 5)
    assert site.score >= CERTAIN
    proposal = Proposal(LineChange("a.py", 5, ("    return area(width)",), (new,)), site, source)
    found = MendedUses(Says(verdict), finder, frozenset({"rule"})).judge(REQUEST, proposal, lambda: False)
    assert (found.why_not is None) == is_shown


def test_syntax_errors_are_counted() -> None:
    check = GrammarCheck()
    assert check.num_errors("a.py", "x = (1)\n") == 0
    assert (check.num_errors("a.py", "x = (1\ny = )\n") or 0) > 0
    assert check.num_errors("notes.txt", "x = (") is None and check.num_errors("a.py", "x\n" * 200_000) is None
