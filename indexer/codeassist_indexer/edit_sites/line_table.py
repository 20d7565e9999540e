"""The lines of several files as arrays of token numbers, so that all lines are looked at in a few passes.

Texts in, arrays out. A token is what the rules of `codeassist.edits.proposals.replacement` take for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codeassist.edits.proposals.replacement import TOKEN

_TOKEN_OR_BREAK = re.compile(TOKEN.pattern + r"|\n")
_SHAPE_PRIME = np.uint64(1_099_511_628_211)
MOST_FILE_CHARS = 4_000_000
"""A longer file is data or generated: nobody's next edit lies in it, and reading it would take the whole deadline."""
MOST_LINE_CHARS = 2_000
"""Of a longer line only this much is read."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LineTable:
    """N lines of F files with T tokens in all.

    paths: F. first_lines: [F + 1], where a file's lines begin. lines: N, their texts. file_of: [N]. line_in_file: [N],
    from 0. tokens: [T] numbers of `vocabulary`; line_of: [T], rising; starts: [N + 1], where a line's tokens begin.
    is_name: [V], whether a token is a name of three characters or more and no keyword. rarity: [V] in [0, 1], 1 for a
    token of one line only. kinds: [V], what a token
    is in a shape. shapes: [N], equal where the lines are alike but for names and numbers.
    """

    paths: tuple[str, ...]
    first_lines: Ints
    lines: tuple[str, ...]
    file_of: Ints
    line_in_file: Ints
    vocabulary: Mapping[str, int]
    tokens: Ints
    line_of: Ints
    starts: Ints
    is_name: Bools
    rarity: Floats
    kinds: Ints
    shapes: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.lines)

    def row(self, path: str, line: int) -> int | None:
        """Return the number of a file's line, of its last one where it has fewer; None for an unknown file."""
        if path not in self.paths:
            return None
        file = self.paths.index(path)
        first, behind = int(self.first_lines[file]), int(self.first_lines[file + 1])
        return min(first + max(line, 0), behind - 1) if behind > first else None

    def numbers(self, tokens: Iterable[str]) -> Ints:
        """Return the numbers of tokens that stand in some line, each once."""
        known = {self.vocabulary[token] for token in tokens if token in self.vocabulary}
        return np.fromiter(sorted(known), dtype=np.int64, count=len(known))

    def encode(self, line: str) -> Ints:
        """Return the numbers of a line's tokens in order; those that the vocabulary lacks are left out."""
        numbers = [self.vocabulary[token] for token in TOKEN.findall(line) if token in self.vocabulary]
        return np.array(numbers, dtype=np.int64)

    def shape(self, line: str) -> np.uint64:
        """Return the shape of a line whose tokens are in the vocabulary."""
        kinds = self.kinds[self.encode(line)]
        return _shapes(kinds, np.zeros(len(kinds), np.int64), np.zeros(1, np.int64), 1)[0]

    def among(self, numbers: Ints) -> Bools:
        """Return which tokens of the vocabulary are among some: [V]."""
        chosen = np.zeros(len(self.is_name), dtype=np.bool_)
        chosen[numbers] = True
        return chosen

    def count(self, weights: Floats) -> Floats:
        """Return for each line the sum of its tokens' weights, each token of the line once: weights [V] to [N]."""
        return np.bincount(self.line_of, weights[self.tokens], minlength=len(self)).astype(np.float32)


KEYWORDS = frozenset({
    "abstract", "and", "any", "as", "assert", "async", "await", "base", "bool", "boolean", "break", "byte", "case",
    "catch", "char", "class", "const", "continue", "def", "default", "del", "do", "double", "elif", "else", "enum",
    "err", "except", "export", "extends", "false", "final", "finally", "float", "fn", "for", "from", "func", "function",
    "get", "if", "impl", "implements", "import", "in", "instanceof", "int", "interface", "internal", "is", "lambda",
    "let", "long", "map", "match", "mod", "mut", "namespace", "new", "nil", "none", "not", "null", "number", "object",
    "of", "or", "out", "override", "package", "pass", "private", "protected", "pub", "public", "raise", "readonly",
    "ref", "return", "sealed", "self", "set", "short", "static", "str", "string", "struct", "super", "switch", "this",
    "throw", "throws", "trait", "true", "try", "type", "typeof", "undefined", "unsafe", "use", "using", "val", "var",
    "virtual", "void", "where", "while", "with", "yield",
})  # fmt: skip
"""Words that say nothing about what a line is about, in lower case, of the languages together."""
_LEAST_NAME_CHARS = 3


