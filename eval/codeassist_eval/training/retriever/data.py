"""Places and chunks of repositories that a retriever learns from, without labels and without a model.

A place is a cursor in a file; a chunk of another file is worth to it what the names on its true line say: that it uses
the rare ones, or defines them.
"""

from __future__ import annotations

import math
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nsmallest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codeassist.request import CompletionRequest
from codeassist_eval.tasks.make import parse_all, source_texts
from codeassist_indexer.languages.forms.parsed import ParsedFile
from codeassist_indexer.retrieval.vectors.static_encoder import slots_around, token_rows, words_of
from codeassist_indexer.storage.lexical import is_keyword

Rows = NDArray[np.int64]

_PLACES_PER_FILE = 6
_MIN_NAME_CHARS = 3
_MAX_LINE_CHARS = 200
_COMMON_SHARE = 0.1  # a name in more of a repository's chunks than this is nobody's
_MIN_COMMON_CHUNKS = 20
_MOST_CHUNKS = 60
_PLACES_PER_REPOSITORY = 160
_NEAR_WEIGHT = 0.3  # of a name that stands near the cursor already: any search by words finds that
_AT_LINE_START = 0.3
_NUM_POSITIVES = 4
MAX_RARITY = 5.0
_NUM_HARD = 6
_NUM_RANDOM = 4
_NAME = re.compile(r"[^\W\d]\w*")
_IMPORT = re.compile(r"\s*(?:import|from|using|package|use|#\s*include|export)\b")


@dataclass(frozen=True, slots=True)
class ChunkWords:
    """A chunk: the rows of its words in the table, the names in it, and those that it defines."""

    file: int
    rows: Rows
    names: frozenset[str]
    defines: frozenset[str]


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor: rows and slots of the words around it, what each name of its true line weighs, and chunks to compare.

    `pool` are chunks that its names or its surroundings lead to, and some that nothing does.
    """

    file: int
    rows: Rows
    slots: Rows
    truth: Mapping[str, float]
    pool: Sequence[int]


@dataclass(frozen=True, slots=True)
class RepositoryData:
    """All of one repository that training sees."""

    name: str
    chunks: Sequence[ChunkWords]
    places: Sequence[Place]


def worth(truth: Mapping[str, float], chunk: ChunkWords) -> float:
    """Return what a chunk is worth to a place: the weights of the names in it, twice for what it defines."""
    return sum(weight * (1 + (name in chunk.defines)) for name, weight in truth.items() if name in chunk.names)


def read_repository(folder: Path, num_rows: int, seed: int) -> RepositoryData:
    """Read a repository's files, and draw places in them with `seed`."""
    texts = source_texts(folder)
    return make_data(folder.name, texts, parse_all(texts), num_rows, seed)


def make_data(
    name: str, texts: Mapping[str, str], parsed: Mapping[str, ParsedFile], num_rows: int, seed: int
) -> RepositoryData:
    """Make the data of one repository of its files' texts."""
    chooser = random.Random(f"{seed}/{name}")
    paths = sorted(parsed)
    chunks = [chunk for number, path in enumerate(paths) for chunk in _chunks(number, parsed[path], num_rows)]
    index = _Index(chunks)
    places: list[Place] = []
    for number in chooser.sample(range(len(paths)), len(paths)):
        path = paths[number]
        places += _places(number, path, texts[path], parsed[path].language, index, num_rows, chooser)
        if len(places) >= _PLACES_PER_REPOSITORY:
            break
    return RepositoryData(name, chunks, places)


def rows_of(text: str, language: str, num_rows: int) -> Rows:
    """Return the rows that a text's words stand for, as an encoder sums them."""
    return np.array([row for word in words_of(text) for row in _cached_rows(word, language, num_rows)], np.int64)


def query_rows(around: Mapping[bytes, int], language: str, num_rows: int) -> tuple[Rows, Rows]:
    """Return the rows of the words around a cursor (see `slots_around`), and the slot of each."""
    rows: list[int] = []
    slots: list[int] = []
    for word, slot in around.items():
        of_word = _cached_rows(word, language, num_rows)
        rows += of_word
        slots += [slot] * len(of_word)
    return np.array(rows, np.int64), np.array(slots, np.int64)


@lru_cache(maxsize=1 << 17)
def _cached_rows(word: bytes, language: str, num_rows: int) -> tuple[int, ...]:
    return token_rows(word, language, num_rows)


