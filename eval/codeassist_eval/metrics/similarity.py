"""Edit similarity: the rounded ratio of fuzzywuzzy, and Levenshtein similarity.

Two strings in, a number out.
"""

from __future__ import annotations

from difflib import SequenceMatcher

from rapidfuzz.distance import Levenshtein


def fuzz_ratio(left: str, right: str) -> int:
    """Return what `fuzzywuzzy.fuzz.ratio(left, right)` returns where python-Levenshtein is not installed: 0 to 100.

    Quirk: CrossCodeEval and RepoBench require fuzzywuzzy alone, which then falls back to difflib. Difflib's ratio is
    not symmetric, and from 200 characters on it ignores frequent characters of `right` (autojunk), so the ratio of
    rapidfuzz or python-Levenshtein is another number.
    """
    if left == right:
        return 100
    if not left or not right:
        return 0
    return round(100 * SequenceMatcher(None, left, right).ratio())


def levenshtein_similarity(left: str, right: str) -> float:
    """Return 1 - distance / the longer length: 0.0 to 1.0. Two empty strings are equal: 1.0."""
    longest = max(len(left), len(right))
    if longest == 0:
        return 1.0
    return 1 - (Levenshtein.distance(left, right) / longest)