def read_lines(files: Mapping[str, str], more: Iterable[str] = ()) -> LineTable:
    """Take texts apart. Files that are longer than MOST_FILE_CHARS have no lines here.

    The tokens of `more`, lines that stand in none of the files, are in the vocabulary too.
    """
    paths = tuple(files)
    texts = [
        _short_lines(files[path].replace("\r\n", "\n")) if len(files[path]) <= MOST_FILE_CHARS else "" for path in paths
    ]
    split = [_lines(text) for text in texts]
    counts = np.array([len(each) for each in split], dtype=np.int64)
    first_lines = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    num_lines = int(first_lines[-1])
    file_of = np.repeat(np.arange(len(paths)), counts)
    line_in_file = np.arange(num_lines) - first_lines[file_of] if num_lines else np.zeros(0, np.int64)
    vocabulary: dict[str, int] = {"\n": 0}
    numbers: list[int] = []
    for lines in split:
        for found in _TOKEN_OR_BREAK.findall("\n".join(lines) + "\n" if lines else ""):
            number = vocabulary.get(found)
            if number is None:
                number = vocabulary[found] = len(vocabulary)
            numbers.append(number)
    for line in more:
        for found in TOKEN.findall(line):
            vocabulary.setdefault(found, len(vocabulary))
    every = np.array(numbers, dtype=np.int64)
    is_break = every == 0
    line_of_all = np.cumsum(is_break) - is_break
    tokens, line_of = every[~is_break], line_of_all[~is_break]
    starts = np.searchsorted(line_of, np.arange(num_lines + 1))
    words = list(vocabulary)
    is_name = np.array(
        [
            (word[0].isalpha() or word[0] == "_") and len(word) >= _LEAST_NAME_CHARS and word.lower() not in KEYWORDS
            for word in words
        ],
        dtype=np.bool_,
    )
    kinds = np.array([_kind(word, number) for number, word in enumerate(words)], dtype=np.int64)
    return LineTable(
        paths, first_lines, tuple(line for lines in split for line in lines), file_of, line_in_file, vocabulary,
        tokens, line_of, starts, is_name, _rarity(tokens, line_of, len(words), num_lines), kinds,
        _shapes(kinds[tokens], line_of, starts, num_lines),
    )  # fmt: skip


def _short_lines(text: str) -> str:
    if len(text) < MOST_LINE_CHARS:
        return text
    return "\n".join(line[:MOST_LINE_CHARS] for line in text.split("\n"))


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if not lines[-1] else lines


def _kind(word: str, number: int) -> int:
    """What a token is in a shape: names are one, numbers are one, keywords and signs are themselves."""
    if word[0].isdigit():
        return -2
    if (word[0].isalpha() or word[0] == "_") and word.lower() not in KEYWORDS:
        return -1
    return number


def _rarity(tokens: Ints, line_of: Ints, num_words: int, num_lines: int) -> Floats:
    if not len(tokens):
        return np.zeros(num_words, np.float32)
    once = np.unique(line_of * num_words + tokens) % num_words
    lines_with = np.bincount(once, minlength=num_words)
    return (1 - np.log(np.maximum(lines_with, 1)) / np.log(num_lines + 1)).astype(np.float32)


def _shapes(kinds: Ints, line_of: Ints, starts: Ints, num_lines: int) -> NDArray[np.uint64]:
    """A polynomial of each line's kinds of tokens, modulo 2**64."""
    shapes = np.zeros(num_lines, dtype=np.uint64)
    if len(kinds):
        places = np.arange(len(kinds)) - starts[line_of]
        powers = np.cumprod(np.full(int(places.max()) + 1, _SHAPE_PRIME, dtype=np.uint64))
        np.add.at(shapes, line_of, (kinds.astype(np.uint64) + np.uint64(11)) * powers[places])
    return shapes