def _chunks(file: int, parsed: ParsedFile, num_rows: int) -> Iterator[ChunkWords]:
    for chunk in parsed.chunks:
        names = frozenset(_names(chunk.text, parsed.language))
        defines = frozenset(
            each.name
            for each in parsed.symbols
            if each.kind != "module" and chunk.start_line <= each.start_line < chunk.end_line
        )
        yield ChunkWords(file, rows_of(chunk.text, parsed.language, num_rows), names, defines & names)


def _names(text: str, language: str) -> Iterable[str]:
    return (
        name for name in set(_NAME.findall(text)) if len(name) >= _MIN_NAME_CHARS and not is_keyword(name, language)
    )


class _Index:
    """Which chunks of a repository hold which name."""

    def __init__(self, chunks: Sequence[ChunkWords]) -> None:
        self.chunks = chunks
        self._defined: dict[int, frozenset[str]] = {}
        self.by_name: dict[str, list[int]] = defaultdict(list)
        for number, chunk in enumerate(chunks):
            for name in chunk.names:
                self.by_name[name].append(number)
            self._defined[chunk.file] = self._defined.get(chunk.file, frozenset()) | chunk.defines
        most = max(_MIN_COMMON_CHUNKS, int(_COMMON_SHARE * len(chunks)))
        self._told = {name: tuple(held) for name, held in self.by_name.items() if len(held) <= min(most, _MOST_CHUNKS)}

    def elsewhere(self, name: str, file: int) -> list[int]:
        """Return the chunks of other files that hold a name; none of a common name."""
        return [each for each in self._told.get(name, ()) if self.chunks[each].file != file]

    def defined_in(self, file: int) -> frozenset[str]:
        """Return the names that a file defines."""
        return self._defined.get(file, frozenset())

    def rarity(self, name: str) -> float:
        """Return how rare a name is, from 0 to MAX_RARITY: that of a name in one chunk, in a repository of any size."""
        num_chunks = len(self.chunks)
        num_holding = max(1, len(self.by_name.get(name, ())))
        return MAX_RARITY * math.log(1 + num_chunks / (1 + num_holding)) / math.log(1 + num_chunks / 2)

    def best(self, weights: Mapping[str, float], file: int, limit: int) -> list[int]:
        """Return the chunks of other files in which names of the greatest weight stand together."""
        scores: dict[int, float] = {}
        for name, weight in weights.items():
            for number in self._told.get(name, ()):
                chunk = self.chunks[number]
                if chunk.file != file:
                    scores[number] = scores.get(number, 0.0) + weight * (1 + (name in chunk.defines))
        return nsmallest(limit, scores, key=lambda number: (-scores[number], number))


def _places(
    file: int, path: str, text: str, language: str, index: _Index, num_rows: int, chooser: random.Random
) -> Iterator[Place]:
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    own = index.defined_in(file)
    num_found = 0
    for start in chooser.sample(starts, min(len(starts), 5 * _PLACES_PER_FILE)):
        line_end = text.find("\n", start)
        line = text[start : line_end if line_end >= 0 else len(text)]
        if len(line) > _MAX_LINE_CHARS or _IMPORT.match(line):
            continue
        found = [
            match
            for match in _NAME.finditer(line)
            if len(match[0]) >= _MIN_NAME_CHARS
            and not is_keyword(match[0], language)
            and match[0] not in own
            and index.elsewhere(match[0], file)
        ]
        if not found:
            continue
        cursor = chooser.choice(found).start()
        if chooser.random() < _AT_LINE_START:
            cursor = len(line) - len(line.lstrip())
        request = CompletionRequest(path, text[: start + cursor], text[start + len(line) :])
        around = slots_around(request)
        near = {word.decode("utf-8", "replace") for word in around}
        truth = {
            match[0]: index.rarity(match[0]) * (_NEAR_WEIGHT if match[0] in near else 1.0)
            for match in found
            if match.start() >= cursor
        }
        hard = {name: index.rarity(name) for name in near if len(name) >= _MIN_NAME_CHARS}
        pool = [
            *index.best(truth, file, _NUM_POSITIVES),
            *index.best(hard, file, _NUM_HARD),
            *(
                number
                for number in chooser.sample(range(len(index.chunks)), min(_NUM_RANDOM, len(index.chunks)))
                if index.chunks[number].file != file
            ),
        ]
        yield Place(file, *query_rows(around, language, num_rows), truth, tuple(dict.fromkeys(pool)))
        num_found += 1
        if num_found == _PLACES_PER_FILE:
            return
