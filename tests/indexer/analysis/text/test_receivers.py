"""What a receiver is reached through."""

from __future__ import annotations

import pytest

from codeassist_indexer.analysis.text.receivers import receivers_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ["a"]),
        ("a.b", ["a.b", "a"]),
        ("a?.b!.c", ["a?.b!.c", "a?.b", "a"]),
        ("f(x.y).z[i.j]", ["f(x.y).z[i.j]", "f(x.y)"]),
        ("(a.b)", ["(a.b)"]),
        ("...items", ["...items"]),
    ],
)
def test_the_longest_first(text: str, expected: list[str]) -> None:
    assert receivers_in(text) == expected
