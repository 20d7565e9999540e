"""Which chunks are the rarest, beside the same counted term by term."""

from __future__ import annotations

import random

import numpy as np
import pytest

from codeassist_indexer.storage.chunk_reader import Postings, bm25_score, outside


def test_rarity_and_its_order_are_those_of_counting_term_by_term() -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chooser = random.Random(seed)
    for _ in range(50):
        lists = [
            (f"t{n}", chooser.choice((1.0, 2.5, 2.5)), sorted(chooser.sample(range(60), chooser.randint(1, 20))))
            for n in range(chooser.randint(0, 6))
        ]
        rarity: dict[int, float] = {}
        for _, weight, listed in lists:
            for chunk_id in listed:
                rarity[chunk_id] = rarity.get(chunk_id, 0.0) + weight
        postings = Postings([(term, weight, np.array(listed)) for term, weight, listed in lists])
        limit = chooser.randint(1, 30)
        assert postings.best(limit) == sorted(rarity, key=rarity.__getitem__, reverse=True)[:limit]
        assert [postings.rarity(chunk_id) for chunk_id in range(-1, 61)] == [rarity.get(n, 0.0) for n in range(-1, 61)]
        some = chooser.sample(range(60), 20)
        by_rarity = sorted(some, key=lambda chunk_id: rarity.get(chunk_id, 0.0), reverse=True)
        assert postings.rarest(np.array(some), limit) == by_rarity[:limit]
        first, last = sorted(chooser.sample(range(60), 2))
        between = [chunk_id for chunk_id in sorted(rarity) if first <= chunk_id <= last]
        between.sort(key=rarity.__getitem__, reverse=True)
        assert postings.best_between(range(first, last + 1), 3) == between[:3]
        held = {n: [(term, weight) for term, weight, listed in lists if n in listed] for n in postings.best(5)}
        assert postings.terms_of(postings.best(5)) == held


def test_more_of_a_term_and_less_text_is_more() -> None:
    assert (
        bm25_score([("word", 2.0)], "word word")
        > bm25_score([("word", 2.0)], "word and")
        > bm25_score([("word", 2.0)], "word" + "-" * 900)
    )
    assert bm25_score([], "word") == 0


@pytest.mark.parametrize(
    ("own", "left"), [(range(3, 6), [1, 7]), (range(0), [1, 3, 5, 7]), (range(8, 9), [1, 3, 5, 7])]
)
def test_the_own_file_is_left_out(own: range, left: list[int]) -> None:
    assert outside(np.array([1, 3, 5, 7]), own).tolist() == left
