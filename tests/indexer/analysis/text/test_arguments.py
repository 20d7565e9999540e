"""What stands in a call already, and what that leaves of its parameters."""

from __future__ import annotations

import pytest

from codeassist_indexer.analysis.text.arguments import Arguments, arguments, left_over


@pytest.mark.parametrize(
    ("text", "num_positional", "names"),
    [
        ("", 0, ""),
        (" \n  ", 0, ""),
        ("a, ", 1, ""),
        ("a, f(b, c), [d, e], {f: g, h: i},", 4, ""),
        ("a == b, c != d,", 2, ""),
        ("'a, b', \"(\", x,  # a, b (\n  ", 3, ""),
        ("a, key=b, other = (c, d), ", 1, "key other"),
        ("*a, b, ", None, ""),
        ("**a, key=1,", None, "key"),
    ],
)
def test_arguments_are_counted(text: str, num_positional: int | None, names: str) -> None:
    assert arguments(text) == Arguments(num_positional, frozenset(names.split()))


@pytest.mark.parametrize(
    "text", ["lambda a, b: a,", "x for x, y in z,", "a", "a, b", "a), b,", "(a, b,", "a,, b,", ","]
)
def test_what_is_no_list_of_arguments(text: str) -> None:
    assert arguments(text) is None


def test_what_is_left_over() -> None:
    def left(given: Arguments, are_all: bool = True) -> tuple[frozenset[str], int | None]:
        return left_over(frozenset("abc"), ("a", "b"), are_all, given)

    assert left(Arguments(0, frozenset())) == (frozenset("abc"), 2)
    assert left(Arguments(1, frozenset())) == (frozenset("bc"), 1)
    assert left(Arguments(3, frozenset())) == (frozenset("c"), 0)
    assert left(Arguments(1, frozenset("c"))) == (frozenset("b"), 0)
    assert left(Arguments(None, frozenset())) == (frozenset("abc"), None)
    assert left(Arguments(2, frozenset()), are_all=False) == (frozenset("c"), None)
