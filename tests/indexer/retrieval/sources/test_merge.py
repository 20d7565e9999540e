"""Sources take turns, the same place counts once, windows that overlap become one; what paths say of tests."""

from __future__ import annotations

import random

import pytest

from codeassist_indexer.retrieval.sources.candidate import SOURCES, Form, Found, Hit, Source
from codeassist_indexer.retrieval.sources.chunks import folder_distance, is_test, is_test_of, plain_stem
from codeassist_indexer.retrieval.sources.find import take_turns
from codeassist_indexer.retrieval.sources.read import MAX_MERGED_LINES, Place, PlacedWindow, Window, join_overlapping


def chunk(number: int, score: float = 1.0) -> Hit:
    return Hit("lines", number, score, "")


def definition(number: int, score: float, distance: int | None) -> Hit:
    return Hit("skeleton", number, score, "", distance)


def key(hit: Hit) -> tuple[Form, int]:
    return hit.form, hit.number


def place(number: int) -> Place:
    return Place(chunk(number), (Found("bm25", number, 1.0),), None)


def placed(number: int, path: str, start_line: int, num_lines: int) -> PlacedWindow:
    lines = tuple(f"{path} {line}" for line in range(start_line, start_line + num_lines))
    return PlacedWindow(Window(path, start_line, lines, 0.0), (place(number),))


def test_sources_take_turns_and_a_place_keeps_all_that_found_it() -> None:
    imported: list[Hit] = [definition(number, 0.5, 3) for number in range(5)]
    named: list[Hit] = [definition(3, 0.2, 1), definition(9, 0.1, 1)]
    places = take_turns({"bm25": [chunk(1), chunk(2)], "named": named, "imported": imported}, 20)
    assert [each.hit.number for each in places] == [0, 1, 2, 3, 9, 1, 2, 4]
    both = places[3]
    assert both.found == (Found("named", 0, 0.2), Found("imported", 3, 0.5)) and both.distance == 1


def test_imports_that_are_not_named_near_come_behind_what_is() -> None:
    imported: list[Hit] = [definition(1, 0.5, 0), definition(2, 0.001, None)]
    named: list[Hit] = [definition(3, 0.2, 3), definition(4, 0.1, 4), definition(5, 0.1, 4)]
    places = take_turns({"bm25": [chunk(6)], "named": named, "imported": imported}, 20)
    assert [each.hit.number for each in places] == [1, 3, 4, 2, 6, 5]


def test_a_chunk_and_a_definition_of_one_number_are_two_places() -> None:
    assert len(take_turns({"bm25": [chunk(7)], "named": [definition(7, 1.0, 0)]}, 20)) == 2


def test_any_hits_give_each_place_once_up_to_the_limit() -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    draw = random.Random(seed)
    for _ in range(200):
        hits: dict[Source, list[Hit]] = {
            source: [chunk(draw.randrange(30)) for _ in range(draw.randrange(20))] for source in SOURCES
        }
        limit = draw.randint(1, 60)
        places = take_turns(hits, limit)
        keys = [key(each.hit) for each in places]
        everything = {key(hit) for listed in hits.values() for hit in listed}
        assert len(keys) == len(set(keys)) == min(limit, len(everything))
        for each in places:
            sources = {source for source, listed in hits.items() if key(each.hit) in {key(hit) for hit in listed}}
            assert {how.source for how in each.found} == sources


def test_windows_that_overlap_become_one_with_all_places() -> None:
    joined = join_overlapping([placed(0, "a", 10, 10), placed(1, "b", 1, 5), placed(2, "a", 5, 8)])
    assert [(each.window.path, each.window.start_line, each.window.end_line) for each in joined] == [
        ("a", 5, 20), ("b", 1, 6),
    ]  # fmt: skip
    assert [each.hit.number for each in joined[0].places] == [0, 2]
    assert joined[0].window.lines == tuple(f"a {line}" for line in range(5, 20))


def test_windows_that_touch_stay_apart() -> None:
    assert len(join_overlapping([placed(0, "a", 1, 5), placed(1, "a", 6, 5)])) == 2


def test_any_windows_are_joined_without_losing_or_repeating_a_line_that_matters() -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    draw = random.Random(seed)
    for _ in range(300):
        windows = [
            placed(n, draw.choice("ab"), draw.randint(1, 120), draw.randint(1, 30)) for n in range(draw.randint(0, 12))
        ]
        joined = join_overlapping(windows)
        shown = [(w.window.path, line) for w in joined for line in range(w.window.start_line, w.window.end_line)]
        assert len(shown) == len(set(shown))
        assert {id(each) for w in windows for each in w.places} == {id(each) for w in joined for each in w.places}
        for each in joined:
            assert len(each.window.lines) <= MAX_MERGED_LINES
            numbers = range(each.window.start_line, each.window.end_line)
            assert each.window.lines == tuple(f"{each.window.path} {line}" for line in numbers)
        wanted = {(w.window.path, line) for w in windows for line in range(w.window.start_line, w.window.end_line)}
        assert set(shown) <= wanted and len(wanted - set(shown)) <= 4 * len(windows)
        firsts = [each.places[0].hit.number for each in joined]
        assert firsts == sorted(firsts)


@pytest.mark.parametrize(
    ("test", "tested"),
    [
        ("tests/test_store.py", "pkg/store.py"), ("pkg/store_test.go", "pkg/store.go"),
        ("src/test/java/a/StoreTest.java", "src/main/java/a/Store.java"), ("a/StoreIT.java", "b/Store.java"),
        ("src/store.spec.ts", "src/store.ts"), ("src/__tests__/store.ts", "src/store.ts"),
        ("Tests/StoreTests.cs", "Source/Store.cs"), ("t/test_private.py", "pkg/_private.py"),
        ("src/list/index.test.ts", "src/list.ts"), ("test_pkg.py", "pkg/__init__.py"),
    ],
)  # fmt: skip
def test_tests_are_known_by_name(test: str, tested: str) -> None:
    assert (is_test_of(test, tested), is_test_of(tested, test)) == (True, False)


def test_what_is_no_test_of_another() -> None:
    assert not is_test("src/latest.py") and not is_test("contest/entry.py") and not is_test("src/Unit.java")
    assert not is_test_of("tests/test_a.py", "pkg/b.py") and not is_test_of("tests/test_a.py", "tests/a.py")
    assert plain_stem("lib/list.h") == plain_stem("src/list.c")


def test_folder_distance_counts_steps() -> None:
    paths = {"a/b/x.py": 0, "a/x.py": 1, "x.py": 2, "a/c/x.py": 2, "a/b/c/x.py": 1, "d/e/f/x.py": 5}
    assert {path: folder_distance("a/b/y.py", path) for path in paths} == paths
