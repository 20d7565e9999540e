"""A cursor in the middle of a word: what an answer adds, what it replaces, and when nothing is shown."""

from __future__ import annotations

import pytest

from codeassist_indexer.fitting.mid_word import is_in_word
from codeassist_indexer.fitting.trim import Fitted, fit, trim


@pytest.mark.parametrize(
    ("path", "place", "expected"),
    [
        ("a.py", "get_│balance", True),
        ("a.py", "EggsWith│Spam", True),
        ("a.py", "x│1", True),
        ("a.py", "größ│e", True),
        ("a.py", "x-│y", False),
        ("a.py", "self.│name", False),
        ("a.py", "(│x", False),
        ("a.py", "│x", False),
        ("a.py", "x│", False),
        ("a.py", "x│ y", False),
        ("a.py", "x│\ny", False),
        ("a.css", "font-│size", True),
        ("a.css", "font│-size", True),
        ("a.css", "a {│-b", False),
        ("a.html", "data-│id", True),
        ("a.html", "<│div", False),
        ("a.js", "a│-b", False),
    ],
)
def test_3_what_is_in_a_word(path: str, place: str, expected: bool) -> None:
    prefix, _, suffix = place.partition("│")
    assert is_in_word(prefix, suffix, path) is expected


@pytest.mark.parametrize(
    ("place", "answer", "fitted", "cut"),
    [
        # what stands there already
        ("x = to│tal + 1\n", "tal", Fitted(""), ""),
        ("x = to│tal + 1\n", "tal + 1", Fitted(""), ""),
        ("x = to│tal + 1\n", "total + 1", Fitted(""), ""),
        ("def get_│balance(self):\n", "balance(self):\n    return 1", Fitted(""), ""),
        # pieces of a name
        ("def get_│balance(self):\n", "total_", Fitted("total_"), "total_"),
        ("def get_│balance(self):\n", "new_balance", Fitted("new_"), "new_"),
        ("x = Eggs│Spam\n", "With", Fitted("With"), "With"),
        ("x = EggsWith│Spam\n", "BaconAndSpam", Fitted("BaconAnd"), "BaconAnd"),
        ("total = 1\nx = to│al\n", "t", Fitted("t"), "t"),  # a name that is there
        # in the place of the rest
        ("def get_│balance(self):\n", "balance_of", Fitted("balance_of", 7), ""),
        ("def get_│balance(self):\n", "balance_of(self, day", Fitted("balance_of", 7), ""),
        ("x = foo(cust│omer)\n", "customer_name)", Fitted("omer_name", 4), ""),
        # glued
        ("def get_│balance(self):\n", "total", Fitted(""), ""),
        ("x = price│_list\n", " = 1", Fitted(""), ""),
        ("x = se│lf\n", "    if x", Fitted(""), ""),
    ],
)
def test_3_the_rest_of_the_word(place: str, answer: str, fitted: Fitted, cut: str) -> None:
    prefix, _, suffix = place.partition("│")
    assert fit(answer, prefix, suffix, "a.py") == fitted
    assert trim(answer, prefix, suffix, "a.py") == cut
