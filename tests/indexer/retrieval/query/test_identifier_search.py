"""Names found in a text without a pattern are those that a pattern finds."""

from __future__ import annotations

import random
import re

from codeassist_indexer.retrieval.query.cursor import calls, has_word, places_of, taken_of


def test_the_same_as_patterns_made_for_each_name() -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chooser = random.Random(seed)
    pieces = ("ab", "a", "b", ".", "::", "->", "(", " ", "\n", "def ", "func ", "_", "1", "ä", "=")
    num_found = 0
    for _ in range(2_000):
        text = "".join(chooser.choices(pieces, k=chooser.randint(0, 40)))
        name = chooser.choice(("ab", "a", "b", "a_b", "ä"))
        whole = [found.start() for found in re.finditer(rf"\b{name}\b", text)]
        assert list(places_of(text, name)) == whole
        assert has_word(text, name) == bool(whole)
        called = re.search(rf"(?<!def )(?<!fn )(?<!func )(?<!function )\b{name}\s*\(", text)
        assert calls(text, name) == (called is not None)
        taken = re.findall(rf"(?<!\w){name}(?:\.|::|->)(?=([^\W\d]\w*))", text)
        assert taken_of(text, name) == taken
        num_found += len(whole) + len(taken)
    assert num_found > 500
