"""Snippets that stay: in place, for as long as they are found, and never with text that has changed."""

from __future__ import annotations

import random

from codeassist.completion.snippet_policy import SnippetPolicy, shows_the_same
from codeassist.request import Snippet

SEED = 20261121
LINES = [f"line {number}" for number in range(200)]


def window(path: str, start: int, end: int, lines: list[str] = LINES) -> Snippet:
    text = "".join(f"{line}\n" for line in lines[start - 1 : end - 1])
    return Snippet(path, text, start, end, "bm25", 1.0, "test")


def test_the_first_time_nothing_is_changed() -> None:
    found = [window(f"{n}.py", 1, 11) for n in range(9)]
    assert list(SnippetPolicy().arrange(found)) == found


def test_a_window_that_slid_stays_where_it_stood() -> None:
    sticky = SnippetPolicy()
    first = sticky.arrange([window("b.py", 10, 30), window("c.py", 1, 11)])
    for shift in range(1, 9):
        assert sticky.arrange([window("c.py", 1, 11), window("b.py", 10 + shift, 30 + shift)]) == first


def test_a_changed_file_is_shown_as_it_is_now() -> None:
    sticky = SnippetPolicy()
    sticky.arrange([window("b.py", 10, 30)])
    changed = [*LINES[:14], "another line", *LINES[15:]]
    now = window("b.py", 12, 32, changed)
    assert sticky.arrange([now]) == (now,)
    assert not shows_the_same(window("b.py", 10, 30), now)


def test_what_is_found_no_more_goes_and_new_ones_come_nearest_to_the_file() -> None:
    sticky = SnippetPolicy()
    b, c, d = (window(f"{name}.py", 1, 11) for name in "bcd")
    assert sticky.arrange([b, c]) == (b, c)
    assert sticky.arrange([d, c, b]) == (d, b, c)
    assert sticky.arrange([d, c]) == (d, c)
    assert SnippetPolicy().arrange([c, b]) == (c, b)


def test_random_rankings_hold_what_is_found_and_nothing_else() -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    sticky = SnippetPolicy()
    for _ in range(300):
        found: list[Snippet] = []
        for _ in range(rng.randrange(9)):
            start = rng.randrange(1, 150)
            found.append(window(rng.choice("bcd") + ".py", start, start + rng.randrange(1, 25)))
        arranged = sticky.arrange(found)
        assert len(arranged) <= len(found) and len({id(each) for each in arranged}) == len(arranged)
        assert all(any(shows_the_same(each, one) for one in found) for each in arranged)
        assert all(any(shows_the_same(each, one) for each in arranged) for one in found)
