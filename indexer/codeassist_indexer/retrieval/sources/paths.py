"""What two paths alone say of two files: how far apart they are, and whether one is the other's test.

Knows no file and no index. Paths are relative to the repository, with forward slashes.
"""

from __future__ import annotations

import re
from functools import lru_cache

from codeassist_indexer.languages.registry import FOLDER_MODULES

_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", "testing", "unittests"})
_WORD_BEFORE = re.compile(r"^(?:test|tests|spec)[_-](?=.)", re.IGNORECASE)
_WORD_AFTER = re.compile(r"(?<=.)[._-](?:test|tests|spec|unittest|unittests)$", re.IGNORECASE)
_CAMEL_AFTER = re.compile(r"(?<=[a-z0-9])(?:Test|Tests|TestCase|Spec|IT|ITCase)$")
_CAMEL_BEFORE = re.compile(r"^Test(?=[A-Z])")
_AFFIXES = (_WORD_BEFORE, _WORD_AFTER, _CAMEL_AFTER, _CAMEL_BEFORE)
_KEPT = 1 << 14  # one repository's paths, mostly: each is asked about at every keystroke


def folder_of(path: str) -> str:
    """Return the folder that a file lies in, "" for the root."""
    return path.rpartition("/")[0]


def folder_distance(one: str, other: str) -> int:
    """Return how many steps up and down lead from the folder of one file to that of the other."""
    return _steps(one.rpartition("/")[0], other.rpartition("/")[0])


@lru_cache(_KEPT)
def _steps(one: str, other: str) -> int:
    if one == other:
        return 0
    first, second = one.split("/") if one else [], other.split("/") if other else []
    num_shared = 0
    for mine, theirs in zip(first, second, strict=False):
        if mine != theirs:
            break
        num_shared += 1
    return len(first) + len(second) - 2 * num_shared


@lru_cache(_KEPT)
def stem_of(path: str) -> str:
    """Return a file's name without its extension, as it is written; of a folder's own module, the folder's name."""
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    return _of_folder(path, stem) if stem in FOLDER_MODULES else stem


@lru_cache(_KEPT)
def tested_stem(stem: str) -> str | None:
    """Return what a test's stem says it tests (`test_a`, `a_test`, `ATest`, `a.spec`), None if it is no test's."""
    for affix in _AFFIXES:
        rest, num_found = affix.subn("", stem)
        if num_found:
            return rest
    return None


@lru_cache(_KEPT)
def is_test(path: str) -> bool:
    """Say whether a file belongs to the tests, by its name or by a folder."""
    return tested_stem(stem_of(path)) is not None or not _TEST_FOLDERS.isdisjoint(folder_of(path).lower().split("/"))


@lru_cache(_KEPT)
def plain_stem(path: str) -> str:
    """Return the stem in lower case without test affixes and leading underscores: equal for what belongs together."""
    stem = tested_stem(stem_of(path)) or stem_of(path)
    return (_of_folder(path, stem) if stem in FOLDER_MODULES else stem).lstrip("_").lower()


def is_test_of(test: str, tested: str) -> bool:
    """Say whether `test` is the test of `tested` by their names."""
    return is_test(test) and not is_test(tested) and plain_stem(test) == plain_stem(tested)


def _of_folder(path: str, stem: str) -> str:
    return folder_of(path).rpartition("/")[2] or stem
