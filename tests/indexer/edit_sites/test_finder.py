"""Where the next edit lies: made edits in several languages, complete changes, and texts that nobody would write."""

from __future__ import annotations

import random

import pytest

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.site import Site
from codeassist.errors import Cancelled
from codeassist_indexer.edit_sites.finder import LearnedSiteFinder
from tests.edits.made_edits import ALL, PARAMETER, RENAME, MadeEdit

FINDER = LearnedSiteFinder()


def covers(site: Site, change: LineChange) -> bool:
    """Whether a site has a line of a change; of an insertion, one beside it."""
    lines = range(site.start_line, max(site.end_line, site.start_line + 1))
    wanted = range(change.start_line - (not change.old), change.start_line + max(1, len(change.old)))
    return site.path == change.path and not set(lines).isdisjoint(wanted)


@pytest.mark.parametrize("made", ALL, ids=lambda made: made.name)
def test_what_is_left_of_a_change_is_found_first(made: MadeEdit) -> None:
    found = FINDER.look(made.request, lambda: False).sites
    first = found[: len(made.left) + 1]
    missing = [change for change in made.left if not any(covers(site, change) for site in first)]
    assert not missing, (found, missing)


@pytest.mark.parametrize("made", ALL, ids=lambda made: made.name)
def test_more_is_left_before_a_change_is_complete_than_after_it(made: MadeEdit) -> None:
    assert FINDER.look(made.request, lambda: False).rest > FINDER.look(made.done(), lambda: False).rest


def test_callers_are_sites_with_a_reason_and_nothing_is_one_once_they_followed() -> None:
    found = FINDER.find(PARAMETER.request, lambda: False)
    reasons = {(site.path, site.start_line): site.reason for site in found}
    for change in PARAMETER.left:
        assert reasons[change.path, change.start_line] == "calls `send_mail`, whose parameters changed"
    assert FINDER.find(PARAMETER.done(), lambda: False) == ()


def test_sites_fall_in_score_and_do_not_overlap() -> None:
    for made in ALL:
        found = FINDER.look(made.request, lambda: False).sites
        assert [site.score for site in found] == sorted((site.score for site in found), reverse=True)
        rows = [
            (site.path, line)
            for site in found
            for line in range(site.start_line, max(site.end_line, site.start_line + 1))
        ]
        assert len(rows) == len(set(rows))
        for site in found:
            num_lines = made.request.files[site.path].count("\n")
            assert 0 <= site.start_line <= site.end_line <= num_lines and 0 <= site.score <= 1 and site.reason


def test_what_was_dismissed_is_no_site() -> None:
    change = RENAME.left[0]
    found = FINDER.look(RENAME.request, lambda: False).sites
    assert any(covers(site, change) for site in found)
    request = EditRequest(
        RENAME.request.path, 0, RENAME.request.history, RENAME.request.files, dismissed=frozenset({change})
    )
    left = FINDER.look(request, lambda: False).sites
    assert not any(site.start_line <= change.start_line < site.end_line for site in left)


def test_no_edit_or_no_text_has_no_sites() -> None:
    assert FINDER.find(EditRequest("a.py", 0, (), {"a.py": "x = 1\n"}), lambda: False) == ()
    edit = LineChange("a.py", 0, ("x",), ())
    assert FINDER.find(EditRequest("a.py", 0, (edit,), {"a.py": ""}), lambda: False) == ()
    gone = LineChange("gone.py", 0, ("x",), ("y",))
    assert FINDER.find(EditRequest("a.py", 0, (gone,), {"a.py": "x\n"}), lambda: False) == ()


def test_without_time_for_syntax_the_same_names_are_found() -> None:
    found = FINDER.look(RENAME.request, lambda: True).sites
    assert all(any(covers(site, change) for site in found[:5]) for change in RENAME.left)


def test_it_ends_where_nobody_waits() -> None:
    asked: list[int] = []

    def should_stop() -> bool:
        asked.append(1)
        if len(asked) == 2:
            raise Cancelled("superseded")
        return False

    with pytest.raises(Cancelled):
        FINDER.find(PARAMETER.request, should_stop)
    assert len(asked) == 2


HOSTILE = {
    "many lines": "".join(f"value_{n} = compute(value_{n - 1}, {n})\n" for n in range(20_000)),
    "a long line": "const table = [" + "old_name, " * 60_000 + "];\nold_name()\n",
    "no line end": "old_name()",
    "only line ends": "\n" * 3_000,
    "control characters": "old_name\x00\x0b\x0c\x85\u2028old_name\n\ud800\n",
    "emoji": "print('👩‍👩‍👧 old_name 🎉')\nold_name('é', '漢字')\n" * 40,
    "carriage returns": "old_name(1)\r\nold_name(2)\r\n",
    "brackets": "(" * 5_000 + "\n" + ")" * 5_000 + "\n",
    "empty": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_any_text_has_sites_inside_of_it(text: str) -> None:
    edit = LineChange("a.py", 0, ("old_name = 1",), ("new_name = 1",))
    files = {"a.py": "new_name = 1\n" + text, "b.js": text, "c.unknown": text, "empty.go": ""}
    for site in FINDER.look(EditRequest("a.py", 0, (edit,), files), lambda: False).sites:
        num_lines = len(files[site.path].split("\n"))
        assert 0 <= site.start_line <= site.end_line <= num_lines


def test_edits_that_fit_no_text_harm_nothing() -> None:
    seed = 7
    print("seed", seed)
    rng = random.Random(seed)
    words = ["alpha", "beta", "(", ")", "=", "1", "  ", "\t", "#", '"']

    def lines(most: int) -> tuple[str, ...]:
        return tuple("".join(rng.choices(words, k=5)) for _ in range(rng.randrange(most + 1)))

    for _ in range(40):
        texts = {
            f"{n}.py": "\n".join("".join(rng.choices(words, k=6)) for _ in range(rng.randrange(6))) for n in range(3)
        }
        history = tuple(
            LineChange(f"{rng.randrange(4)}.py", rng.randrange(9), lines(2), lines(2))
            for _ in range(rng.randrange(1, 5))
        )
        for site in FINDER.look(EditRequest("0.py", 0, history, texts), lambda: False).sites:
            assert site.end_line <= len(texts[site.path].split("\n"))
