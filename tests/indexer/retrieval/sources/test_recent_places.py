"""Places noted by an editor: the newest first, near ones joined, moved along by edits, bounded."""

from __future__ import annotations

import random

from codeassist_indexer.retrieval.sources.retrieval_context import (
    MAX_PLACES,
    MAX_PLACES_A_FILE,
    RecentPlace,
    RecentPlaces,
)


def test_the_newest_comes_first_and_takes_near_ones_in() -> None:
    places = RecentPlaces()
    places.note("a.py", 10, 12)
    places.note("b.py", 1, 2)
    places.note("a.py", 14, 15)
    assert list(places) == [RecentPlace("a.py", 10, 15), RecentPlace("b.py", 1, 2)]


def test_typing_down_a_file_does_not_grow_a_place_without_end() -> None:
    places = RecentPlaces()
    for line in range(1, 500):
        places.note_edit("a.py", line, 0, 1)
    newest = next(iter(places))
    assert newest.start_line <= 499 < newest.end_line and newest.end_line - newest.start_line <= 25


def test_places_behind_an_edit_move_along() -> None:
    places = RecentPlaces()
    places.note("a.py", 100, 110)
    places.note("b.py", 100, 110)
    places.note_edit("a.py", 5, 0, 7)
    assert list(places)[1:] == [RecentPlace("b.py", 100, 110), RecentPlace("a.py", 107, 117)]
    places.note_edit("a.py", 5, 20, 0)
    assert list(places)[-1] == RecentPlace("a.py", 87, 97)
    places.note_edit("a.py", 50, 100, 0)  # the lines of the place are gone
    assert all(place.start_line <= 51 for place in places if place.path == "a.py")


def test_any_edits_leave_a_bounded_list_of_real_lines() -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    draw = random.Random(seed)
    places = RecentPlaces()
    for _ in range(2_000):
        path, line = f"{draw.randrange(60)}.py", draw.randint(1, 400)
        if draw.random() < 0.5:
            places.note(path, line, line + draw.randrange(50))
        else:
            places.note_edit(path, line, draw.randrange(40), draw.randrange(40))
        listed = list(places)
        assert listed[0].path == path and listed[0].start_line <= line < listed[0].end_line
        assert len(listed) <= MAX_PLACES and all(1 <= place.start_line < place.end_line for place in listed)
        of_file = [place for place in listed if place.path == path]
        assert len(of_file) <= MAX_PLACES_A_FILE
